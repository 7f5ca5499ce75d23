"""P1 telegrams: bytes of the port in, Frames from '/' to '!' out, CRC-16/ARC verified (DSMR 4, 5, eMUCs) or plain (DSMR 2.2, 3.0).

    /XXX5 identification CR LF CR LF, lines, ! and up to 4 hex digits of CRC over '/' to '!' (protocols: P1 companion standard)

A '!' ends a telegram only at the start of a line, or where the CRC behind it is right: values may hold '!' and '/'.
"""

from micropython import const

from bridge.framing.crc import crc16_arc
from bridge.framing.frame import Framer, has_field
from bridge.framing.octets import printable

# 2048 hex digits of text message and about 1900 bytes of other objects: the longest telegram the standards allow.
_CAPACITY = const(4096)
_START_LENGTH = const(5)  # '/', three characters of manufacturer, a digit
# A telegram that was cut lies before a good one in the buffer; more than this many starts between them are not tried,
# so that the work per byte stays bounded.
_CANDIDATES = const(4)
_RETRIES = const(8)  # ends in mid-line, per start, for which the candidates are tried
_LF = const(10)
_CR = const(13)
_BRACKET = const(41)  # )
_SLASH = const(47)
# A telegram with one of these comes from a meter that sends a CRC (DSMR 4 and 5, eMUCs).
_VERSIONS = (b"1-3:0.2.8(", b"0-0:96.1.4(")


class P1Framer(Framer):
    """See Framer. A frame's payload runs from '/' to '!', both included."""

    PROTOCOL = "p1"
    _IDLE = b"\r\n\0"

    def __init__(self):
        super().__init__(_CAPACITY)

    def _clear(self) -> None:
        super()._clear()
        self._crc = 0  # of the bytes from _origin to _summed
        self._summed = 0
        self._retries = 0

    def _moved(self, distance: int) -> None:
        self._summed -= distance

    def _search(self) -> int:
        while self._inside or self._hunt():
            at = self._buffer.find(b"!", self._scan, self._count)
            if at < 0:
                self._scan = self._count
                return -1
            self._scan = at
            end = self._judge(at)
            if end:
                return end
        return -1

    def _hunt(self) -> bool:
        """Goes to the next start; False when there is none yet."""
        buffer = self._buffer
        while True:
            at = buffer.find(b"/", self._scan, self._count)
            if at < 0:
                self._drop(self._count)
                self._scan = self._count
                return False
            match = self._starts(at)
            if match:
                self._drop(at)
                self._scan = at
                if match > 0:
                    self._enter(at)
                return match > 0
            self._scan = at + 1

    def _enter(self, at: int) -> None:
        self._inside = True
        self._origin = self._summed = at
        self._crc = self._retries = 0
        self._scan = at + _START_LENGTH

    def _leave(self, at: int) -> None:
        self._inside = False
        self._origin = self._scan = at

    def _starts(self, at: int) -> int:
        """1: a telegram starts at `at`; 0: none does; -1: too few bytes to say."""
        buffer = self._buffer
        for i in range(at + 1, at + _START_LENGTH):
            if i >= self._count:
                return -1
            octet = buffer[i]
            if not (48 <= octet <= 57 or i < at + 4 and 65 <= octet & 0xDF <= 90):
                return 0
        return 1

    def _last_start(self, before: int) -> int:
        """The last start after the present one and before index `before`, or -1."""
        while True:
            before = self._buffer.rfind(b"/", self._origin + 1, before)
            if before < 0 or self._starts(before) > 0:
                return before

    def _judge(self, at: int) -> int:
        """Is the '!' at `at` an end? The index after the frame, -1 for "wait", 0 for "search on"."""
        buffer = self._buffer
        before = buffer[at - 1]
        if before != _LF and before != _BRACKET and before != _CR:
            self._scan = at + 1
            return 0
        behind = at + 1
        value = 0
        while behind < self._count and behind < at + 5:
            octet = buffer[behind]
            digit = octet - 48 if octet <= 57 else (octet & 0xDF) - 55
            if digit < 0 or digit > 15 or octet > 57 and digit < 10:
                break
            value = value << 4 | digit
            behind += 1
        if behind == self._count and behind < at + 5:
            return -1
        if behind == at + 1:
            return self._bare(at, before)
        self._crc = crc16_arc(buffer, self._summed, at + 1, self._crc)
        self._summed = at + 1
        if self._crc == value:
            return self._whole(at, behind)
        if before == _LF or self._retries < _RETRIES:
            self._retries += 1
            if self._restart(at, value):
                return self._whole(at, behind)
        return self._refuse(at, behind, before)

    def _whole(self, at: int, behind: int) -> int:
        """A telegram with the right CRC ends; a byte that cut the digits short is used up unless it starts the next telegram."""
        self._give(self._origin, at + 1, "crc16")
        if behind < at + 5 and self._buffer[behind] != _SLASH:
            behind += 1
        return behind

    def _restart(self, at: int, value: int) -> bool:
        """Was the telegram cut, and does a later start give the CRC? Tries from the last start backwards."""
        start = at
        for _ in range(_CANDIDATES):
            start = self._last_start(start)
            if start < 0:
                return False
            if crc16_arc(self._buffer, start, at + 1) == value:
                self.resyncs += 1
                self._drop(start)
                return True
        return False

    def _refuse(self, at: int, behind: int, before: int) -> int:
        if before == _LF:
            self.crc_errors += 1
            self._leave(behind)
        else:
            self._scan = at + 1
        return 0

    def _bare(self, at: int, before: int) -> int:
        """A '!' without digits ends a telegram of DSMR 2.2 or 3.0, which has no CRC and names no version."""
        behind = at + 1
        if before == _LF and self._buffer[behind] in b"\r\n":
            last = self._last_start(at)
            start = last if last > 0 else self._origin
            if self._plain(start, at):
                if last > 0:
                    self.resyncs += 1
                    self._drop(start)
                self._give(start, behind, "none")
                return behind + 1
        return self._refuse(at, behind, before)

    def _plain(self, start: int, end: int) -> bool:
        for version in _VERSIONS:
            if self._buffer.find(version, start, end) >= 0:
                return False
        return printable(self._buffer, start, end) and not has_field(self._buffer, start, end)

    def _overflow(self) -> None:
        last = self._last_start(self._count)
        if last > 0:
            self._enter(last)
            return
        self._leave(self._count - _START_LENGTH + 1)
