"""The Belgian S1 port: bytes of a line in, whether they are its samples out. It is recognised in order to be refused, never decoded.

45 bytes per sample at 2,000,000 baud 8N1: 7E 80 2B FF 03, id (14), info, sampling, frequency (2), number, values (18), FCS, 7E.
"""

from micropython import const

from bridge.framing.crc import X25_INVERT, crc16_x25

_LENGTH = const(45)
_START = b"\x7e\x80\x2b"


def is_s1(buffer, start: int, end: int) -> bool:
    """Whether buffer[start:end] (bytes, bytearray) holds a frame of the S1 port with the right checksum (X-25, low byte first)."""
    while True:
        start = buffer.find(_START, start, end)
        if start < 0 or start + _LENGTH > end:
            return False
        behind = start + _LENGTH - 1
        if buffer[behind] == _START[0]:
            crc = crc16_x25(buffer, start + 1, behind - 2) ^ X25_INVERT
            if crc == buffer[behind - 2] | buffer[behind - 1] << 8:
                return True
        start += 1
