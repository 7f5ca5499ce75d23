"""What a stream may be: bytes of the wire in, the protocols whose marks are in them out. Says where to look closer, proves nothing.

Used while the protocol is not known, so that only the framers that may be right take memory. Marks (protocols 1.3, 2, 3.1, 5.1, 6.2, 6.10):

    /ABC5              p1           68 L L 68          mbus, or amis where the control information is 5B
    *255(  or  1.8.0(  d0           10 40 F0 30 16     amis
    02 and a code      d0           DB 08, E6 E7 00    dlms, where no link layer is around it
    1B1B1B1B           sml          0F .. date-time    dlms likewise
    7E Ax, right HCS   hdlc         7E 80 2B FF        s1, the Belgian port that is not read

What D0 sends without any of its marks has the form of a P1 telegram without CRC, and is read as one.
"""

from micropython import const

from bridge.framing.crc import X25_INVERT, crc16_x25

_TAIL = const(64)  # bytes that are looked at again with the next chunk: D0's identification stands so far before its first mark
_CODE = const(16)  # no code of D0 is longer
_BARE = "dlms"  # has no link layer: its marks mean nothing inside the frame of one that has; text among its ciphered bytes means nothing
_HEADER = const(12)  # of HDLC, with two addresses of four bytes
_SLASH, _STX, _LONG_FRAME, _DOT, _STAR, _BRACKET = const(47), const(2), const(0x68), const(46), const(42), const(40)
_FLAG, _DATA, _TITLE, _LLC, _ESCAPE, _SHORT_FRAME = const(0x7E), const(0x0F), const(0xDB), const(0xE6), const(0x1B), const(0x10)


class Search:
    """Looks at a stream, chunk by chunk. `s1`: a frame of the Belgian S1 port was seen; `layers`: protocols that are around bare APDUs."""

    layers = ("hdlc", "mbus", "amis")

    def __init__(self):
        self.window = b""  # the newest chunk, behind the end of the one before
        self.before = 0  # bytes of that end
        self.s1 = False

    def look(self, chunk, known: list) -> list:
        """The protocols to listen for from the beginning of `window` on, beside the `known` ones that are listened for already."""
        self.window = bytearray(self.window[-_TAIL:])
        self.before = len(self.window)
        self.window.extend(chunk)
        found = []
        marks(self.window, found)
        if "s1" in found:
            from bridge.framing.s1 import is_s1

            found.remove("s1")
            self.s1 = self.s1 or is_s1(self.window, 0, len(self.window))
        for name in self.layers:
            if _BARE in found and (name in found or name in known):
                found.remove(_BARE)
        return [name for name in found if name not in known]


def marks(window: bytearray, found: list) -> None:
    """Adds the names of protocols whose marks `window` holds to `found`, each once, in the order in which they come."""
    end = len(window)
    if window.find(b"\n\0\x82") >= 0:  # lines of a P1 telegram that are encrypted
        found.append(_BARE)
    for at in range(end):
        octet = window[at]
        name = ""
        if octet == _SLASH:
            if at + 5 <= end and _letters(window, at + 1):
                name = "p1"
        elif octet == _BRACKET:
            if _short_code(window, at):
                name = "d0"
        elif octet == _STX:
            if _coded(window, at + 1, end):
                name = "d0"
        elif octet == _ESCAPE:
            if window[at : at + 4] == b"\x1b\x1b\x1b\x1b":
                name = "sml"
        elif octet == _FLAG:
            name = _flag(window, at, end)
        elif octet == _LONG_FRAME:
            if at + 7 <= end and window[at + 3] == octet and window[at + 1] == window[at + 2]:
                name = "amis" if window[at + 6] == 0x5B else "mbus"
        elif octet == _SHORT_FRAME:
            if window[at : at + 5] == b"\x10\x40\xf0\x30\x16":
                name = "amis"
        elif octet == _TITLE and window[at + 1 : at + 2] == b"\x08" or octet == _LLC and window[at : at + 3] == b"\xe6\xe7\x00":
            name = "dlms"
        elif octet == _DATA and at + 8 <= end and _notification(window, at + 5):
            name = "dlms"
        if name and name not in found:
            found.append(name)


def _letters(window: bytearray, at: int) -> bool:
    """Manufacturer and baud digit of an identification."""
    for i in range(at, at + 3):
        if not 65 <= window[i] & 0xDF <= 90 and not 48 <= window[i] <= 57:
            return False
    return 48 <= window[at + 3] <= 57 or 65 <= window[at + 3] <= 73


def _short_code(window: bytearray, bracket: int) -> bool:
    """Is what stands before the bracket a code without medium and channel, such as 1.8.0, or one with a field F? P1 has none of both."""
    at = bracket - 1
    dots = 0
    while at >= 0 and 48 <= window[at] <= 57:
        at -= 1
    if at >= 0 and window[at] == _STAR and 0 < bracket - 1 - at < 4:
        return True
    while at >= 0 and (48 <= window[at] <= 57 or window[at] == _DOT):
        dots += window[at] == _DOT
        at -= 1
    return at >= 0 and dots and bracket - at > 3 and window[at] in b"\r\n\x02)"


def _coded(window: bytearray, at: int, end: int) -> bool:
    """Does a code stand here, up to its bracket?"""
    for i in range(at, min(at + _CODE - 1, end)):
        octet = window[i]
        if octet == _BRACKET:
            return i > at
        if not 42 <= octet <= 58 and not 65 <= octet <= 90:
            return False
    return False


def _flag(window: bytearray, at: int, end: int) -> str:
    if at + 4 <= end and window[at + 1] == 0x80 and window[at + 2] == 0x2B and window[at + 3] == 0xFF:
        return "s1"
    if at + 8 > end or window[at + 1] & 0xF0 != 0xA0:
        return ""
    check = at + 3
    for _ in range(2):  # the addresses: their last byte is odd
        while check < end and not window[check] & 1:
            check += 1
        check += 1
    check += 1  # the control field
    if check + 2 > end or check > at + _HEADER:
        return ""
    crc = crc16_x25(window, at + 1, check) ^ X25_INVERT
    return "hdlc" if crc == window[check] | window[check + 1] << 8 else ""


def _notification(window: bytearray, at: int) -> bool:
    """Is a date-time, or none, and then a structure, behind the invoke id of a data-notification?"""
    kind = window[at]
    if not kind:
        return window[at + 1] in (1, 2)
    if kind == 9:
        return window[at + 1] == 12 and window[at + 2] == 7
    return kind in b"\x0c\x19" and window[at + 1] == 7
