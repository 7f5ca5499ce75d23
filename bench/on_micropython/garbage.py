"""Bytes allocated per telegram from framing to store: protocol, file and repetitions in, one number out."""

import gc
import sys

import parts


def main(protocol: str, path: str, repetitions: int) -> None:
    views = [parts.chunks(telegram) for telegram in parts.telegrams(path)]
    stages = parts.Stages(protocol, "store", parts.keys(path))
    for number in range(2 * len(views)):
        stages.run(views[number % len(views)])
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for number in range(repetitions):
        stages.run(views[number % len(views)])
    print((gc.mem_alloc() - before) / repetitions)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
