"""DLMS push over wired M-Bus: bytes in, Frames with the whole APDU out, sum8 of each link frame verified (EN 13757-2).

    68 L L 68 C A CI STSAP DTSAP data.. sum 16      C is 53 or 73, CI the segment's number with 10 for the last

An APDU lies in one to sixteen link frames, numbered from 0, with a gap between them. L counts from C to the data's end; older
Sagemcom T210-D write 01 where 257 bytes follow. What the segments of one APDU have in common is their order alone: so an APDU
is given only when no segment and next to no byte is missing between them, and when it is as long as it says.
"""

from micropython import const

from bridge.framing.frame import Framer
from bridge.framing.octets import copy

_CAPACITY = const(288)  # of link bytes: the longest frame has 263
_APDU = const(1024)  # the longest APDU seen on M-Bus has 364 bytes
_GLITCH = const(8)  # noise between two segments that is borne: less than any segment that may have been lost has
_HEAD = const(7)  # bytes that tell a frame's start: up to CI
_DATA = const(9)  # offset of the data
_TAIL = const(2)  # sum, 16
_AROUND = const(6)  # bytes of a link frame that L does not count
_LEAST = const(6)  # L of a frame with one byte of data
_SAGEMCOM = const(257)  # bytes that follow where L says 1
_LAST = const(0x10)  # in CI
_LENGTH_OCTETS = const(4)  # behind 80 + their number
_CIPHERED = const(0xDB)  # tag of general-glo-ciphering, which says how long it is


class MbusFramer(Framer):
    """See Framer. A frame's payload is the APDU; link frames whose APDU stays incomplete count as noise."""

    PROTOCOL = "mbus"
    # Of the CI fields that are read: the bits that tell them and their value.
    _MASK = 0xE0
    _CI = 0x00
    _KEEP = 0  # bytes at the end of noise that may be the start of something

    def __init__(self):
        super().__init__(_CAPACITY)
        self._view = memoryview(self._buffer)
        self._start_joining()

    def _start_joining(self) -> None:
        self._apdu = self._frame.buffer = bytearray(_APDU)
        self._mark = 0  # noise_bytes at the end of the last segment
        self._held = 0  # link bytes of the segments that are joined
        self._joined = 0  # bytes in _apdu
        self._next = 0  # number of the segment that belongs there

    def _search(self) -> int:
        while True:
            at = self._buffer.find(b"\x68", self._scan, self._count)
            if at < 0:
                self._drop(max(self._origin, self._count - self._KEEP))
                self._scan = self._count
                return -1
            size = self._measure(at)
            if size:
                end = at + size
                self._drop(at)
                self._scan = at
                if size < 0 or end > self._count:
                    return -1
                if self._verified(at, end):
                    self._origin = self._scan = end
                    if self._link(at, end):
                        return end
                    continue
            self._scan = at + 1

    def _measure(self, at: int) -> int:
        """Length of the link frame that starts at `at`; 0: none does; -1: too few bytes to say."""
        if at + _HEAD > self._count:
            return -1
        buffer = self._buffer
        length = buffer[at + 1]
        if length != buffer[at + 2] or buffer[at + 3] != 0x68 or buffer[at + 4] & 0xDF != 0x53 or buffer[at + 6] & self._MASK != self._CI:
            return 0
        if length == 1 and not buffer[at + 6]:
            length = _SAGEMCOM
        return length + _AROUND if length >= _LEAST else 0

    def _verified(self, at: int, end: int) -> bool:
        if self._buffer[end - 1] != 0x16:
            return False
        if sum(self._view[at + 4 : end - _TAIL]) & 0xFF == self._buffer[end - _TAIL]:
            return True
        self.crc_errors += 1
        return False

    def _link(self, at: int, end: int) -> bool:
        """Takes the good link frame buffer[at:end]; True when it completes what is to be given."""
        kind = self._buffer[at + 6]
        number = kind & 0x0F
        if not number and self._next:
            self.resyncs += 1
        if number != self._next or self.noise_bytes - self._mark > _GLITCH:
            self._forget()
        size = end - _TAIL - at - _DATA
        room = _APDU - self._joined
        self._held += end - at
        if number != self._next or size > room:
            if size > room:
                self.oversize += 1
            self._forget()
            return False
        copy(self._apdu, self._joined, self._buffer, at + _DATA, size)
        self._joined += size
        self._next = number + 1
        self._mark = self.noise_bytes
        size = self._declared()
        if not kind & _LAST and (size != self._joined or self._apdu[0] != _CIPHERED):  # some do not mark the last
            return False
        if size > self._joined:
            self._forget()
            return False
        self._give(0, size, "sum8")
        self._joined = self._next = self._held = 0
        return True

    def _forget(self) -> None:
        """Lets go of the segments that are joined."""
        self.noise_bytes += self._held
        self._mark = self.noise_bytes
        self._joined = self._next = self._held = 0

    def _declared(self) -> int:
        """How long the joined APDU says that it is; what there is of it, when it does not say."""
        apdu = self._apdu
        if apdu[0] != _CIPHERED:
            return self._joined
        at = apdu[1] + 2  # behind the system title
        size = apdu[at]
        octets = size & 0x7F if size & 0x80 else 0
        if octets > _LENGTH_OCTETS:
            return self._joined
        if octets:
            size = 0
        for at in range(at + 1, at + 1 + octets):
            size = size << 8 | apdu[at]
        return at + 1 + size

    def _overflow(self) -> None:
        self._origin = self._scan = self._count
