"""Fuzzes the pure stages: words of the call in, progress and a summary line per target out; exit code 1 when a promise was broken.

    python -m tests.fuzz [--executions N] [--seconds S] [--jobs N] [--seed N] [TARGET ...]

Coverage-guided under atheris, and mutated telegrams on MicroPython with a device's heap. Each target gets the same time, in
rounds, until there are so many executions in all and FLOOR of each; or one round of `--seconds` in all. TARGET is the beginning
of a name: p1, sml.wire, readings.
"""

import argparse
import os
import signal
import sys
import time

from host_tools import runtime
from host_tools.errors import UserError

DEFAULT_EXECUTIONS = 500_000
FLOOR = 20_000  # executions of each target; less where each one's part of all is less
FIRST_S = 4  # of a target in the first round, which tells how fast each is
ROUND_S = 60  # of a target in a later round at most
PROGRESS_S = 10.0  # between two lines where no terminal shows it live
POLITE = 10  # niceness at least: it takes what others leave


def words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--executions", type=int, default=0, help=f"in all (default {DEFAULT_EXECUTIONS}, if no seconds are given)")
    parser.add_argument("--seconds", type=int, default=0, help="of the whole run, instead of executions")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (default: one per processor)")
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFFFF, help="of the mutations; another each time when not given")
    return parser.parse_args()


class Progress:
    """A line that is rewritten on a terminal, else a new one every PROGRESS_S."""

    def __init__(self, targets: list, executions: int):
        self._targets, self._wanted = targets, executions
        self._live = sys.stderr.isatty()
        self._begun = self._told = time.monotonic()

    def __call__(self, number: int) -> None:
        now = time.monotonic()
        if not self._live and now - self._told < PROGRESS_S:
            return
        self._told = now
        done = sum(target.executions for target in self._targets)
        share = f" of {self._wanted:,} ({done * 100 // self._wanted} %)" if self._wanted else ""
        failed = sum(bool(target.failed) for target in self._targets)
        line = f"{done:,}{share} executions in {now - self._begun:.0f} s, round {number}, {failed} failed"
        print(f"\r\033[K{line[:150]}" if self._live else line, end="" if self._live else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def rounds(targets: list, wanted: int, seconds: int, places: int):
    """(targets, executions of each at most, seconds of each) of each round, until enough was done. `wanted` 0: a round of `seconds`."""
    if not wanted:
        yield targets, 1 << 30, max(1, seconds * places // len(targets))
        return
    floor = min(FLOOR, -(-wanted // len(targets)))
    length = FIRST_S
    while True:
        whole = [target for target in targets if not target.failed]
        missing = wanted - sum(target.executions for target in targets)
        late = whole if missing > 0 else [target for target in whole if target.executions < floor]
        if not late:
            return
        yield late, max(missing, floor), length
        speed = sum(target.speed for target in late)
        missing = max(wanted - sum(target.executions for target in targets), floor - min(target.executions for target in late))
        length = max(FIRST_S, min(ROUND_S, int(missing / speed) + 1)) if speed else FIRST_S


def summary(targets: list, seconds: float) -> int:
    """Prints what was done and found; the number of targets that failed."""
    for target in targets:
        besides = ", ".join(f"{value} {name}" for name, value in target.extra.items())
        covered = f"{target.coverage} places of the code" if target.coverage else f"growth: {besides or 'none'}"
        state = "FAILED" if target.failed else "ok" if target.seconds else "not finished"
        print(f"{target.name:20} {target.executions:>11,} executions {target.speed:8,.0f}/s  {covered:28} {state}")
    failed = [target for target in targets if target.failed]
    for target in failed:
        print(f"\n{target.failed}\n(the input is in build/fuzz/{target.name}-*, or printed in hex above)")
    total = sum(target.executions for target in targets)
    print(f"fuzz: {total:,} executions of {len(targets)} targets in {seconds:.0f} s ({total / seconds:,.0f}/s), {len(failed)} failed")
    return len(failed)


def main() -> int:
    runtime.firmware_importable()
    from tests.fuzz import jobs

    args = words()
    for ending in (signal.SIGINT, signal.SIGTERM):  # both end it with what was found so far
        signal.signal(ending, signal.default_int_handler)
    os.nice(max(0, POLITE - os.nice(0)))
    wanted = args.executions or (0 if args.seconds else DEFAULT_EXECUTIONS)
    targets = list(jobs.make(args.targets))
    print(f"fuzzing {len(targets)} targets, {args.jobs} at once, seed {args.seed}", file=sys.stderr, flush=True)
    begun = time.monotonic()
    progress = Progress(targets, wanted)
    slots = [jobs.Slot() for _ in range(args.jobs)]
    try:
        for number, (chosen, executions, seconds) in enumerate(rounds(targets, wanted, args.seconds, args.jobs)):
            for _ in jobs.run(chosen, slots, executions, seconds, args.seed + number * len(targets)):
                progress(number + 1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    finally:
        for slot in slots:
            slot.stop()
    progress.clear()
    return 1 if summary(targets, time.monotonic() - begun) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"meterbridge: {error}", file=sys.stderr)
        sys.exit(error.code)
