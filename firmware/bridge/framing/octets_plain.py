"""Inner loops over bytes, where there is no machine code: see octets.py; octets_viper.py does the same."""

_words = {}


def copy(target: bytearray, at: int, source, start: int, count: int) -> None:
    """Copies `count` bytes of `source` from `start` to `target` at `at`; overlapping only downwards. Bounds are the caller's."""
    target[at : at + count] = source[start : start + count]


def printable(buffer: bytearray, start: int, end: int) -> bool:
    """Whether buffer[start:end] is printable 7-bit text, CR and LF."""
    for i in range(start, end):
        octet = buffer[i]
        if octet > 126 or (octet < 32 and octet != 10 and octet != 13):
            return False
    return True


def reflected(buffer, start: int, end: int, crc: int, table) -> int:
    """State of a reflected CRC-16 after buffer[start:end], from state `crc`; `table`: 256 words of the polynomial."""
    words = _words.get(table[128])  # which is the polynomial
    if words is None:
        words = _words[table[128]] = list(table)  # a list gives its numbers faster than an array
    for octet in memoryview(buffer)[start:end]:
        crc = crc >> 8 ^ words[crc & 255 ^ octet]
    return crc


def header(buffer: bytearray, at: int, end: int, table) -> int:
    """Where the information begins of the HDLC frame whose flag is at `at`; 0: there is no good header; -1: too few bytes to say.

    `table`: of CRC-16/X-25; `end`: of the bytes there are.
    """
    if at + 1 < end and buffer[at + 1] & 0xF0 != 0xA0:
        return 0
    behind = at + 3
    for _ in range(2):  # two addresses; bit 0 marks the last byte of one
        last = behind + 4
        while True:
            if behind >= end:
                return -1
            behind += 1
            if buffer[behind - 1] & 1:
                break
            if behind == last:
                return 0
    behind += 3  # control, HCS
    if behind > end:
        return -1
    rest = at + 1 + ((buffer[at + 1] & 7) << 8 | buffer[at + 2]) - behind
    if rest < 2 and rest != 0:  # without information the HCS is the FCS
        return 0
    return behind if reflected(buffer, at + 1, behind, 0xFFFF, table) == 0xF0B8 else 0


def block(buffer: bytearray, at: int, end: int, number: int, to: int) -> int:
    """Copies the data of block `number` of a general block transfer, alone in buffer[at:end] but for an LLC, to `to`.

    Gives its length << 1, or-ed with 1 for the last block; 0 when anything is not as it mostly is. `to` is below `at`.
    """
    if buffer[at] == 0xE6 and buffer[at + 1] & 0xFE == 0xE6 and not buffer[at + 2]:
        at += 3
    if at + 8 > end or buffer[at] != 0xE0 or buffer[at + 2] << 8 | buffer[at + 3] != number:
        return 0
    size = buffer[at + 6]
    last = buffer[at + 1] >> 7
    at += 7
    if not 0 < size < 128 or at + size != end:
        return 0
    copy(buffer, to, buffer, at, size)
    return size << 1 | last
