"""AES-GCM's inner loops where there is no machine code, with big integers: see ghash_viper.py, which does the same."""


def table(key: bytearray) -> tuple:
    """What `absorb` multiplies with, from the hash key of 16 bytes: the products of a nibble, and of what a shift drops."""
    value = int.from_bytes(key, "big")
    rows = [0] * 16
    drops = [0] * 16
    for power in range(4):
        for nibble in range(16):
            if nibble & 8 >> power:
                rows[nibble] ^= value
                drops[nibble] ^= 0xE1 << 120 >> power
        value = value >> 1 ^ (value & 1) * (0xE1 << 120)
    return rows, drops


def absorb(state: bytearray, words: tuple, buffer, start: int, end: int) -> None:
    """Takes buffer[start:end] into the hash `state` (16 bytes), filled up with zeros to whole blocks of 16."""
    rows, drops = words
    value = int.from_bytes(state, "big")
    for at in range(start, end, 16):
        size = min(16, end - at)
        value ^= int.from_bytes(bytes(buffer[at : at + size]), "big") << 128 - 8 * size
        product = 0
        for _ in range(32):
            product = product >> 4 ^ drops[product & 15] ^ rows[value & 15]
            value >>= 4
        value = product
    state[:] = value.to_bytes(16, "big")


def fill(blocks: bytearray, buffer, title: int, counter: int, number: int) -> None:
    """Makes counter blocks, as many as `blocks` holds: 8 bytes of buffer[title:], 4 of buffer[counter:], the block's number."""
    nonce = bytes(buffer[title : title + 8]) + bytes(buffer[counter : counter + 4])
    for at in range(0, len(blocks), 16):
        blocks[at : at + 16] = nonce + number.to_bytes(4, "big")
        number += 1


def xor(buffer: bytearray, at: int, stream, skip: int, count: int) -> None:
    """Exclusive-or of `count` bytes of `stream` from `skip` into `buffer` at `at`; bounds are the caller's."""
    for i in range(count):
        buffer[at + i] ^= stream[skip + i]
