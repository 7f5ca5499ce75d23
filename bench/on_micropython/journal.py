"""Fills a journal from telegrams: protocol, file of telegrams, journal bytes in; readings held and bytes per reading out."""

import sys

import parts

from bridge.store.journal import Journal


def main(protocol: str, path: str, capacity: int) -> None:
    stages = parts.Stages(protocol, "reading", parts.keys(path))
    journal = Journal(capacity, 60)
    take = stages.builder.finish

    def append(*where):
        reading = take(journal.next, *where[1:])
        journal.append(reading)
        return reading

    stages.builder.finish = append
    for telegram in parts.telegrams(path):
        stages.run(parts.chunks(telegram))
    held = journal.next - journal.oldest
    print(held, journal.bytes_used() / held)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
