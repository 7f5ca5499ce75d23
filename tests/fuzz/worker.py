"""One target under atheris, in a process of its own: a name and libFuzzer's words in; lines of executions so far out.

    python -m tests.fuzz.worker TARGET [libFuzzer option or folder ...]

A line: {"executions": .., "blocks": ..}; blocks are the objects of this Python that are alive, less the harness's own. An input
that breaks a promise is written by libFuzzer to its artifact_prefix, and the process ends with a code that is not 0.
"""

import json
import os
import sys
import time

import atheris

from host_tools import runtime

EVERY = 256  # executions between looks at the clock
WARM = 4096  # executions after which nothing more may stay in memory
GROWTH = 20_000  # objects that may: caches fill (seen: some hundreds), a leak of one object per execution does not pass
REPORT_S = 1.0


def main(name: str, options: list) -> None:
    runtime.firmware_importable()
    from tests.fuzz import work

    work.install()  # the inner loops are not instrumented: they hold no decisions, and would take most of the time
    with atheris.instrument_imports(include=["bridge"]):
        from tests.fuzz import targets

        target = targets.make(name)
    count = 0
    warm = 0
    reported = time.monotonic()

    def report(blocks: int) -> None:
        os.write(1, json.dumps({"executions": count, "blocks": blocks}).encode() + b"\n")

    def once(data: bytes) -> None:
        nonlocal count, warm, reported
        target(data)
        count += 1
        if count % EVERY:
            return
        blocks = sys.getallocatedblocks()
        if count == WARM:
            warm = blocks
        targets.promise(count <= WARM or blocks - warm < GROWTH, f"{blocks - warm} more objects in memory after {count} executions")
        now = time.monotonic()
        if now - reported >= REPORT_S:
            reported = now
            report(blocks - warm if warm else 0)

    report(0)
    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
