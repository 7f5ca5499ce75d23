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


@micropython.viper
def header(buffer, at: int, end: int, table) -> int:
    """Where the information begins of the HDLC frame whose flag is at `at`; 0: there is no good header; -1: too few bytes to say.

    `table`: of CRC-16/X-25; `end`: of the bytes there are.
    """
    octets = ptr8(buffer)
    words = ptr16(table)
    if at + 1 < end and octets[at + 1] & 0xF0 != 0xA0:
        return 0
    i = at + 3
    last = i + 4
    addresses = 2
    while addresses:  # bit 0 marks the last byte of one
        if i >= end:
            return -1
        i += 1
        if octets[i - 1] & 1:
            addresses -= 1
            last = i + 4
        elif i == last:
            return 0
    i += 3  # control, HCS
    if i > end:
        return -1
    rest = at + 1 + ((octets[at + 1] & 7) << 8 | octets[at + 2]) - i
    if rest < 2 and rest != 0:  # without information the HCS is the FCS
        return 0
    crc = 0xFFFF
    while at < i - 1:
        at += 1
        crc = crc >> 8 ^ words[(crc ^ octets[at]) & 0xFF]
    return i if crc == 0xF0B8 else 0


@micropython.viper
def block(buffer, at: int, end: int, number: int, to: int) -> int:
    """Copies the data of block `number` of a general block transfer, alone in buffer[at:end] but for an LLC, to `to`.

    Gives its length << 1, or-ed with 1 for the last block; 0 when anything is not as it mostly is. `to` is below `at`.
    """
    octets = ptr8(buffer)
    if octets[at] == 0xE6 and octets[at + 1] & 0xFE == 0xE6 and octets[at + 2] == 0:
        at += 3
    if at + 8 > end or octets[at] != 0xE0 or octets[at + 2] << 8 | octets[at + 3] != number:
        return 0
    size = octets[at + 6]
    last = octets[at + 1] >> 7
    at += 7
    if size == 0 or size > 127 or at + size != end:
        return 0
    while at < end:
        octets[to] = octets[at]
        to += 1
        at += 1
    return size << 1 | last
