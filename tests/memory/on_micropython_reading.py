"""Runs under MicroPython: prints the bytes that one Dutch telegram's reading takes, and the most that one append takes."""

import gc

from bridge.decoding.register import Register
from bridge.reading.builder import Builder
from bridge.reading.quantities import quantity
from bridge.store.journal import Journal

KWH, KW, V, A, M3 = 0x11E, 0x11B, 35, 33, 13
ROWS = (
    ((1, 8, 1), 1234567, -3, KWH), ((1, 8, 2), 2345678, -3, KWH), ((2, 8, 1), 12345, -3, KWH), ((2, 8, 2), 23456, -3, KWH),
    ((1, 7, 0), 512, -3, KW), ((2, 7, 0), 0, -3, KW),
    ((32, 7, 0), 2301, -1, V), ((52, 7, 0), 2298, -1, V), ((72, 7, 0), 2310, -1, V),
    ((31, 7, 0), 1, 0, A), ((51, 7, 0), 0, 0, A), ((71, 7, 0), 2, 0, A),
    ((21, 7, 0), 200, -3, KW), ((41, 7, 0), 12, -3, KW), ((61, 7, 0), 300, -3, KW),
    ((22, 7, 0), 0, -3, KW), ((42, 7, 0), 0, -3, KW), ((62, 7, 0), 0, -3, KW),
    ((32, 32, 0), b"00001", 0, 0), ((52, 32, 0), b"00000", 0, 0), ((72, 32, 0), b"00000", 0, 0),
    ((32, 36, 0), b"00000", 0, 0), ((52, 36, 0), b"00000", 0, 0), ((72, 36, 0), b"00000", 0, 0),
)  # fmt: skip
ZERO_ROWS = (((96, 1, 1), b"45303031"), ((96, 14, 0), b"0001"), ((96, 7, 21), b"00007"), ((96, 7, 9), b"00002"), ((96, 13, 0), b""))


def register(ab, code, value, scaler=0, unit=0, time=None):
    r = Register()
    r.ab, r.cde = ab, code[0] << 16 | code[1] << 8 | code[2]
    r.value = memoryview(value) if isinstance(value, bytes) else value
    r.scaler, r.unit, r.time = scaler, unit, time
    return r


def telegram(second):
    registers = [register(0x100, *row) for row in ROWS] + [register(0, *row) for row in ZERO_ROWS]
    registers.append(register(0, (1, 0, 0), b"2503300301%02dS" % second))
    registers.append(register(1, (24, 1, 0), b"003"))
    registers.append(register(1, (24, 2, 1), 345678, -3, M3, memoryview(b"250330030000S")))
    return registers


def main():
    builder, journal = Builder(), Journal(24576)
    now = 796611660
    registers = telegram(1)
    power = quantity("power_w")
    most = cost = 0
    for n in range(30):
        registers[4].value = 512 + n * 7
        gc.collect()
        before = gc.mem_alloc()
        builder.begin()
        for r in registers:
            builder.add(r)
        reading = builder.finish(journal.next, now + n, 1)
        cost = gc.mem_alloc() - before
        assert reading.get(power) == 512 + n * 7
        gc.collect()
        before = gc.mem_alloc()
        journal.append(reading)
        if n > 10:
            most = max(most, gc.mem_alloc() - before)
    print(cost, most)


main()
