"""Streams for the tests of the framers: bytes in, fed in pieces; frames out. Noise, damage and check sums without the firmware."""

import json

WHOLE = (1 << 20,)


def fed(framer, data, sizes=WHOLE, held=False):
    """Feeds `data` in chunks of these sizes by turns; after each step the frame that is complete, or None.

    A frame is good until the next step. Each step uses a byte, but of a framer that may have `held` a whole frame since an earlier
    chunk the step that gives it need not.
    """
    at = turn = 0
    while at < len(data):
        chunk = memoryview(data)[at : at + sizes[turn % len(sizes)]]
        at += len(chunk)
        turn += 1
        used = 0
        while used < len(chunk):
            step = framer.feed(chunk, used)
            used += step
            frame = framer.take()
            assert step > 0 or held and frame is not None
            yield frame
            assert frame is None or framer.take() is None


def payloads(framer, data, sizes=WHOLE):
    return [bytes(frame.payload) for frame in fed(framer, data, sizes) if frame is not None]


def counters(framer):
    return framer.noise_bytes, framer.crc_errors, framer.oversize, framer.resyncs


def octets(length, seed=1):
    """Noise: the same for the same seed."""
    made = bytearray()
    while len(made) < length:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        made.append(seed >> 16 & 255)
    return bytes(made)


def flipped(data, at, bits):
    """`data` with these bits of the byte at `at` turned over."""
    damaged = bytearray(data)
    damaged[at] ^= bits
    return damaged


def crc16(data, value, polynomial=0x8408):
    """Reflected CRC-16, bit by bit, from the state `value`."""
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ polynomial if value & 1 else value >> 1
    return value


def vectors():
    """The published vectors by their names; None where they are not on this machine."""
    try:
        with open("../shared/vectors.json") as source:
            return {row["name"]: row for row in json.load(source)}
    except OSError:
        return None
