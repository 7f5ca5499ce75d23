"""DLMS over HDLC: bytes in, Frames with one whole APDU out, CRC-16/X-25 of header and frame verified (IEC 62056-46, frame format 3).

    7E  A len(11 bits)  destination  source  control  HCS  information  FCS  7E      no byte stuffing: 7E may be anywhere

Frames with the segmentation bit (A8 ..) are joined, then the blocks of a general block transfer (E0); E6 E7 00 (LLC) goes. One
7E may end a frame and begin the next. Where a frame that was cut holds a good one, the good one is given at its last byte.
"""

from micropython import const

from bridge.framing.crc import X25_START, table
from bridge.framing.frame import Framer
from bridge.framing.octets import block, copy, header, reflected

# An APDU of 2048 bytes (three times the longest seen) with what its last frame has around it, or one frame of the longest
# length that 11 bits can say, 2047, and its flags. What was joined so far and the frame that comes share the buffer.
_CAPACITY = const(2080)
_GLITCH = const(16)  # noise between two pieces from this length on may have been a piece: segments have no numbers
_CCITT = const(0x8408)  # polynomial of CRC-16/X-25
_GOOD = const(0xF0B8)  # its state behind what ends in the right checksum
_FLAG = const(0x7E)
_FLAGS = b"\x7e"
_LLC_LENGTH = const(3)
_BLOCK_HEAD = const(7)  # bytes of a block before its data; an APDU is longer
_NOTIFICATION = const(0x0F)
_CIPHERED = const(0xDB)
_BLOCK = const(0xE0)


