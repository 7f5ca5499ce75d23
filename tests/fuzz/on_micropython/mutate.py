"""Runs on MicroPython with a device's heap: mutated telegrams through framer, decoder and builder; lines of progress out.

    mutate.py PROTOCOL FILE SEED EXECUTIONS SECONDS KEY AUTH_KEY        keys in hex, - for none

FILE: a line of lengths, then telegrams; the first is the good one that must come out after each mutated one. A line a second:
{"executions": .., "heap": bytes in use after a collection, less those in use at the start}. Ends with an exception, the input
printed in hex before it, when a promise is not kept.
"""

import binascii
import gc
import json
import random
import sys
import time

import checks
import stages

from bridge.core.errors import DecodeError
from bridge.reading.builder import Builder

LONGEST = 1500  # bytes of a mutated input
WARM = 3000  # executions after which what is imported late and kept for reuse is there
EVERY = 5000  # executions between two looks at the heap
GROWTH = 512  # bytes: what the conservative collector takes for references differs from time to time; a leak grows on
KEPT = 12 * 1024  # bytes that a builder may remember of what it was told: ids, a message, counters held back
COUNTERS = ("frames", "noise_bytes", "crc_errors", "oversize", "resyncs")
CHUNKS = (2, 16, 64, 1024, 1024, 128, 64, 16)  # longest chunk
SHORT = 200  # a longer input comes in no chunks of 2: it is the calls that take time
ODD = b"\x00\xff\x7f\x80\x1b\x01\x1a\x76\x77\x7e\x68\x16\xdb\x0f\x0a/!()*.-:0"


class Broken(Exception):
    """A promise that was not kept."""


def promise(kept: bool, text: str) -> None:
    if not kept:
        raise Broken(text)


