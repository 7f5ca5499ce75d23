"""Bytes of one buffer in, bytes of another or a judgement out, without an allocation where MicroPython can emit machine code."""


def _copy(target: bytearray, at: int, source, start: int, count: int) -> None:
    """Copies `count` bytes of `source` from `start` to `target` at `at`; overlapping only downwards. Bounds are the caller's."""
    target[at : at + count] = source[start : start + count]


def _printable(buffer: bytearray, start: int, end: int) -> bool:
    """Whether buffer[start:end] is printable 7-bit text, CR and LF."""
    for i in range(start, end):
        octet = buffer[i]
        if octet > 126 or (octet < 32 and octet != 10 and octet != 13):
            return False
    return True


try:
    from bridge.framing.octets_viper import copy, printable
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    copy, printable = _copy, _printable
