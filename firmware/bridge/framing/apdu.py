"""DLMS without a link layer: bytes in, Frames with one APDU out; there is no checksum, the structure must prove itself.

    DB 08 title(8) length security ..     general-glo-ciphering: encrypted P1 of Luxembourg and Styria; ends where its length says
    0F invoke(4) time, structure or array data-notification; ends where its last element ends
    E6 E7 00 and one of them              as captures have them, the HDLC frame taken off
    /EGM5.. CR LF CR LF 00 82 xx xx .. !  P1 whose lines alone are encrypted (Stoen in Poland); frame.checksum says whether its CRC is right

A start inside a running APDU, if it is as good, means that this one was cut. Every byte is searched and walked over once.
"""

from array import array

from micropython import const

from bridge.framing.frame import Framer
from bridge.framing.octets import copy, printable

# A text of 2048 hex digits, 1900 bytes of other objects, and what is around them: the longest telegram of Luxembourg.
_CAPACITY = const(4096)
_DEPTH = const(8)  # of structures in structures; meters send 4
# A notification (a list with one power has 26 bytes): longer than the bytes that it may take to tell that what began before it is none.
_SHORTEST = const(24)
_ALIKE = const(3)  # E6 E7 00, or DB 08 and the manufacturer's first letter
_LEAST = const(16)  # ciphered bytes, security byte and counter among them
_SIGNS = (b"\xe6", b"\xdb", b"\x0f", b"/")
_LLC = const(0xE6)
_LLC_LENGTH = const(3)
_SLASH = const(0x2F)
_IDENTIFICATION = const(48)  # the longest, with its empty line
_FOOTER = const(7)  # '!', four digits, CR, LF
_CIPHERED = const(0xDB)
_NOTIFICATION = const(0x0F)
_OCTETS = const(9)  # types
_TYPED = const(25)  # date-time
_TEXT = const(10)
_BITS = const(4)
_VARIED = const(0xFF)  # a length or a number of elements follows
# Bytes of each type, its tag included; 0: there is no such type.
_SIZES = b"\x01\xff\xff\x02\xff\x05\x05\x00\x00\xff\xff\x00\xff\x02\x00\x02\x03\x02\x03\x00\x09\x09\x02\x05\x09\x0d\x06\x05"


