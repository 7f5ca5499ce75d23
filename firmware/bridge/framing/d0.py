"""D0 telegrams (IEC 62056-21, ASCII): bytes of an IR head in, Frames of text up to '!' out, BCC verified where there is one.

    /XXXZ identification CR LF CR LF, lines, ! CR LF                    push (mode D): no checksum
    /XXXZ identification CR LF, STX, lines, ! CR LF ETX BCC             readout (modes A to C)

The identification may be missing before STX; and where a head kept both for itself, if the telegram begins as readouts do
(0.0.0, F.F, C.1). Without a BCC the text must be printable, and not P1's: has_field tells them apart.
"""

from micropython import const

from bridge.framing.frame import Framer, has_field
from bridge.framing.octets import printable

# A household meter's readout has 300 to 1500 bytes. Those of industrial meters with a year of history do not fit: oversize.
_CAPACITY = const(4096)
_START_LENGTH = const(5)  # '/', three letters of manufacturer, speed
_HEAD_MAX = const(64)  # bytes of the identification line; the standard allows 23
_ETX = const(3)
_LF, _CR, _BRACKET, _SLASH, _COLON = const(10), const(13), const(41), const(47), const(58)
_STX = b"\x02"
_FIRST = b"0FC"  # first two characters of a readout: C of 0.0.0, F.F, C.1 or FF, and what follows
_SECOND = b".(F"
_MEDIA = b"01"  # A of its code, where it has one
_CODE_LENGTH = const(6)  # the first two characters behind A-B:


class D0Framer(Framer):
    """See Framer. A frame's payload runs from '/', or from the first data set, to '!'; an STX within is made an end of line.

    `identified`: third letter << 8 | speed character of the identification that came last; who waits for one sets it to 0.
    """

    PROTOCOL = "d0"
    _IDLE = b"\r\n\0"

    def __init__(self):
        self.identified = 0
        super().__init__(_CAPACITY)

    def _clear(self) -> None:
        super()._clear()
        self._fresh = True  # nothing came since the last telegram: one without identification may begin
        self._named = False  # the identification was noted

    def _search(self) -> int:
        while self._inside or self._hunt():
            bang = self._buffer.find(b"!", self._scan, self._count)
            slash = self._next(self._scan, bang if bang >= 0 else self._count)
            if slash >= 0:
                if slash + _START_LENGTH > self._count:
                    self._scan = slash
                    return -1
                self.resyncs += 1  # the telegram before was cut, or was an identification that nobody answered
                self._drop(slash)
                self._enter(slash)
                continue
            if not self._named:
                self._name()
            if bang < 0:
                self._scan = self._count
                return -1
            self._scan = bang
            end = self._judge(bang)
            if end:
                return end
        return -1

    def _next(self, at: int, end: int) -> int:
        """Index of the first start of an identification in at..end, or of what came of one so far; -1 without."""
        buffer = self._buffer
        while True:
            at = buffer.find(b"/", at, end)
            if at < 0:
                return -1
            behind = at + 1
            while behind < self._count and behind < at + _START_LENGTH:
                octet = buffer[behind]
                if not (65 <= octet & 0xDF <= 90 if behind < at + 4 else 48 <= octet <= 57 or 65 <= octet <= 73):
                    break
                behind += 1
            if behind == at + _START_LENGTH or behind == self._count:
                return at
            at += 1

    def _hunt(self) -> bool:
        """Goes to the next start; False when there is none yet."""
        buffer = self._buffer
        count = self._count
        if self._fresh and (buffer[0] in _FIRST or buffer[0] in _MEDIA):
            if count < _CODE_LENGTH:
                return False
            at = 4 if buffer[3] == _COLON else 0
            if buffer[at] in _FIRST and buffer[at + 1] in _SECOND:
                self._enter(0)
                return True
        at = buffer.find(_STX, self._scan, count)
        slash = self._next(self._scan, at if at >= 0 else count)
        if slash >= 0:
            at = slash
        self._fresh = False
        self._scan = at if at >= 0 else count
        self._drop(self._scan)
        if at < 0 or slash >= 0 and slash + _START_LENGTH > count:
            return False
        self._enter(at)
        return True

    def _enter(self, at: int) -> None:
        self._inside = True
        self._origin = at
        self._scan = at + 1
        self._named = self._buffer[at] != _SLASH

    def _leave(self, at: int) -> None:
        self._inside = self._fresh = False
        self._origin = self._scan = at

    def _name(self) -> None:
        """Notes the identification once its line is whole."""
        at = self._origin
        if self._buffer.find(b"\n", at, min(self._count, at + _HEAD_MAX)) > 0:
            self._named = True
            self.identified = self._buffer[at + 3] << 8 | self._buffer[at + 4]

    def _judge(self, at: int) -> int:
        """Is the '!' at `at` an end? The index after the frame, -1 for "wait", 0 for "search on"."""
        buffer = self._buffer
        count = self._count
        before = buffer[at - 1]
        behind = at + 1
        if behind == count:
            return -1
        if before != _LF and before != _CR and before != _BRACKET or buffer[behind] != _CR and buffer[behind] != _LF:
            self._scan = behind  # a value holds it, or it ends a telegram of P1
            return 0
        stx = buffer.rfind(_STX, self._origin, at)
        if stx < 0:
            return self._plain(self._origin, at, behind + 1)
        while behind < count and behind < at + 3 and (buffer[behind] == _CR or buffer[behind] == _LF):
            behind += 1
        if behind + 1 >= count and (behind == count or buffer[behind] == _ETX):
            return -1
        start = stx + 1
        if stx - self._origin <= _HEAD_MAX and buffer[self._origin] == _SLASH and buffer[stx - 1] == _LF:
            if buffer.find(b"(", self._origin, stx) < 0:  # nothing but the identification
                start = self._origin
        if buffer[behind] == _ETX:
            check = 0
            for i in range(stx + 1, behind + 1):
                check ^= buffer[i]
            if check == buffer[behind + 1]:
                buffer[stx] = _LF
                self._give(start, at + 1, "bcc")
                return behind + 2
            behind += 1 if buffer[behind + 1] == _SLASH else 2  # the BCC may be lost, and this the next one's start
        elif buffer[behind] in b"\r\n\0/":  # neither came, the checksum nor what announces it
            buffer[stx] = _LF
            return self._plain(start, at, behind)
        self.crc_errors += 1
        self._leave(behind)
        return 0

    def _plain(self, start: int, at: int, behind: int) -> int:
        """A telegram without checksum: its '!' at `at`, its end before `behind`. As _judge."""
        buffer = self._buffer
        if printable(buffer, start, at) and not self._is_p1(start, at):
            self._give(start, at + 1, "none")
            return behind
        self._drop(behind)
        self._leave(behind)
        return 0

    def _is_p1(self, start: int, end: int) -> bool:
        """DSMR 2 and 3: an empty line behind the identification, codes with medium and channel and without a field F."""
        buffer = self._buffer
        if buffer[start] != _SLASH:
            return False
        line = buffer.find(b"\n", start, end) + 1
        if not line or buffer[line] != _CR and buffer[line] != _LF:
            return False
        bracket = buffer.find(b"(", line, end)
        return buffer.find(b":", line, bracket) >= 0 and not has_field(buffer, line, end)

    def _overflow(self) -> None:
        stx = self._buffer.rfind(_STX, self._origin + 1, self._count)
        if stx > 0:
            self._enter(stx)
        else:
            self._leave(self._scan)