class Fuzz:
    """One framer, decoder and builder over all inputs, as on a device."""

    def __init__(self, protocol: str, telegrams: list, keys: list):
        self.framer = stages.framer(protocol)
        self.counted = [0] * len(COUNTERS)
        self.decode = stages.decoder(protocol, keys[0], keys[1], True)
        self.check = getattr(checks, protocol)
        self.telegrams = telegrams
        self.good = telegrams[0]
        self.late = checks.LATE.get(protocol, 0)
        self.silence = bytes(self.late)
        self.buffer = bytearray(LONGEST + 2 * len(self.good) + self.late)  # once: the heap has few large pieces free
        self.view = memoryview(self.buffer)
        self.size = 0
        self.add = self.emit  # one bound method for all
        self.payload = None
        self.renew()
        promise(self.payload is not None, "the good telegram is none")
        self.good_payload = self.payload

    def renew(self) -> None:
        """A builder that has seen the good telegram only."""
        self.builder = None
        gc.collect()
        self.builder = Builder()
        self.feed(self.good, 0, len(self.good))

    def emit(self, register) -> None:
        value = register.value
        promise(isinstance(value, int) or len(value) <= LONGEST, "a value of no known type")
        promise(-128 <= register.scaler <= 127, "a scaler out of range")
        self.builder.add(register)

    def feed(self, data, at: int, size: int) -> None:
        """data[at:size] in chunks; `payload` is that of the last frame."""
        view = memoryview(data)
        longest = CHUNKS[random.getrandbits(3)]
        if size - at > SHORT and longest < 16:
            longest = 64
        self.payload = None
        while at < size:
            chunk = view[at : min(size, at + 1 + random.getrandbits(10) % longest)]
            used = 0
            while used < len(chunk):
                count = self.framer.feed(chunk, used)
                promise(0 <= count <= len(chunk) - used, "feed used a wrong number of bytes")
                used += count
                frame = self.framer.take()
                if frame is None:
                    promise(used == len(chunk), "feed stopped where no frame ended")
                else:
                    self.frame(data, at + used, frame)
            at += len(chunk)

    def frame(self, data, end: int, frame) -> None:
        self.payload = bytes(frame.payload)
        promise(self.right(data, end, frame.checksum), "a frame whose checksum is not right")
        builder = self.builder
        builder.begin(frame)
        try:
            self.decode(frame, self.add, builder.values)
        except DecodeError:
            return
        builder.finish(1, 1 << 20, 1)

    def right(self, data, end: int, checksum: str) -> bool:
        """Whether the frame that came with the byte before `end` is one; where the link only tells a length it may be found late."""
        for at in range(end, max(0, end - self.late) - 1, -1):
            if self.check(data, at, self.payload, checksum):
                return True
        return False

    def once(self) -> None:
        """One input: a mutated telegram and the good one behind it."""
        size = self.mutated()
        late = self.late
        good = self.good
        self.buffer[size : size + len(good)] = good
        size += len(good)
        self.size = size
        self.feed(self.buffer, 0, self.size)
        if self.payload != self.good_payload:
            promise(self.payload is not None or late > 0, "no frame after a damaged telegram")
            self.buffer[size : size + late] = self.silence
            size += late
            self.buffer[size : size + len(good)] = good
            size += len(good)
            begin = self.size
            self.size = size
            self.feed(self.buffer, begin, size)
            promise(self.payload == self.good_payload, "the good telegram did not come out")
        framer = self.framer
        if framer._complete:  # the last byte ended a frame: nothing is left, but what bare DLMS keeps of its end
            framer._tail = b""
            framer.feed(b"\0")  # HDLC's last flag might begin the next input
        elif late:  # what may still be found in these bytes must not come out of the next input
            framer.feed(self.silence)
            while framer.take() is not None:
                framer.feed(self.silence)
        for i in range(len(COUNTERS)):
            now = getattr(framer, COUNTERS[i])
            promise(now >= self.counted[i], "a counter went back")
            self.counted[i] = now

    def mutated(self) -> int:
        """Writes an input to the buffer; its length."""
        telegrams = self.telegrams
        work = self.buffer
        first = telegrams[random.getrandbits(16) % len(telegrams)]
        size = min(len(first), LONGEST)
        work[:size] = first[:size]
        for _ in range(1 + random.getrandbits(2)):
            kind = random.getrandbits(3)
            at = random.getrandbits(16) % size if size else 0
            length = 1 + (random.getrandbits(5) if random.getrandbits(2) else random.getrandbits(9))
            if kind == 0 and size:
                work[at] ^= 1 << random.getrandbits(3)
            elif kind == 1 and size:
                work[at] = ODD[random.getrandbits(8) % len(ODD)]
            elif kind == 2 and size:
                work[at] = random.getrandbits(8)
            elif kind == 3:  # lose some
                length = min(length, size - at)
                work[at : size - length] = bytes(self.view[at + length : size])
                size -= length
            elif kind == 4:  # cut
                size = at
            elif kind == 5:  # some of another telegram in their place
                other = telegrams[random.getrandbits(16) % len(telegrams)]
                start = random.getrandbits(16) % len(other)
                length = min(length, len(other) - start, LONGEST - at)
                work[at : at + length] = other[start : start + length]
                size = max(size, at + length)
            elif kind == 6:  # some of itself again, further on
                start = random.getrandbits(16) % size if size else 0
                length = min(length, size - start, LONGEST - size)
                tail = bytes(self.view[at:size])
                work[at : at + length] = bytes(self.view[start : start + length])
                work[at + length : size + length] = tail
                size += length
            else:  # noise
                length = min(length, 40, LONGEST - at)
                for i in range(at, at + length):
                    work[i] = random.getrandbits(8)
                size = max(size, at + length)
        return size


def used() -> int:
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def run(fuzz: Fuzz, executions: int, seconds: int) -> None:
    start = told = time.ticks_ms()
    count = 0
    begin = used()
    modules = len(sys.modules)
    while count < executions:
        fuzz.once()
        count += 1
        if count % 64 == 0 and time.ticks_diff(time.ticks_ms(), told) > 1000 or count % EVERY == 0 or count == WARM:
            kept = used()
            fuzz.renew()
            now = used()
            if count <= WARM or len(sys.modules) != modules:  # code that came late is no growth
                begin = now
                modules = len(sys.modules)
            told = time.ticks_ms()
            print(json.dumps({"executions": count, "heap": now - begin}))
            promise(now - begin <= GROWTH, "%d bytes more in use after %d executions" % (now - begin, count))
            promise(kept - now <= KEPT, "%d bytes kept by the builder" % (kept - now))
            if seconds and time.ticks_diff(told, start) > seconds * 1000:
                break
    fuzz.renew()
    print(json.dumps({"executions": count, "heap": used() - begin}))


def main(protocol: str, path: str, seed: int, executions: int, seconds: int, keys: list) -> None:
    random.seed(seed)
    with open(path, "rb") as file:
        lengths = [int(word) for word in file.readline().split()]
        telegrams = [file.read(length) for length in lengths]
    fuzz = Fuzz(protocol, telegrams, [binascii.unhexlify(word) if word != "-" else None for word in keys])
    try:
        run(fuzz, executions, seconds)
    except Exception:
        print("input: " + binascii.hexlify(fuzz.view[: fuzz.size]).decode())
        raise


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), sys.argv[6:8])
