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


def hdlc(stream, end: int, payload: bytes, checksum: str) -> bool:
    """The information of good frames, the last of which ends at `end`, makes up the payload."""
    pieces = []
    at = stream.find(b"\x7e", 0, end)
    while at >= 0:
        size = (stream[at + 1] & 7) << 8 | stream[at + 2] if at + 9 < end else 0
        if size > 6 and stream[at + 1] & 0xF0 == 0xA0 and at + size + 2 <= end and stream[at + size + 1] == 0x7E:
            body = bytes(stream[at + 1 : at + 1 + size])
            head = _address(body, _address(body, 2)) + 1
            if head + 2 <= size and _sum(body, size - 2) and (head + 4 == size or _sum(body, head)):
                pieces.append((at + size + 2, body[head + 2 : -2] if head + 4 < size else b""))
        at = stream.find(b"\x7e", at + 1, end)
    return checksum == "crc16" and _made_of(payload, pieces, end, (0, 3, 7, 10))


def _address(body: bytes, at: int) -> int:
    """The index behind the address at `at`, whose last octet is odd."""
    while at < len(body) and not body[at] & 1:
        at += 1
    return at + 1


def _sum(body: bytes, size: int) -> bool:
    return crc.x25(body[:size]) == body[size] | body[size + 1] << 8


def _made_of(payload: bytes, pieces: list, end: int, heads: tuple) -> bool:
    """Is `payload` put together of pieces (end, octets) in their order, the last at `end`, each without one of `heads` octets?"""
    failed = set()

    def made(size: int, count: int) -> bool:
        """Is payload[:size] made of the first `count` pieces?"""
        for index in range(count - 1, -1, -1):
            stop, octets = pieces[index]
            if (size, index) in failed:
                return False
            if count == len(pieces) and stop != end:
                continue
            for head in heads:
                part = octets[head:]
                if head in (7, 10):  # a block says how long it is
                    part = part[: octets[head - 1]] if len(octets) >= head and octets[head - 7] == 0xE0 else b""
                if part and payload[size - len(part) : size] == part and len(part) <= size:
                    if len(part) == size or made(size - len(part), index):
                        return True
            failed.add((size, index))
        return False

    return made(len(payload), len(pieces))


def mbus(stream, end: int, payload: bytes, checksum: str) -> bool:
    """The data of good long frames, the last of which ends at `end`, make up the payload."""
    pieces = []
    at = stream.find(b"\x68", 0, end)
    while at >= 0:
        if at + 8 < end and stream[at + 3] == 0x68 and stream[at + 1] == stream[at + 2]:
            for size in (stream[at + 1], 257 if stream[at + 1] == 1 else 0):
                stop = at + 4 + size
                if size > 5 and stop + 2 <= end and stream[stop + 1] == 0x16 and sum(stream[at + 4 : stop]) & 0xFF == stream[stop]:
                    pieces.append((stop + 2, bytes(stream[at + 9 : stop])))
        at = stream.find(b"\x68", at + 1, end)
    pieces.sort(key=lambda piece: piece[0])
    if checksum != "sum8" or not pieces or pieces[-1][0] != end:
        return False
    if payload[0] == 0xDB:  # which says how long it is: more may follow
        for first in range(len(pieces)):
            if b"".join([octets for _, octets in pieces[first:]])[: len(payload)] == payload:
                return True
    return _made_of(payload, pieces, end, (0,))


def amis(stream, end: int, payload: bytes, checksum: str) -> bool:
    """The long frame that ends at `end` carries the payload."""
    size = len(payload)
    start = end - size - 6
    head = bytes((0x68, size & 255, size & 255, 0x68))
    right = start >= 0 and stream[start : start + 4] == head and stream[start + 4 : end - 2] == payload
    return checksum == "sum8" and size < 256 and right and stream[end - 2] == sum(payload) & 0xFF and stream[end - 1] == 0x16


def dlms(stream, end: int, payload: bytes, checksum: str) -> bool:
    """Nothing but a form: an APDU that came so, and is as long as it says where it says so."""
    if checksum != "none" or stream.rfind(payload, 0, end) < 0 or payload[0] not in (0xDB, 0x0F, 0x2F):
        return checksum == "crc16" and payload[:1] == b"/" and p1(stream, end, payload, checksum)
    if payload[0] == 0x2F:
        return b"\n\0\x82" in payload
    if payload[0] == 0x0F:
        return True
    more = payload[10] & 0x7F if payload[10] & 0x80 else 0
    size = int.from_bytes(payload[11 : 11 + more], "big") if more else payload[10]
    return payload[1] == 8 and len(payload) == 11 + more + size


def d0(stream, end: int, payload: bytes, checksum: str) -> bool:
    """Text up to '!'; with a BCC, that of what lies between an STX and the ETX before `end`."""
    if payload[-1:] != b"!":
        return False
    if checksum == "none":
        return all(32 <= octet < 127 or octet in b"\r\n" for octet in payload) and bytes(stream[:end]).replace(b"\x02", b"\n").rfind(payload) >= 0
    at = end
    while checksum == "bcc" and stream[end - 2] == 3:
        at = stream.rfind(b"\x02", 0, at)
        if at < 0:
            return False
        total = 0
        for octet in stream[at + 1 : end - 1]:
            total ^= octet
        text = bytes(stream[at + 1 : end - 2]).rstrip(b"\r\n")
        if not (total ^ stream[end - 1]) & 0x7F and payload[len(payload) - len(text) :] == text:
            return True
    return False


# Protocol: what judges its frames.
CHECKS = {"p1": p1, "sml": sml, "d0": d0, "hdlc": hdlc, "mbus": mbus, "dlms": dlms, "amis": amis}
# How many bytes later than at its last one a frame may be found: where the link tells a length and no end, one that was cut is
# known for it only when all of that length came. After one fault (targets.DAMAGED) none is late: what the same meter sends next is
# as long, and in bare DLMS the same manufacturer's start is known. It takes a made-up head, or two faults in one. Then what M-Bus
# frames it swallowed come out late, all of them; what another manufacturer's head swallowed of bare DLMS is lost.
LATE = {"mbus": 263, "amis": 263, "dlms": 4096}
