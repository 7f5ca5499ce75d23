"""HDLC frames of meters that push: an APDU (bytes) in; one frame, segments or general block transfer with their check sums (bytes) out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

from host_tools.meters import crc

FLAG = b"\x7e"
LLC = b"\xe6\xe7\x00"
FINAL = 0x10  # bit of the control field: the last frame of the answer
_TYPE_3, _SEGMENTED, _LONGEST = 0xA000, 0x0800, 0x7FF
_BLOCKS, _STREAMING, _LAST = 0xE0, 0x40, 0x80


def frame(address: bytes, control: int, info: bytes, segmented: bool = False) -> bytes:
    """One frame with its flags. `address` is destination and source as they go over the wire."""
    size = 2 + len(address) + 1 + 2 + len(info) + 2
    if size > _LONGEST:
        raise ValueError(f"{size} bytes do not fit a frame")
    head = (_TYPE_3 | _SEGMENTED * segmented | size).to_bytes(2, "big") + address + bytes([control])
    body = head + crc.x25(head).to_bytes(2, "little") + info
    return FLAG + body + crc.x25(body).to_bytes(2, "little") + FLAG


def single(apdu: bytes, address: bytes, control: int = 0x13) -> bytes:
    return frame(address, control, LLC + apdu)


def segments(apdu: bytes, address: bytes, size: int, control: int = 0x13) -> bytes:
    """`size` bytes of information in each frame; all but the last say that more follow."""
    data = LLC + apdu
    starts = range(0, len(data), size)
    return b"".join(
        frame(address, control & ~FINAL if at != starts[-1] else control, data[at:at + size], segmented=at != starts[-1]) for at in starts
    )


def blocks(apdu: bytes, address: bytes, sizes: Sequence[int], control: int = 0x13) -> bytes:
    """General block transfer, a frame per block; `sizes` are the bytes in each, the last size again and again."""
    rest, number, out = apdu, 0, b""
    for size in chain(sizes, repeat(sizes[-1])):
        part, rest, number = rest[:size], rest[size:], number + 1
        head = bytes([_BLOCKS, _STREAMING | (0 if rest else _LAST)]) + number.to_bytes(2, "big") + bytes(2) + bytes([len(part)])
        out += frame(address, control, (LLC if number == 1 else b"") + head + part)
        if not rest:
            break
    return out