class ApduFramer(Framer):
    """See Framer. A frame's payload is the APDU without the LLC."""

    PROTOCOL = "dlms"

    def __init__(self):
        self._left = array("H", bytes(2 * _DEPTH))  # elements that are still to come, per depth
        self._tail = b""  # end of the APDU that was given: perhaps the next one's start (a copy, as what was given is decrypted in place)
        super().__init__(_CAPACITY)

    def _clear(self) -> None:
        spare = len(self._tail)
        if spare:  # then the last was cut and ended in it
            copy(self._buffer, 0, self._tail, 0, spare)
            self._tail = b""
        super()._clear()
        self._count = self._spare = spare  # bytes in front that are no noise: they were given
        self._apdu = 0  # where it begins, behind the LLC
        self._walk = 0  # data-notification: the next element
        self._end = 0  # general-glo-ciphering: where it ends
        self._depth = 0

    def _drop(self, to: int) -> None:
        given = min(self._spare, to - self._origin)
        self._spare -= given
        self._origin += given
        super()._drop(to)

    def _moved(self, distance: int) -> None:
        self._apdu -= distance
        self._walk -= distance
        self._end -= distance

    def _search(self) -> int:
        while True:
            if not self._inside:
                if self._hunt(self._count):
                    continue
                return -1
            end = self._extent()
            limit = end if end > 0 else -end + 1 if end else self._count
            if self._hunt(limit if limit < self._count else self._count):
                self.resyncs += 1
            elif not end:
                return -1
            elif end > 0 and not self._cut(end):
                self._give(self._apdu, end, "none")
                if self._buffer[self._apdu] == _SLASH:
                    from bridge.framing.p1_inner import verified

                    verified(self._frame)
                if self._scan < end:
                    self._tail = self._buffer[self._scan : end]
                return end
            else:
                self._inside = False
                self._drop(self._scan)

    def _cut(self, end: int) -> bool:
        """Is its end, too short to be a start, like its beginning? Then it was cut, and the next one completes it."""
        buffer = self._buffer
        origin = self._origin
        if end - self._scan < _ALIKE or buffer[origin] == _NOTIFICATION:
            return False
        return buffer.find(buffer[origin : origin + _ALIKE], self._scan, end) >= 0

    def _overflow(self) -> None:
        self._inside = False
        self._drop(self._scan)

    def _hunt(self, limit: int) -> bool:
        """Goes to the next start that is known by the bytes before `limit`; False when there is none yet."""
        buffer = self._buffer
        nearest = limit
        behind = 0
        for sign in _SIGNS:
            at = buffer.find(sign, self._scan, nearest)
            while at >= 0:
                found = self._starts(at, limit)
                if found:
                    behind = found
                    nearest = at
                    break
                at = buffer.find(sign, at + 1, nearest)
        self._scan = nearest
        if not self._inside:
            self._drop(nearest)
        if behind <= 0:
            return False
        self._drop(nearest)
        self._inside = True
        self._apdu = nearest + (_LLC_LENGTH if buffer[nearest] == _LLC else 0)
        self._scan = self._apdu + 1
        self._end = self._walk = behind
        self._depth = 0
        self._left[0] = 1
        return True

    def _starts(self, at: int, limit: int) -> int:
        """What begins at `at`: the index behind an APDU with a length, or of a notification's data; 0: nothing; -1: too few bytes to say."""
        buffer = self._buffer
        bare = buffer[at] != _LLC
        if buffer[at] == _SLASH:
            return self._sealed(at, limit)
        if not bare:
            if limit - at <= _LLC_LENGTH:
                return -1
            if buffer[at + 1] & 0xFE != 0xE6 or buffer[at + 2]:
                return 0
            at += _LLC_LENGTH
        if buffer[at] == _NOTIFICATION:
            return self._notified(at, limit, bare)
        return self._ciphered(at, limit, bare) if buffer[at] == _CIPHERED else 0

    def _ciphered(self, at: int, limit: int, bare: bool) -> int:
        buffer = self._buffer
        if limit - at < 12:
            return -1 if limit - at < 2 or buffer[at + 1] == 8 else 0
        if buffer[at + 1] != 8:
            return 0
        if bare:
            running = self._inside and buffer[self._apdu] == _CIPHERED
            for i in range(2, 5):  # of the title: the manufacturer's letters
                if not 65 <= buffer[at + i] & 0xDF <= 90 or running and buffer[at + i] != buffer[self._apdu + i]:
                    return 0
        behind = at + 11
        size = buffer[at + 10]
        if size & 0x80:
            octets = size & 0x7F
            if not 0 < octets < 5:
                return 0
            if behind + octets >= limit:
                return -1
            size = 0
            for _ in range(octets):
                size = size << 8 | buffer[behind]
                behind += 1
        # Security: bit 7 compression, bits 0 to 3 suite 0 to 2.
        if size < _LEAST or behind + size - at > _CAPACITY - _LLC_LENGTH or buffer[behind] & 0x8C:
            return 0
        return behind + size

    def _sealed(self, at: int, limit: int) -> int:
        buffer = self._buffer
        line = buffer.find(b"\n\0", at, min(limit, at + _IDENTIFICATION))
        if not printable(buffer, at, min(limit, at + _IDENTIFICATION) if line < 0 else line):
            return 0
        if line < 0:
            return -1 if limit - at < _IDENTIFICATION else 0
        if limit < line + 5:
            return -1
        size = buffer[line + 3] << 8 | buffer[line + 4]
        behind = line + 5 + size + _FOOTER
        return behind if buffer[line + 2] == 0x82 and line - at >= 8 and size >= _LEAST and behind - at <= _CAPACITY else 0

    def _notified(self, at: int, limit: int, bare: bool) -> int:
        buffer = self._buffer
        if limit - at < 8:
            return -1
        if bare:
            # Four bits of the invoke id are reserved; `0F s 16 u` is a scaler and unit, here with a string behind it.
            if buffer[at + 1] & 0x0F or buffer[at + 2] == 0x16 and _OCTETS <= buffer[at + 4] <= _TEXT:
                return 0
        kind = buffer[at + 5]
        data = at + 6
        if kind:
            if kind == _OCTETS:
                data += 1
            if kind != _TYPED and buffer[data - 1] != 12:
                return 0
            data += 12
        elif bare and self._inside and not self._resembles(at):
            return 0
        if limit - data < 3:
            return -1
        if kind and not self._dated(data - 12):
            return 0
        tag = buffer[data]
        element = buffer[data + 2]
        known = 0 < tag < 3 and buffer[data + 1] and element < len(_SIZES) and _SIZES[element]
        return data if known else 0

    def _resembles(self, at: int) -> bool:
        """Without LLC and time a start proves little: inside another it must be like that one's."""
        buffer = self._buffer
        for i in (0, 1, 2, 5, 6):
            if buffer[at + i] != buffer[self._apdu + i]:
                return False
        return True

    def _dated(self, at: int) -> bool:
        """Can buffer[at:] be a date-time? FD to FF: not specified, in a day the last of the month."""
        buffer = self._buffer
        year = buffer[at] << 8 | buffer[at + 1]
        if year != 0xFFFF and not 2000 <= year < 2100:
            return False
        for i, most in ((2, 12), (3, 31), (5, 23), (6, 59), (7, 59)):
            if most < buffer[at + i] < 0xFD:
                return False
        return True

    def _extent(self) -> int:
        """The index behind the APDU when its last byte is there; 0: not yet; negative: it is none, by the byte at -index."""
        if self._buffer[self._apdu] != _NOTIFICATION:
            return self._end if self._end <= self._count else 0
        buffer = self._buffer
        left = self._left
        depth = self._depth
        at = self._walk
        while True:
            self._walk = at
            self._depth = depth
            if at + 2 > self._count and (at == self._count or buffer[at]):
                return 0
            tag = buffer[at]
            size = _SIZES[tag] if tag < len(_SIZES) else 0
            if not size:
                return -at
            behind = at + size
            if size == _VARIED:
                number = buffer[at + 1]
                behind = at + 2
                if number & 0x80:
                    octets = number & 0x7F
                    if not 0 < octets < 5:
                        return -at
                    if behind + octets > self._count:
                        return 0
                    number = 0
                    for behind in range(behind, behind + octets):
                        number = number << 8 | buffer[behind]
                    behind += 1
                if number > _CAPACITY:
                    return -at
                if tag < 3:
                    if number:
                        depth += 1
                        if depth == _DEPTH:
                            return -at
                        left[depth] = number
                        at = behind
                        continue
                else:
                    behind += number + 7 >> 3 if tag == _BITS else number
            if behind > self._count:
                return 0
            at = behind
            left[depth] -= 1
            while not left[depth]:
                if not depth:
                    return at if at - self._apdu >= _SHORTEST else -at
                depth -= 1
                left[depth] -= 1
