"""What is fuzzed, on CPython: one input of bytes in; an AssertionError when the firmware's pure stages break a promise, else nothing.

    <protocol>.wire    bytes of the line through a framer, what it accepts through decoder and builder
    <protocol>.values  bytes as the payload of a frame, through decoder and builder
    readings           registers made of bytes, through the builder

Promises: no exception but DecodeError out of a decoder; a framer takes every byte, looks at a bounded number of bytes for each,
keeps its buffer's size, accepts nothing whose checksum is wrong, and after whatever came the next good telegram comes out.
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
from tests.fuzz.protocols import ROWS, Row
from tests.fuzz.work import WORK

# Bytes looked at for each byte of the wire: each is copied, searched and summed a few times, and where telegrams were cut
# some starts are tried for each end (framing/p1.py: 8 ends in mid-line and one at a line's start, 4 starts each).
WORK_PER_BYTE = 60
WORK_ALLOWED = 20_000  # besides, once: a full buffer is moved and searched a few times
REPEATED = 15  # of the mode's low half: the input many times over, so that the buffer overflows
LONGEST_STREAM = 9000  # twice the largest buffer
CHUNKS = (7, 40, 160, 700)  # longest chunk, by the mode
COUNTERS = ("frames", "noise_bytes", "crc_errors", "oversize", "resyncs")
DECODED_AT = (0, 8, 1500, 2600)  # where the payload lies in the buffer
DECODED_CAPACITY = 4096
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
        promise(-128 <= register.scaler <= 127 and 0 <= register.unit <= 0x3FF, "a scaler or unit out of range")
        promise(isinstance(value, (int, memoryview, bytes, bytearray)), f"a value of type {type(value)}")
        promise(isinstance(time, (int, memoryview, bytes, bytearray, type(None))), f"a time of type {type(time)}")
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
    """A framer at work on one stream of bytes."""

    def __init__(self, row: Row, decoder: Callable, good: list):
        self.framer = stages.framer(row.name)
        self.capacity = len(self.framer._buffer)
        self.decoder = decoder
        self._check = CHECKS[row.name]
        self._late = row.waits
        self._past = b""  # what was fed before
        self._known = [payload for _, payload in good]
        self._counted = [0] * len(COUNTERS)

    def feed(self, stream: bytes, seed: int, longest: int) -> list[tuple[int, bytes]]:
        """Feeds all of it in chunks of up to `longest` bytes; (index behind the frame, payload) of each frame."""
        frames = []
        all_of_it = self._past + stream
        past = len(self._past)
        view = memoryview(stream)
        at = 0
        before = WORK.done
        while at < len(stream):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            chunk = view[at : at + 1 + (seed >> 16) % longest]
            used = 0
            while used < len(chunk):
                count = self.framer.feed(chunk, used)
                promise(0 <= count <= len(chunk) - used, f"feed used {count} of {len(chunk) - used} bytes")
                used += count
                frame = self.framer.take()
                if frame is None:
                    promise(used == len(chunk), "feed stopped where no frame ended")
                else:
                    frames.append((at + used, self._frame(all_of_it, past + at + used, frame)))
            at += len(chunk)
        allowed = WORK_ALLOWED + WORK_PER_BYTE * len(stream) + len(frames) * self.capacity
        promise(WORK.done - before <= allowed, f"{WORK.done - before} bytes looked at for {len(stream)} of the wire")
        promise(len(self.framer._buffer) == self.capacity, "the buffer's size changed")
        now = [getattr(self.framer, name) for name in COUNTERS]
        promise(all(new >= old for new, old in zip(now, self._counted)), "a counter went back")
        self._counted = now
        self._past = all_of_it
        return frames

    def _right(self, stream: bytes, end: int, payload: bytes, checksum: str) -> bool:
        """Whether the frame that came with the byte before `end` is one; where frames are found late, it may have ended before."""
        return any(self._check(stream, at, payload, checksum) for at in range(end, max(0, end - self._late) - 1, -1))

    def _frame(self, stream: bytes, end: int, frame: Frame) -> bytes:
        payload = bytes(frame.payload)
        promise(self.framer.take() is None, "a frame given twice")
        promise(self._right(stream, end, payload, frame.checksum), f"a frame whose {frame.checksum} is not right: {payload!r}")
        if payload not in self._known:
            decode(self.decoder, frame)
        return payload


class Wire:
    """<protocol>.wire: two bytes say how, the rest is what arrives before a good telegram."""

    def __init__(self, row: Row):
        self.row = row
        self._good = row.good
        self.decoder = stages.decoder(row.name, *row.keys)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        mode, seed, body = data[0], data[1], data[2:]
        expected = None
        if mode & 3 == 0 and self.row.seal:
            expected = self.row.sealed(body)
            body = self.row.seal(body)
        elif mode & 15 == REPEATED and body:
            body = body * (LONGEST_STREAM // len(body))
        good, payload = self._good[seed % len(self._good)]
        run = Stream(self.row, self.decoder, self._good)
        frames = run.feed(body + good, seed, CHUNKS[mode >> 6])
        if expected is not None:
            promise(expected in [one for _, one in frames], "a good frame did not come out")
        if not any(end > len(body) and one == payload for end, one in frames):
            # A frame may end within the good telegram's bytes, where a sum of few bits or none at all lets it.
            spanned = any(end > len(body) for end, _ in frames)
            promise(spanned or self.row.waits, "the good telegram after it did not come out")
            frames = run.feed(good * (1 + self.row.waits // len(good)), seed, CHUNKS[mode >> 6])
            promise(any(one == payload for _, one in frames), "the second good telegram after it did not come out")


class Payload:
    """<protocol>.values: a byte says how, the rest is the payload of a frame."""

    def __init__(self, row: Row):
        self.row = row
        self.decoder = stages.decoder(row.name, *row.keys)
        self._buffer = bytearray(DECODED_CAPACITY)

    def __call__(self, data: bytes) -> None:
        if not data or len(data) > DECODED_CAPACITY - DECODED_AT[-1]:
            return
        mode, payload = data[0], data[1:]
        if mode & 0x3C in (4, 8) and self.row.encrypt:
            payload = self.row.encrypt(payload)
        checksum = self.row.checksums[mode & 1 and len(self.row.checksums) - 1]
        rows = self._decode(payload, DECODED_AT[mode >> 6], checksum, mode & 2 != 0, b"\0")
        if mode & 0x3C == 0:
            again = self._decode(payload, DECODED_AT[1], checksum, mode & 2 != 0, bytes([48 + (mode >> 6)]))
            promise(rows == again, "bytes outside of the frame changed what was read")

    def _decode(self, payload: bytes, at: int, checksum: str, with_known: bool, around: bytes) -> list | None:
        self._buffer[:] = around * DECODED_CAPACITY
        frame = Frame(self.row.name, self._buffer)
        frame.start, frame.end, frame.checksum = at, at + len(payload), checksum
        self._buffer[at : frame.end] = payload
        rows = decode(self.decoder, frame, with_known)
        promise(len(self._buffer) == DECODED_CAPACITY, "the buffer's size changed")
        return rows


# Codes that the tables know, and some that they do not: A-B, C.D.E.
CODES = [(0x100, c << 16 | d << 8 | e) for c in (1, 2, 3, 16, 31, 32, 36, 96) for d, e in ((8, 0), (8, 1), (7, 0), (4, 0), (1, 0))]
CODES += [(n, 24 << 16 | d << 8 | e) for n in (1, 2, 5) for d, e in ((1, 0), (2, 1), (2, 3), (4, 0))]
CODES += [(0, 1 << 16), (0, 98 << 16 | 1 << 8), (0, 96 << 16 | 1 << 8 | 1), (0, 17 << 16), (0x8181, 199 << 16 | 130 << 8 | 3)]
UNITS = (0, 27, 30, 33, 35, 13, 44, 255, 0x100 | 27, 0x100 | 30, 0x200 | 25)


def readings(data: bytes) -> None:
    """Registers of eight bytes and more: code, unit, scaler, form, and a value or text."""
    builder = Builder()
    heads = bytearray(data + b"/")  # no frame is empty
    builder.begin(Frame("p1" if len(data) & 1 else "sml", heads))
    register = Register()
    at = 0
    while at + 8 <= len(data):
        code, unit, scaler, form, size = data[at : at + 5]
        register.ab, register.cde = CODES[code % len(CODES)]
        register.f = 255 if form & 15 else 1
        register.unit = UNITS[unit % len(UNITS)]
        register.scaler = scaler - 256 if scaler > 127 else scaler % 8
        raw = data[at + 5 : at + 8 + size % 16]
        register.value = memoryview(raw) if form & 16 else int.from_bytes(raw[:9], "big", signed=form & 32 != 0)
        register.time = memoryview(raw[:13]) if form & 64 else len(raw) * LATER if form & 128 else None
        register.status = size if form & 8 else 0
        builder.add(register)
        at += 8 + size % 16
        if size >= 240:
            finish(builder)
            builder.begin(Frame("sml", heads))
    finish(builder)


def make(name: str) -> Callable[[bytes], None]:
    """The target called `name`."""
    if name == "readings":
        return readings
    protocol, _, kind = name.partition(".")
    return {"wire": Wire, "values": Payload}[kind](ROWS[protocol])


def names() -> list[str]:
    """All targets."""
    return [f"{row}.{kind}" for row in ROWS for kind in ("wire", "values")] + ["readings"]


def seeds(name: str) -> list[bytes]:
    """Inputs to begin with."""
    from tests.fuzz.protocols import seeds as short

    if name == "readings":
        return [bytes((n, n % 11, 253, 1, n % 16)) + bytes(3 + n % 16) for n in range(len(CODES))]
    protocol, _, kind = name.partition(".")
    row = ROWS[protocol]
    telegrams = [one for one, _ in row.good] + list(short(row))
    if kind == "wire":
        return [bytes((mode, number & 255)) + one for number, one in enumerate(telegrams) for mode in (0x41, 0xC1)]
    payloads = []
    for telegram in telegrams:
        framer = stages.framer(row.name)
        framer.feed(telegram)
        frame = framer.take()
        if frame:
            payload = bytes(frame.payload)
            payloads += [bytes((mode,)) + payload for mode in (0, 0x47)]
            if row.opened:
                payloads += [bytes((mode,)) + row.opened(payload) for mode in (0, 4, 0x47)]
    return payloads
