"""Runs targets under atheris, one after the other: a line of JSON per target in; lines of executions so far out.

    python -m tests.fuzz.worker

In: [name, [libFuzzer option or folder, ...]]. Out: {"executions": .., "blocks": ..} each second; blocks are the objects of this
Python that are alive, less the harness's own; what libFuzzer prints; {"ended": code}. Each target runs in a fork of this
process, which has everything loaded. An input that breaks a promise is written by libFuzzer to its artifact_prefix, and the
code is not 0.
"""

import importlib
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
STAGES = ("framing", "decoding", "reading")


def load():
    """The targets, the firmware's stages instrumented: all of them, as some are imported late."""
    runtime.firmware_importable()
    from bridge.decoding import ghash_plain  # noqa: F401
    from tests.fuzz import work

    work.install()  # these inner loops are not instrumented: they hold no decisions, and would take most of the time
    for name in ("header", "block"):  # but these decide
        atheris.instrument_func(getattr(work.octets, name))
    with atheris.instrument_imports(include=["bridge"]):
        from tests.fuzz import targets

        for stage in STAGES:
            for path in sorted((runtime.FIRMWARE / "bridge" / stage).glob("[a-z]*.py")):
                if not path.stem.endswith("_viper"):
                    importlib.import_module(f"bridge.{stage}.{path.stem}")
    return targets


def fuzz(targets, name: str, options: list) -> None:
    """Does not come back: libFuzzer ends the process."""
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
        if count > WARM and blocks - warm >= GROWTH:
            raise targets.Broken(f"{blocks - warm} more objects in memory after {count} executions")
        now = time.monotonic()
        if now - reported >= REPORT_S:
            reported = now
            report(blocks - warm if warm else 0)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def main() -> None:
    targets = load()
    for line in sys.stdin:
        name, options = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if not child:
            os.dup2(1, 2)  # one stream, so that what it says stays with its target
            fuzz(targets, name, options)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, json.dumps({"ended": code}).encode() + b"\n")


if __name__ == "__main__":
    main()
