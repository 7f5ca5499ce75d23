"""A day's 16-byte records in (see bench/days.py), readings of four quantities out, day after day with counters that go on."""

import struct

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, Meter, Reading, Schema

RECORD = "<IIIi"
SIZE = 16
METER = Meter("E0001", "p1")


def schema() -> Schema:
    form = bytearray(COUNT)
    for name in ("energy_import_wh", "energy_export_wh", "power_w"):
        form[quantity(name)] = EXPONENT_ZERO
    return Schema(form)


def records(path: str, days: int = 1):
    """(time, import, export, power) of each reading; what follows the file's end is the same day again, later."""
    with open(path, "rb") as file:
        count = file.seek(0, 2) // SIZE
        first, last = _at(file, 0), _at(file, count - 1)
        length = (last[0] - first[0]) * count // (count - 1)
        for day in range(days):
            file.seek(0)
            more = day * length, day * (last[1] - first[1]), day * (last[2] - first[2])
            for _ in range(count):
                time, taken, given, power = struct.unpack(RECORD, file.read(SIZE))
                yield time + more[0], taken + more[1], given + more[2], power


def _at(file, number: int) -> tuple:
    file.seek(number * SIZE)
    return struct.unpack(RECORD, file.read(SIZE))


def readings(path: str, days: int = 1, seq: int = 1):
    """The readings; their values are import, export, power, as the quantities' ids ascend."""
    kind = schema()
    for time, *values in records(path, days):
        yield Reading(METER, seq, time, BRIDGE, kind, values)
        seq += 1
