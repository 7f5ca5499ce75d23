"""What is fuzzed, on CPython: one input of bytes in; a Broken when the firmware's pure stages break a promise (see stream.py), else nothing.

    <protocol>.wire    bytes of the line through a framer, what it accepts through decoder and builder
    <protocol>.values  bytes as the payload of a frame, through decoder and builder
    readings           registers made of bytes, through the builder

One promise more: after whatever came the next good telegram comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from bridge.decoding.register import Register
from bridge.framing.frame import Frame
from bridge.reading.builder import Builder
from tests.fuzz import stages
from tests.fuzz.protocols import ROWS, Row
from tests.fuzz.stream import LATER, Broken, Stream, decode, finish, promise
from tests.fuzz.work import Lines

__all__ = ["Broken", "make", "names", "promise", "seeds"]

REPEATED = 15  # of the mode's low half: the input many times over, so that the buffer overflows
DAMAGED = 14  # a good telegram with one fault, of which the next one must not suffer
OVERFLOW = 600  # bytes of the repeated input that are more than the buffer
CHUNKS = (7, 40, 160, 700)  # longest chunk, by the mode
SHORT = 300  # a longer stream comes in longer chunks: it is the calls that take time
SEEDS = 300  # of a target
DECODED_AT = (0, 8, 1500, 2600)  # where the payload lies in the buffer
DECODED_CAPACITY = 4096


class Wire:
    """<protocol>.wire: two bytes say how, the rest is what arrives before a good telegram."""

    def __init__(self, row: Row):
        self.row = row
        self._good = row.good
        self._payloads = [payload for _, payload in self._good]
        self._capacity = len(stages.framer(row.name)._buffer)
        self._lines = Lines()
        self.decoder = stages.decoder(row.name, *row.keys)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        mode, seed, body = data[0], data[1], data[2:]
        expected = None
        good, payload = self._good[seed % len(self._good)]
        longest = CHUNKS[mode >> 6]
        if mode & 3 == 0 and self.row.seal:
            expected = self.row.sealed(body)
            body = self.row.seal(body)
        elif mode & 15 == DAMAGED and len(body) > 3:
            body = damaged(good, body)
        elif mode & 15 == REPEATED and body:
            body = body * ((self._capacity + OVERFLOW) // len(body))
            longest = max(longest, CHUNKS[2])
        if len(body) > SHORT:
            longest = max(longest, CHUNKS[1])
        run = Stream(self.row, self.decoder, self._payloads)
        with self._lines as lines:
            frames = run.feed(body + good, seed, longest)
        if lines.seen:
            promise(lines.few(len(body) + len(good), run.calls), f"{lines.seen} lines of Python run for {len(body)} bytes in {run.calls} chunks")
        if expected is not None:
            promise(expected in [one for _, one in frames], "a good frame did not come out")
        if not any(end > len(body) and one == payload for end, one in frames):
            # A frame may end within the good telegram's bytes, where a sum of few bits or none at all lets it.
            spanned = any(end > len(body) for end, _ in frames)
            promise((spanned or self.row.waits) and mode & 15 != DAMAGED, "the good telegram after it did not come out")
            frames = run.feed(bytes(self.row.waits) + good, seed, CHUNKS[3])
            promise(any(one == payload for _, one in frames), "the second good telegram after it did not come out")


def damaged(good: bytes, how: bytes) -> bytes:
    """A telegram with one fault: cut, without its head, without a stretch, or a byte changed."""
    at = (how[1] << 8 | how[2]) % len(good)
    kind = how[0] & 3
    if kind == 0:
        return good[:at]
    if kind == 1:
        return good[at:]
    if kind == 2:
        return good[:at] + good[at + 1 + how[3] :]
    return good[:at] + how[3:4] + good[at + 1 :]


class Payload:
    """<protocol>.values: a byte says how, the rest is the payload of a frame."""

    def __init__(self, row: Row):
        self.row = row
        self.decoder = stages.decoder(row.name, *row.keys)
        self._buffer = bytearray(DECODED_CAPACITY)
        self._lines = Lines()

    def __call__(self, data: bytes) -> None:
        if not data or len(data) > DECODED_CAPACITY - DECODED_AT[-1]:
            return
        mode, payload = data[0], data[1:]
        if mode & 0x3C in (4, 8) and self.row.encrypt:
            payload = self.row.encrypt(payload)
        checksum = self.row.checksums[mode & 1 and len(self.row.checksums) - 1]
        with self._lines as lines:
            rows = self._decode(payload, DECODED_AT[mode >> 6], checksum, mode & 2 != 0, b"\0")
        if lines.seen:
            promise(lines.few(len(payload), len(rows or ())), f"{lines.seen} lines of Python run for {len(payload)} bytes")
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
    """Inputs to begin with, at most SEEDS."""
    return sorted(_seeds(name), key=crc32)[:SEEDS]


def _seeds(name: str) -> list[bytes]:
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