class HdlcFramer(Framer):
    """See Framer. A frame's payload is the APDU, of any kind where an LLC is before it."""

    PROTOCOL = "hdlc"

    def __init__(self):
        super().__init__(_CAPACITY)
        self._words = table(_CCITT)

    def _clear(self) -> None:
        shared = self._complete
        super()._clear()
        self._stop = 0  # where the frame at _origin ends, flag included; 0: none was begun
        self._inner = 0  # where a frame begins inside it, and ends: the one at _origin may have been cut
        self._inner_stop = 0
        self._abandon()
        if shared:  # the flag that ended the last frame may begin the next
            self._buffer[0] = _FLAG
            self._count = 1

    def _abandon(self) -> None:
        """Forgets what was joined so far: buffer[:_kept]."""
        self._kept = 0
        self._piece = 0  # where in it the segments of one information begin
        self._more = False  # a segment must follow
        self._block = 0  # number of the last block, 0: none
        self._noise = 0  # noise_bytes when the last piece came

    def _lose(self) -> None:
        if self._kept:
            self.resyncs += 1
            self.noise_bytes += self._kept
        self._abandon()

    def _compact(self) -> None:
        distance = self._origin - self._kept
        if distance:
            copy(self._buffer, self._kept, self._buffer, self._origin, self._count - self._origin)
            self._count -= distance
            self._scan -= distance
            self._origin = self._kept
            if self._stop:
                self._stop -= distance
            if self._inner:
                self._inner -= distance
                self._inner_stop -= distance

    def _drop(self, to: int) -> None:
        self.noise_bytes += to - self._origin - self._buffer.count(_FLAGS, self._origin, to)
        self._origin = to

    def _overflow(self) -> None:
        self._lose()

    def _search(self) -> int:
        while True:
            stop = self._stop
            if self._inner and self._inner_stop < stop:
                stop = self._inner_stop
            due = 0 < stop <= self._count
            if self._hunt(stop if due else self._count):
                continue
            if not due:
                if not stop:
                    self._drop(self._scan)
                return -1
            if self._judge(stop):
                return stop

    def _hunt(self, limit: int) -> bool:
        """Goes to the next header with a right checksum before `limit`; False when there is none yet."""
        buffer = self._buffer
        while True:
            at = buffer.find(_FLAGS, self._scan, limit)
            if at < 0:
                self._scan = limit
                return False
            information = header(buffer, at, limit, self._words)
            if information < 0:
                self._scan = at
                return False
            self._scan = at + 1
            if information:
                break
        stop = at + 2 + ((buffer[at + 1] & 7) << 8 | buffer[at + 2])
        if self._stop:
            self._inner = at
            self._inner_stop = stop
        else:
            self._drop(at)
            self._stop = stop
        return True

    def _judge(self, stop: int) -> bool:
        """A frame should end before `stop`; True when it completes an APDU."""
        buffer = self._buffer
        start = self._origin if stop == self._stop else self._inner
        if buffer[stop - 1] == _FLAG:
            if reflected(buffer, start + 1, stop - 1, X25_START, self._words) == _GOOD:
                if start != self._origin:
                    self.resyncs += 1
                    self._drop(start)
                self._stop = self._inner = 0
                self._origin = self._scan = stop - 1
                return self._accept(start, stop)
            self.crc_errors += 1
        if start != self._origin:
            self._inner = 0
        elif self._inner:
            self._drop(self._inner)
            self._stop = self._inner_stop
            self._inner = 0
        else:
            self._stop = 0
            self._drop(self._scan)
        return False

    def _accept(self, start: int, stop: int) -> bool:
        """Joins the information of a good frame to what is kept; True when that is an APDU."""
        at = header(self._buffer, start, stop, self._words)
        if not self._more and (self._block or not self._kept) and self._usual(start, at):
            size = block(self._buffer, at, stop - 3, self._block + 1, self._kept)
            if size:
                self._kept += size >> 1
                self._block += 1
                self._noise = self.noise_bytes
                self._give(0, self._kept, "crc16")  # which it is if this was the last
                return size & 1 == 1
        return self._add(start, at, stop)

    def _usual(self, start: int, at: int) -> bool:
        """Whether a frame is UI and no segment, and nothing was lost before it."""
        return self._buffer[at - 3] & 0xEF == 0x03 and not self._buffer[start + 1] & 8 and self.noise_bytes - self._noise < _GLITCH

    def _add(self, start: int, at: int, stop: int) -> bool:
        """As `_accept`, of a frame whose information begins at `at`."""
        buffer = self._buffer
        end = stop - 3
        control = buffer[at - 3]
        more = buffer[start + 1] & 8 != 0
        if at >= end or control & 1 and control & 0xEF != 0x03:  # neither I nor UI
            return False
        if self._kept and self.noise_bytes - self._noise >= _GLITCH:
            self._lose()
        first = self._first(at, end)
        if self._more and first > at:
            self._lose()
        if not self._more:
            if first < 0:
                return False
            at = first
            self._piece = self._kept
        copy(buffer, self._kept, buffer, at, end - at)
        self._kept += end - at
        self._more = more
        if more:
            self._noise = self.noise_bytes
            return False
        if buffer[self._piece] == _BLOCK:
            return self._join()
        if self._piece:  # blocks of another APDU
            self.resyncs += 1
            self.noise_bytes += self._piece
        self._give(self._piece, self._kept, "crc16")
        return True

    def _first(self, at: int, end: int) -> int:
        """Where behind the LLC, if there is one, an APDU or a block begins in the information buffer[at:end]; -1: none does."""
        buffer = self._buffer
        if end - at < _BLOCK_HEAD:
            return -1
        if buffer[at] == 0xE6 and buffer[at + 1] & 0xFE == 0xE6 and not buffer[at + 2]:
            return at + _LLC_LENGTH
        tag = buffer[at]
        if tag == _BLOCK or tag == _CIPHERED and buffer[at + 1] == 8 or tag == _NOTIFICATION and buffer[at + 5] in b"\x00\x09\x0c\x19":
            return at
        return -1

    def _join(self) -> bool:
        """Joins the block at _piece to those before it; True when it was the last.

        E0, control (80: last), block number (2), acknowledged (2), length, data
        """
        buffer = self._buffer
        piece = to = self._piece
        number = buffer[piece + 2] << 8 | buffer[piece + 3]
        data = piece + _BLOCK_HEAD
        size = buffer[data - 1]
        if size & 0x80:
            octets = size & 0x7F
            size = 0
            while octets and data < self._kept:
                size = size << 8 & 0xFFFF | buffer[data]
                data += 1
                octets -= 1
        if data + size != self._kept:
            number = -1
        if number == 1:
            if piece:
                self.resyncs += 1
                self.noise_bytes += piece
            to = 0
        elif number == self._block and buffer[piece - size : piece] == buffer[data : data + size]:  # sent twice
            self._kept = piece
            self._noise = self.noise_bytes
            return False
        elif not self._block or number != self._block + 1:
            self._lose()
            return False
        last = buffer[piece + 1] & 0x80
        copy(buffer, to, buffer, data, size)
        self._kept = to + size
        self._block = number
        self._noise = self.noise_bytes
        if not last:
            return False
        self._give(0, self._kept, "crc16")
        return True
