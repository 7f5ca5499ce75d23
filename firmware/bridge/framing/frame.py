"""What every framer shares: chunks of the wire in, one Frame at a time out.

A framer keeps the bytes that may still become a frame in one preallocated buffer. A subclass says where a frame starts and
ends; the copying, the limits and the counters are here. Work per byte is bounded whatever the wire sends.
"""

from micropython import const

from bridge.framing.octets import copy

# Chunks from this length on are copied by a slice assignment: faster, for 16 bytes of garbage each.
_LONG = const(128)


class Frame:
    """A link frame whose checksum was verified; lives until its framer is fed again.

    `buffer[start:end]` is the payload; `checksum` is "crc16", "bcc" (IEC 62056-21), "sum8" (M-Bus), or "none" where the protocol
    has none; `tick`: arrival, ms; `security`: "" until a decoder says "plain", "authenticated" or "unauthenticated".
    """

    def __init__(self, protocol: str, buffer: bytearray):
        self.protocol = protocol
        self.buffer = buffer
        self.start = 0
        self.end = 0
        self.checksum = "none"
        self.security = ""
        self.tick = 0

    @property
    def payload(self) -> memoryview:
        """A view of the payload (makes an object: the decoders use buffer, start and end)."""
        return memoryview(self.buffer)[self.start : self.end]


class Framer:
    """Base of the framers. Counters, since the start:

    frames       good frames given
    noise_bytes  bytes that belonged to no frame, cut frames included
    crc_errors   frames with both ends and a wrong checksum
    oversize     frames longer than the buffer
    resyncs      frames that began inside another, which was cut
    """

    PROTOCOL = ""
    _IDLE = b""  # what a meter may send between frames: no noise
    reply = b""  # what the meter wants to hear now; whoever sends it sets it back to nothing

    def __init__(self, capacity: int):
        self._buffer = bytearray(capacity)
        self._capacity = capacity
        self._frame = Frame(self.PROTOCOL, self._buffer)
        self._ready = False  # a frame waits for take()
        self._complete = 0  # the buffer holds a frame that was given: 1 more than the bytes from _origin on that are kept
        self.frames = 0
        self.noise_bytes = 0
        self.crc_errors = 0
        self.oversize = 0
        self.resyncs = 0
        self._clear()

    def _clear(self) -> None:
        self._count = 0  # bytes in the buffer
        self._origin = 0  # first of them that is still wanted: the frame's start when inside
        self._scan = 0  # where the search goes on
        self._inside = False  # a frame's start was seen
        self._complete = 0

    def feed(self, chunk, start: int = 0) -> int:
        """Takes bytes of `chunk` (bytes, bytearray, memoryview) from `start`; gives how many it used.

        Stops behind the byte that completes a frame (0 when earlier chunks held it whole): then `take`, and feed the rest.
        """
        if self._complete:
            late = self._complete - 1
            end = self._origin
            self._clear()
            if late:
                copy(self._buffer, 0, self._buffer, end, late)
                self._count = late
        position = start
        size = len(chunk)
        while position < size:
            before = self._count
            if not before and self._IDLE:
                while position < size and chunk[position] in self._IDLE:
                    position += 1
            length = size - position
            if length > self._capacity - before:
                length = self._capacity - before
            if length == size and length >= _LONG:
                self._buffer[before : before + length] = chunk
            else:
                copy(self._buffer, before, chunk, position, length)
            self._count = before + length
            end = self._search()
            if end >= 0:
                self._ready = True
                self._complete = 1
                self.frames += 1
                used = position + end - before - start
                if used < 0:  # it was found late: bytes of earlier chunks behind it are still to be looked at
                    self._complete -= used
                    self._origin = end
                    used = 0
                return used
            position += length
            if self._origin or self._count == self._capacity:
                self._settle()
        return size - start

    def take(self):
        """The frame that `feed` completed, once; else None."""
        if not self._ready:
            return None
        self._ready = False
        return self._frame

    def _settle(self) -> None:
        """Makes room for the next bytes: unwanted ones out, an oversized frame out."""
        self._compact()
        if self._count == self._capacity:
            self.oversize += 1
            self._overflow()
            self._compact()

    def _compact(self) -> None:
        origin = self._origin
        if origin:
            copy(self._buffer, 0, self._buffer, origin, self._count - origin)
            self._count -= origin
            self._scan -= origin
            self._origin = 0
            self._moved(origin)

    def _drop(self, to: int) -> None:
        """What lies before index `to` is noise."""
        if self._IDLE:
            for i in range(self._origin, to):
                if self._buffer[i] not in self._IDLE:
                    self.noise_bytes += 1
        else:
            self.noise_bytes += to - self._origin
        self._origin = to

    def _give(self, start: int, end: int, checksum: str) -> None:
        self._frame.start = start
        self._frame.end = end
        self._frame.checksum = checksum

    def _search(self) -> int:
        """Looks at the bytes from _scan on; gives the index after a frame's last byte, or -1 for "feed more"."""
        raise NotImplementedError

    def _overflow(self) -> None:
        """The buffer is full and holds no whole frame: moves _origin forward, to the last start in it or to its end."""
        raise NotImplementedError

    def _moved(self, distance: int) -> None:
        """The bytes moved down by `distance`: for indexes of a subclass."""


def has_field(buffer: bytearray, start: int, end: int) -> bool:
    """Whether a code in the text buffer[start:end] has a field F, as in 1-0:1.8.0*255: D0 has them, P1 without a checksum has none."""
    while True:
        start = buffer.find(b"*", start, end) + 1
        if not start:
            return False
        if 48 <= buffer[start] <= 57:
            return True
