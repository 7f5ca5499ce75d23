"""Runs telegrams through the pipeline up to a stage: repetitions, protocol, file, stage in; nothing out but instructions."""

import sys

import parts


def main(repetitions: int, protocol: str, path: str, last: str) -> None:
    views = [parts.chunks(telegram) for telegram in parts.telegrams(path)]
    stages = parts.Stages(protocol, last, parts.keys(path))
    for number in range(repetitions):
        stages.run(views[number % len(views)])
    if stages.framer.frames != repetitions:
        raise SystemExit("%d frames of %d telegrams" % (stages.framer.frames, repetitions))


main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])
