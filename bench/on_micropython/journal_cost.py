"""What keeping readings costs: repetitions, what, a file in; nothing out but instructions. Flash is a folder of this computer: what a chip's own takes is not in.

    append    a reading goes to RAM (file: telegrams)
    make      a reading is made of a record (file: a day's records; so all that follow)
    four      a reading is made, and goes to RAM
    minute    so many readings are made, and go to RAM, as come between two writes to flash; then the write
    out       a reading comes back from flash by a cursor
    take      the profile looks at a reading
    quarter   the profile looks at a quarter hour of readings each 10 s, rolls them up and writes the row
"""

import sys

import days
import parts

from bridge.store.journal import Journal
from bridge.store.profile import Profile
from bridge.store.segments import Segments

EVERY = 55
BATCH = 24  # readings that a sink fetches at a time
KEPT = 3000  # readings on flash that are read back
PLACE = "mqtt:1a2b3c4d"
ZERO = 800_000_000 // 900 * 900


def of_telegrams(path: str) -> list:
    """The readings of a file of telegrams."""
    stages = parts.Stages("p1", "reading", parts.keys(path))
    found = []
    take = stages.builder.finish

    def keep(*where):
        found.append(take(len(found) + 1, *where[1:]))
        return found[-1]

    stages.builder.finish = keep
    for telegram in parts.telegrams(path):
        stages.run(parts.chunks(telegram))
    return found


def first(path: str, count: int):
    """One after the other: a list of all would be the collector's work."""
    source = days.readings(path)
    for _ in range(count):
        yield next(source)


def journal(flash: bool):
    archive = Segments("journal", 1 << 20, 1) if flash else None
    return Journal(4096, 60, None, archive), archive


def append(found: list, repetitions: int) -> None:
    keeper, _ = journal(False)
    for number in range(repetitions):
        keeper.append(found[number])


def make(path: str, repetitions: int, kept: bool) -> None:
    keeper, _ = journal(False)
    for reading in first(path, repetitions):
        if kept:
            keeper.append(reading)


def minute(path: str, repetitions: int) -> None:
    keeper, archive = journal(True)
    for number, reading in enumerate(first(path, repetitions * EVERY), 1):
        keeper.append(reading)
        if number % EVERY == 0 and not archive.write(keeper, {PLACE: number}, None):
            raise SystemExit(archive.problem)


def out(path: str, repetitions: int) -> None:
    keeper, archive = journal(True)
    for number, reading in enumerate(first(path, KEPT), 1):
        keeper.append(reading)
        if number % EVERY == 0:
            archive.write(keeper, {PLACE: 1}, None)
    cursor = keeper.cursor()
    done = 0
    while done < repetitions:
        batch = cursor.batch(BATCH)
        done += len(batch)
        cursor.ack(batch[-1].seq)


def profile(path: str, repetitions: int, step: int, length: int) -> None:
    """`length` readings, `step` seconds apart, in each repetition; then what waits is written."""
    kept = Profile("profile", "CET", lambda: 0)
    readings = list(first(path, 3))
    for number in range(2):
        readings[number].time = ZERO - 2 + number
        kept.take(readings[number])
    kept.save()
    reading, time = readings[2], ZERO
    kept._uptime = lambda: time - 100
    for number in range(repetitions):
        for _ in range(length):
            time += step
            reading.time = time
            kept.take(reading)
        if length > 1:
            kept.save()


def main(repetitions: int, what: str, path: str) -> None:
    if what == "append":
        append(of_telegrams(path), repetitions)
    elif what in ("make", "four"):
        make(path, repetitions, what == "four")
    elif what == "minute":
        minute(path, repetitions)
    elif what == "out":
        out(path, repetitions)
    elif what == "take":
        profile(path, repetitions, 1, 1)
    else:
        profile(path, repetitions, 10, 90)


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
