"""Wired M-Bus long frames: an APDU (bytes) in; the frames that carry it, with their length and sum quirks (bytes) out."""

from __future__ import annotations

_START, _STOP, _SEND, _BROADCAST = 0x68, 0x16, 0x53, 0xFF
_PORTS = b"\x01\x67"  # source and destination of the transport layer
_LAST = 0x10  # bit of CI: no more segments
DATA = 245  # bytes of an APDU in a frame of the usual greatest length, L = FA


def long_frame(user: bytes) -> bytes:
    """C field to last data byte between head and sum. More than 255 bytes are sent as some Sagemcom do: L is what is left of the length."""
    size = len(user) & 0xFF
    return bytes([_START, size, size, _START]) + user + bytes([sum(user) & 0xFF, _STOP])


def frames(apdu: bytes, size: int = DATA) -> bytes:
    """`size` bytes of the APDU in each frame, which its CI numbers from 0; the last is marked."""
    parts = [apdu[at:at + size] for at in range(0, len(apdu), size)]
    return b"".join(
        long_frame(bytes([_SEND, _BROADCAST, number | (_LAST if number == len(parts) - 1 else 0)]) + _PORTS + part)
        for number, part in enumerate(parts)
    )
