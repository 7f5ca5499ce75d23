"""Days of 1 s readings on a LittleFS: way of keeping, a day's records, days, KB allowed, KB of flash in; what it holds and wears out.

    flash_wear.py segments|whole|json|fixed16 FILE DAYS CAPACITY_KB FLASH_KB

"whole": the profile besides. All write what the last 55 s brought in one append. The baselines keep files of as many bytes as the
journal's and delete the oldest.
Out, one word each: fewest readings held once the first file was deleted; bytes in files per reading then; from that moment on: seconds,
erases of all blocks, most erases of one.
"""

import json
import os
import struct
import sys

import days
import ram_flash

from bridge.store.journal import Journal
from bridge.store.profile import Profile
from bridge.store.segments import Segments

WHERE = "/flash"
EVERY = 55  # readings from one write to the next: the keeper waits for 50 s, and then for the next reading
RAM = 4096  # of a journal that has a flash behind it
FILES = 32  # of the baselines


class OurJournal:
    folder = WHERE + "/journal"

    def __init__(self, capacity: int, profile=None):
        self._archive = Segments(self.folder, capacity, 1)
        self._profile = profile
        self._journal = Journal(RAM, 60, None, self._archive)

    def take(self, reading) -> None:
        self._journal.append(reading)
        if self._profile:
            self._profile.take(reading)

    def write(self) -> None:
        # A destination that keeps up: its place goes on flash with the readings.
        if not self._archive.write(self._journal, {"mqtt:1a2b3c4d": self._journal.next}, 800_000_000):
            raise SystemExit(self._archive.problem)
        if self._profile:
            self._profile.save()

    @property
    def oldest(self) -> int:
        return self._archive.oldest


class Plain:
    """Files one after the other with records as `form` makes them."""

    folder = WHERE

    def __init__(self, capacity: int, form):
        self._form = form
        self._size = capacity // FILES
        self._files = []  # name, bytes, number of the first reading
        self._pending = []
        self._next = 1

    def take(self, reading) -> None:
        self._pending.append(self._form(reading.time, *reading.values))
        self._next += 1

    def write(self) -> None:
        data = b"".join(self._pending)
        if not self._files or self._files[-1][1] + len(data) > self._size:
            if len(self._files) == FILES:
                os.remove(self._files.pop(0)[0])
            first = self._next - len(self._pending)
            self._files.append(["%s/%08x" % (WHERE, first), 0, first])
        with open(self._files[-1][0], "ab") as file:
            file.write(data)
        self._files[-1][1] += len(data)
        self._pending.clear()

    @property
    def oldest(self) -> int:
        return self._files[0][2]


def as_json(time: int, taken: int, given: int, power: int) -> bytes:
    row = {"time": time, "energy_import_wh": taken, "energy_export_wh": given, "power_w": power}
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def as_fixed(time: int, taken: int, given: int, power: int) -> bytes:
    return struct.pack(days.RECORD, time, taken, given, power)


def size(folder: str) -> int:
    return sum([entry[3] for entry in os.ilistdir(folder) if entry[1] & 0x8000])


def main(way: str, path: str, length: int, capacity: int, blocks: int) -> None:
    flash = ram_flash.mounted(blocks, WHERE)
    seconds = [0]
    if way in ("segments", "whole"):
        keeper = OurJournal(capacity, Profile(WHERE + "/profile", "CET", lambda: seconds[0]) if way == "whole" else None)
    else:
        keeper = Plain(capacity, as_json if way == "json" else as_fixed)
    fewest, each, since, before, oldest = 0, 0.0, 0, None, 1
    for number, reading in enumerate(days.readings(path, length), 1):
        seconds[0] = number
        keeper.take(reading)
        if number % EVERY:
            continue
        keeper.write()
        if keeper.oldest != oldest:
            oldest = keeper.oldest
            held = number + 1 - oldest
            if before is None:
                before, since, fewest = list(flash.erases), number, held
            if held <= fewest:
                fewest, each = held, size(keeper.folder) / held
    worn = [now - then for now, then in zip(flash.erases, before or [0] * blocks)]
    print(fewest, each, number - since, sum(worn), max(worn))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) * 1024, int(sys.argv[5]) * 1024 // ram_flash.BLOCK)
