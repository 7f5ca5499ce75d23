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
