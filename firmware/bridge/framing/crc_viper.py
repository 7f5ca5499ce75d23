"""The loop of a table-driven reflected CRC-16 as machine code; importing it fails where there is no native emitter."""

import micropython


@micropython.viper
def reflected(buffer, start: int, end: int, crc: int, table) -> int:
    """Running state after buffer[start:end], from state `crc`; `table`: 256 words of the polynomial."""
    octets = ptr8(buffer)
    words = ptr16(table)
    while start < end:
        crc = (crc >> 8) ^ words[(crc ^ octets[start]) & 0xFF]
        start += 1
    return crc
