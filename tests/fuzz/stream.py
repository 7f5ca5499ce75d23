"""A framer, a decoder and a builder at work: bytes of the line or a frame in; a Broken when they break a promise, else what came out.

Promises: no exception but DecodeError out of a decoder; a framer takes every byte, does a bounded work for each, keeps its
buffer's size, and accepts nothing whose checksum is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.core.errors import DecodeError
from bridge.decoding.register import Register
from bridge.framing.frame import Frame
from bridge.reading.builder import Builder
from bridge.reading.quantities import QUANTITIES
from tests.fuzz import stages
from tests.fuzz.checks import CHECKS
from tests.fuzz.protocols import Row
from tests.fuzz.work import WORK

# Bytes looked at for each byte of the wire: each is copied, searched and summed a few times, and where telegrams were cut
# some starts are tried for each end (framing/p1.py: 8 ends in mid-line and one at a line's start, 4 starts each).
WORK_PER_BYTE = 60
WORK_ALLOWED = 20_000  # besides, once: a full buffer is moved and searched a few times
COUNTERS = ("frames", "noise_bytes", "crc_errors", "oversize", "resyncs")
LATER = 1 << 20  # seconds


class Broken(AssertionError):
    """A promise that was not kept."""


def promise(kept: bool, text: str) -> None:
    if not kept:
        raise Broken(text)


class Taken:
    """Registers that a decoder emits, looked at and handed to a builder."""

    def __init__(self, limit: int):
        self.rows: list[tuple] = []
        self.builder = Builder()
        self._limit = limit

    def __call__(self, register: Register) -> None:
        value, time = register.value, register.time
        promise(0 <= register.ab <= 0xFFFF and 0 <= register.cde <= 0xFFFFFF and 0 <= register.f <= 255, "an OBIS code that is none")
        promise(-128 <= register.scaler <= 127 and 0 <= register.unit <= 0x7FF, "a scaler or unit out of range")
        if not isinstance(value, (int, memoryview, bytes, bytearray)):
            raise Broken(f"a value of type {type(value)}")
        if not isinstance(time, (int, memoryview, bytes, bytearray, type(None))):
            raise Broken(f"a time of type {type(time)}")
        promise(len(self.rows) < self._limit, "more registers than bytes")
        held = value if isinstance(value, int) else bytes(value)
        at = time if time is None or isinstance(time, int) else bytes(time)
        self.rows.append((register.ab, register.cde, register.f, held, register.scaler, register.unit, at, register.status))
        self.builder.add(register)


def finish(builder: Builder) -> None:
    """The reading, each of its quantities as text."""
    reading = builder.finish(1, LATER, 1)
    if reading is not None:
        for quantity in reading.items():
            promise(isinstance(reading.get(quantity), int), QUANTITIES[quantity][0])
            reading.text(quantity)


def decode(decoder: Callable, frame: Frame, with_known: bool = False) -> list | None:
    """Registers of a frame; None when the decoder refused it."""
    taken = Taken(frame.end - frame.start)
    taken.builder.begin(frame)
    try:
        decoder(frame, taken, taken.builder.values if with_known else None)
    except DecodeError:
        return None
    finish(taken.builder)
    return taken.rows


class Stream:
    """A framer at work on one stream of bytes; `calls`: how often it was fed."""

    def __init__(self, row: Row, decoder: Callable, known: list):
        self.framer = stages.framer(row.name)
        self.calls = 0
        self._capacity = len(self.framer._buffer)
        self._decoder = decoder
        self._check = CHECKS[row.name]
        self._late = row.waits
        self._past = b""  # what was fed before
        self._known = known  # payloads that need not be decoded again
        self._counted = [0] * len(COUNTERS)

    def feed(self, stream: bytes, seed: int, longest: int) -> list[tuple[int, bytes]]:
        """Feeds all of it in chunks of up to `longest` bytes; (index behind the frame, payload) of each frame."""
        frames = []
        whole = self._past + stream
        past = len(self._past)
        size = len(stream)
        view = memoryview(stream)
        feed, take = self.framer.feed, self.framer.take
        at = 0
        before = WORK.done
        while at < size:
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            chunk = view[at : at + 1 + (seed >> 16) % longest]
            length = len(chunk)
            used = 0
            while used < length:
                count = feed(chunk, used)
                self.calls += 1
                if not 0 <= count <= length - used:
                    raise Broken(f"feed used {count} of {length - used} bytes")
                used += count
                frame = take()
                if frame is not None:
                    frames.append((at + used, self._frame(whole, past + at + used, frame)))
                elif used != length:
                    raise Broken("feed stopped where no frame ended")
            at += length
        allowed = WORK_ALLOWED + WORK_PER_BYTE * size + len(frames) * self._capacity
        promise(WORK.done - before <= allowed, f"{WORK.done - before} bytes looked at for {size} of the wire")
        promise(len(self.framer._buffer) == self._capacity, "the buffer's size changed")
        now = [getattr(self.framer, name) for name in COUNTERS]
        promise(all(new >= old for new, old in zip(now, self._counted)), "a counter went back")
        self._counted = now
        self._past = whole
        return frames

    def _right(self, stream: bytes, end: int, payload: bytes, checksum: str) -> bool:
        """Whether the frame that came with the byte before `end` is one; where frames are found late, it may have ended before."""
        return any(self._check(stream, at, payload, checksum) for at in range(end, max(0, end - self._late) - 1, -1))

    def _frame(self, stream: bytes, end: int, frame: Frame) -> bytes:
        payload = bytes(frame.payload)
        promise(self.framer.take() is None, "a frame given twice")
        promise(self._right(stream, end, payload, frame.checksum), f"a frame whose {frame.checksum} is not right: {payload!r}")
        if payload not in self._known:
            decode(self._decoder, frame)
        return payload
