"""Was a frame rightly accepted? The stream, where the frame ended and its payload in; True or False out. Shares no code with the firmware.

Runs on CPython and on MicroPython. `end` is the index behind the last byte that the framer used. A frame without a checksum
has to prove itself by its form.
"""

try:
    from host_tools.meters import crc
except ImportError:  # MicroPython: the folder of that module is on the path
    import crc

ESCAPE = b"\x1b\x1b\x1b\x1b"
SML_START = ESCAPE + b"\x01\x01\x01\x01"
HEX = b"0123456789abcdefABCDEF"


def p1(stream, end: int, payload: bytes, checksum: str) -> bool:
    """'/' to '!', then up to four digits of CRC-16/ARC; without digits only text of a meter that has no CRC."""
    if payload[:1] != b"/" or payload[-1:] != b"!":
        return False
    if checksum == "none":
        plain = all(32 <= octet < 127 or octet in b"\r\n" for octet in payload)
        return plain and b"1-3:0.2.8(" not in payload and b"0-0:96.1.4(" not in payload
    at = stream.rfind(payload, 0, end)
    digits = b""
    behind = at + len(payload)
    while behind < end and len(digits) < 4 and stream[behind] in HEX:
        digits += bytes([stream[behind]])
        behind += 1
    return checksum == "crc16" and at >= 0 and digits != b"" and int(digits, 16) == crc.arc(payload)


def sml(stream, end: int, payload: bytes, checksum: str) -> bool:
    """The file that ends at `end`, from any start before it, has the right sum and this body."""
    if checksum != "crc16" or stream[end - 8 : end - 4] != ESCAPE or stream[end - 4] != 0x1A:
        return False
    low, high = stream[end - 2], stream[end - 1]
    start = end
    while True:
        start = stream.rfind(SML_START, 0, start)
        if start < 0:
            return False
        covered = bytes(stream[start : end - 2])
        if crc.x25(covered) == low | high << 8 or crc.kermit(covered) == low << 8 | high:
            if _unescaped(covered[8:-6]) == payload:
                return True
        start += len(SML_START) - 1


def _unescaped(body: bytes) -> bytes:
    parts = []
    at = 0
    while True:
        found = body.find(ESCAPE, at)
        if found < 0:
            return b"".join(parts) + body[at:]
        parts.append(body[at : found + 4])
        at = found + (8 if body[found + 4 : found + 8] == ESCAPE else 4)


# Protocol: what judges its frames.
CHECKS = {"p1": p1, "sml": sml}
