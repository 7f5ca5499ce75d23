"""P1 telegrams that came encrypted: the decrypted bytes of a Frame in, the same Frame from '/' to '!' out, CRC-16/ARC verified."""

from micropython import const

from bridge.framing.crc import crc16_arc

_SLASH = const(47)


def verified(frame) -> bool:
    """Whether the frame's bytes are a telegram with the right CRC behind it, of one to four hex digits; the frame then ends with its '!'. A checksum "proved": no CRC is needed."""
    buffer, start = frame.buffer, frame.start
    at = buffer.rfind(b"!", start, frame.end)
    if at < 0 or buffer[start] != _SLASH:
        return False
    digits = bytes(buffer[at + 1 : min(at + 5, frame.end)]).strip()
    try:
        crc = int(digits, 16)
    except ValueError:
        return False
    if frame.checksum != "proved" and crc16_arc(buffer, start, at + 1) != crc:
        return False
    frame.end = at + 1
    frame.checksum = "crc16"
    return True
