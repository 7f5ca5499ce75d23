"""Fills a journal in RAM: protocol ("four": a file of 16-byte records), file, journal bytes in; fewest readings held once it was full, bytes per reading out."""

import sys

import days
import parts

from bridge.store.journal import Journal


class Held:
    """A journal that takes readings, and what it holds at the worst moment: when a block has just given way."""

    def __init__(self, capacity: int):
        self.journal = Journal(capacity, 60)
        self.fewest = 0
        self._oldest = self.journal.oldest

    def append(self, reading) -> None:
        journal = self.journal
        journal.append(reading)
        if journal.oldest != self._oldest:
            self._oldest = journal.oldest
            held = journal.next - self._oldest
            self.fewest = min(held, self.fewest or held)

    def told(self) -> tuple:
        held = self.journal.next - self.journal.oldest
        return self.fewest or held, self.journal.bytes_used() / held


def telegrams(protocol: str, path: str, held: Held) -> None:
    stages = parts.Stages(protocol, "reading", parts.keys(path))
    take = stages.builder.finish

    def append(*where):
        reading = take(held.journal.next, *where[1:])
        held.append(reading)
        return reading

    stages.builder.finish = append
    for telegram in parts.telegrams(path):
        stages.run(parts.chunks(telegram))


def main(protocol: str, path: str, capacity: int) -> None:
    held = Held(capacity)
    if protocol == "four":
        for reading in days.readings(path):
            held.append(reading)
    else:
        telegrams(protocol, path, held)
    print(*held.told())


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
