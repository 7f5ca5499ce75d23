"""Faults of a line: a captured stream and a number of places in; damaged copies of it out, each with a name. The same on every Python."""

NOISE = bytes([0x1B, 0x7E, 0x68, 0x2F, 0xFF, 0x00, 0x80, 0x31, 0x7E, 0xA0, 0x68, 0x55, 0xDB, 0x08, 0x0A, 0x21, 0xE6, 0x33])
MOST_HARMED = 2  # telegrams: a fault where one ends and the next begins may cost both
ALL = 1 << 16


def damaged(data: bytes, samples: int):
    """(name, copy, most telegrams that it may cost) for each kind of fault at `samples` places."""
    yield "noise before", NOISE + data, 0
    yield "text before", b"/ABC5 1.8.0(1)" + data, MOST_HARMED
    yield "noise between", data + NOISE, 0
    yield "zeros between", data + bytes(40), 0
    share = sum(data) % 97  # another part of each capture
    for number in range(samples):
        at = (97 * number + share) * len(data) // (97 * samples)
        # Another place for each kind, so that few places meet many fields.
        for name, place, copy in (
            ("bit flipped", at, _flip(data, at, 1 << (share + number) % 8)),
            ("byte changed", at + 1, _flip(data, at + 1, 0xFF)),
            ("byte lost", at + 3, data[: at + 3] + data[at + 4 :]),
            ("byte doubled", at + 5, data[: at + 6] + data[at + 5 :]),
            ("bytes lost", at + 7, data[: at + 7] + data[at + 24 :]),
            ("noise inside", at + 11, data[: at + 11] + NOISE + data[at + 11 :]),
            ("cut", at + 13, data[: at + 13]),
        ):
            yield "%s at %d" % (name, place), copy, ALL if name == "cut" else MOST_HARMED


def _flip(data: bytes, at: int, bits: int) -> bytes:
    if at >= len(data):
        at = len(data) - 1
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
