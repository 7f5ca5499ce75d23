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
