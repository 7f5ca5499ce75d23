"""SML files of an IR head: bytes in, Frames with the unescaped body out, checksum verified (SML transport protocol, version 1).

    1B1B1B1B 01010101, body with each 1B1B1B1B doubled, fill bytes, 1B1B1B1B 1A pp cc cc

cc is CRC-16/X-25 over all before it, low byte first; some Holley meters send CRC-16/KERMIT, high byte first. The end is
searched for and pp, the number of fill bytes, not judged: some meters forget them, DZG's send four and say so (0 to 3 are
allowed); the checksum covers it. Version 2 (start 02020202) is for buses: counted, not read.
"""

from micropython import const

from bridge.framing.crc import X25_INVERT, crc16_x25
from bridge.framing.frame import Framer

_CAPACITY = const(2048)  # the longest file seen on a customer interface has 528 bytes
_CANDIDATES = const(4)  # starts inside a file with a wrong checksum that are tried: bounds the work per byte
_MARK = const(8)  # bytes of a start, of an end, of a doubled escape
_ESCAPE = b"\x1b\x1b\x1b\x1b"
_START = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_ONES = const(0x01)
_TWOS = const(0x02)
_END = const(0x1A)
_DOUBLED = const(0x1B)


class SmlFramer(Framer):
    """See Framer. A frame's payload is the body, fill bytes included; `version2` counts starts of transport version 2."""

    PROTOCOL = "sml"

    def __init__(self):
        self.version2 = 0
        self._doubled = False  # the body holds an escape
        super().__init__(_CAPACITY)

    def _search(self) -> int:
        while self._inside or self._hunt():
            at = self._buffer.find(_ESCAPE, self._scan, self._count)
            if at < 0:
                self._scan = max(self._scan, self._count - 3)
                return -1
            self._scan = at
            if at + _MARK > self._count:
                return -1
            end = self._judge(at)
            if end:
                return end
        return -1

    def _hunt(self) -> bool:
        """Goes to the next start; False when there is none yet."""
        while True:
            at = self._buffer.find(_ESCAPE, self._scan, self._count)
            if at < 0 or at + _MARK > self._count:
                keep = at if at >= 0 else max(self._origin, self._count - 3)
                self._drop(keep)
                self._scan = keep
                return False
            kind = self._kind(at)
            if kind == _ONES:
                self._drop(at)
                self._enter(at)
                return True
            if kind == _TWOS:
                self.version2 += 1
                self._drop(at + _MARK)
                self._scan = at + _MARK
            else:
                self._scan = at + 1

    def _kind(self, at: int) -> int:
        """What the escape at `at` means: _END, _ONES, _TWOS, _DOUBLED; 0 when it means nothing."""
        buffer = self._buffer
        kind = buffer[at + 4]
        if kind == _END:
            return kind
        if kind != buffer[at + 5] or kind != buffer[at + 6] or kind != buffer[at + 7]:
            return 0
        return kind if kind == _ONES or kind == _TWOS or kind == _DOUBLED else 0

    def _enter(self, at: int) -> None:
        self._inside = True
        self._doubled = False
        self._origin = at
        self._scan = at + _MARK

    def _leave(self, at: int) -> None:
        self._inside = False
        self._origin = self._scan = at

    def _judge(self, at: int) -> int:
        """The escape at `at` inside a file: the index after the frame, or 0 for "search on"."""
        kind = self._kind(at)
        if kind == _END:
            return self._close(at)
        if kind == _ONES:  # the file before was cut
            self.resyncs += 1
            self._drop(at)
            self._enter(at)
        elif kind == _TWOS:
            self.version2 += 1
            self._drop(at + _MARK)
            self._leave(at + _MARK)
        elif kind == _DOUBLED:
            self._doubled = True
            self._scan = at + _MARK
        else:
            self._scan = at + 1
        return 0

    def _close(self, at: int) -> int:
        if not self._verified(self._origin, at) and not self._restart(at):
            self.crc_errors += 1
            # The end may be half of one, with the next file's start where its checksum should be.
            self._leave(at + 5)
            return 0
        body = self._origin + _MARK
        self._give(body, self._unescape(body, at) if self._doubled else at, "crc16")
        return at + _MARK

    def _verified(self, start: int, at: int) -> bool:
        """Is the file from `start` whose end escape lies at `at` whole?"""
        buffer = self._buffer
        crc = crc16_x25(buffer, start, at + 6) ^ X25_INVERT
        if crc == buffer[at + 6] | buffer[at + 7] << 8:
            return True
        return crc16_x25(buffer, start, at + 6, 0) == buffer[at + 6] << 8 | buffer[at + 7]

    def _restart(self, at: int) -> bool:
        """Was the file cut within an escape, so that the next start looked like a doubled one? Tries the starts inside."""
        start = at
        for _ in range(_CANDIDATES):
            start = self._buffer.rfind(_START, self._origin + 1, min(start + _MARK - 1, at))
            if start < 0:
                return False
            if self._verified(start, at):
                self.resyncs += 1
                self._drop(start)
                return True
        return False

    def _unescape(self, start: int, end: int) -> int:
        """Halves each doubled escape of buffer[start:end], in place; gives the new end."""
        buffer = self._buffer
        read = write = start
        while True:
            at = buffer.find(_ESCAPE, read, end)
            stop = at + 4 if at >= 0 else end
            for i in range(read, stop):
                buffer[write] = buffer[i]
                write += 1
            if at < 0:
                return write
            read = stop + 4 if self._kind(at) == _DOUBLED and at + _MARK <= end else stop

    def _overflow(self) -> None:
        last = self._buffer.rfind(_START, self._origin + 1, self._count)
        if last > 0:
            self._enter(last)
            return
        self._leave(self._count - _MARK + 1)
