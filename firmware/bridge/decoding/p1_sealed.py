"""P1 telegrams whose lines alone are encrypted (Stoen in Poland): a Frame from '/' to the CRC in, the same Frame with readable lines out.

    /EGM5G35 CR LF CR LF 00 82 xx xx security counter[4] data tag[12] ! CRC

A general-glo-ciphering APDU whose system title is empty: eight zeros stand for it. All meters seen send a counter of zero, always; such a
counter is not judged. (amsreader-firmware, its source and issues 1067, 1177, 1198; what the CRC covers is not said.)
"""

from micropython import const

from bridge.core.errors import DecodeError

_TITLE = b"\xdb\x08\0\0\0\0\0\0\0\0"  # as other meters begin; as long as the shortest identification, and its own 00
_MARK, _FOOTER = const(33), const(5)  # '!', with the CRC


def open_lines(frame, security) -> None:
    """Opens the lines in their place; frame.checksum "proved": nobody needs to look at the CRC. Raises DecodeError, SecurityError."""
    buffer, start = frame.buffer, frame.start
    at = buffer.find(b"\n\0\x82", start, frame.end - 2) + 2  # of the length
    behind = at + 3 + (buffer[at + 1] << 8 | buffer[at + 2])
    if at - start < len(_TITLE) or behind + _FOOTER > frame.end + 4 or buffer[behind] != _MARK:
        raise DecodeError("P1: what is encrypted has no beginning or end")
    head = bytes(buffer[start : at - 1])
    footer = bytes(buffer[behind : behind + _FOOTER])
    proved = frame.checksum == "crc16"
    frame.start = at - len(_TITLE)
    frame.end = behind
    buffer[frame.start : at] = _TITLE
    replay = security.replay
    security.replay = replay and any(buffer[at + 4 : at + 8])
    try:
        security.open(frame)
    finally:
        security.replay = replay
    end = frame.end
    buffer[end : end + _FOOTER] = footer
    frame.end = end + _FOOTER
    end = frame.start
    frame.start = end - len(head)
    buffer[frame.start : end] = head
    if proved or frame.security == "authenticated":
        frame.checksum = "proved"
