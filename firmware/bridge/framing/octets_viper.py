"""Inner loops over bytes as machine code (see octets.py for what they do); importing it fails where there is no native emitter."""

import micropython


@micropython.viper
def copy(target, at: int, source, start: int, count: int):
    """Copies `count` bytes of `source` from `start` to `target` at `at`; bounds are the caller's."""
    to = ptr8(target)
    octets = ptr8(source)
    end = start + count
    while start < end:
        to[at] = octets[start]
        at += 1
        start += 1


@micropython.viper
def printable(buffer, start: int, end: int) -> bool:
    """Whether buffer[start:end] is printable 7-bit text, CR and LF."""
    octets = ptr8(buffer)
    while start < end:
        octet = octets[start]
        if octet > 126 or (octet < 32 and octet != 10 and octet != 13):
            return False
        start += 1
    return True


@micropython.viper
def reflected(buffer, start: int, end: int, crc: int, table) -> int:
    """State of a reflected CRC-16 after buffer[start:end], from state `crc`; `table`: 256 words of the polynomial."""
    octets = ptr8(buffer)
    words = ptr16(table)
    if (end - start) & 1:
        crc = (crc >> 8) ^ words[(crc ^ octets[start]) & 0xFF]
        start += 1
    while start < end:
        crc = (crc >> 8) ^ words[(crc ^ octets[start]) & 0xFF]
        crc = (crc >> 8) ^ words[(crc ^ octets[start + 1]) & 0xFF]
        start += 2
    return crc
