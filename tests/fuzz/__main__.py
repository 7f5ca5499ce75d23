"""Fuzzes the pure stages: words of the call in, progress and a summary line per target out; exit code 1 when a promise was broken.

    python -m tests.fuzz [--executions N] [--seconds S] [--jobs N] [--seed N] [TARGET ...]

Coverage-guided under atheris, and mutated telegrams on MicroPython with a device's heap. The executions are shared evenly; `--seconds`
limits the whole run. TARGET is the beginning of a name: p1, sml.wire, readings.
"""

import argparse
import os
import sys
import time

from host_tools import runtime
from host_tools.errors import UserError

DEFAULT_EXECUTIONS = 1_000_000
PROGRESS_S = 10.0  # between two lines where no terminal shows it live


def words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--executions", type=int, default=None, help=f"in all (default {DEFAULT_EXECUTIONS}, or what the seconds allow)")
    parser.add_argument("--seconds", type=int, default=0, help="of the whole run; 0: no limit")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (default: one per processor)")
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFFFF, help="of the mutations; another each time when not given")
    return parser.parse_args()


class Progress:
    """A line that is rewritten on a terminal, else a new one every PROGRESS_S."""

    def __init__(self, executions: int):
        self._wanted = executions
        self._live = sys.stderr.isatty()
        self._begun = self._told = time.monotonic()

    def __call__(self, jobs: list) -> None:
        now = time.monotonic()
        if not self._live and now - self._told < PROGRESS_S:
            return
        self._told = now
        done = sum(job.executions for job in jobs)
        share = f" of {self._wanted:,} ({done * 100 // self._wanted} %)" if self._wanted else ""
        active = ", ".join(f"{job.name} {job.executions:,}" for job in jobs if job.executions and not job.seconds)
        line = f"{done:,}{share} executions in {now - self._begun:.0f} s: {active}"
        print(f"\r\033[K{line[:150]}" if self._live else line, end="" if self._live else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def main() -> int:
    runtime.firmware_importable()
    from tests.fuzz import jobs

    args = words()
    executions = args.executions or (0 if args.seconds else DEFAULT_EXECUTIONS)
    count = len(list(jobs.make(args.targets, 1, 1, args.seed)))
    rounds = -(-count // args.jobs)
    each = max(1, args.seconds // rounds) if args.seconds else 0
    chosen = list(jobs.make(args.targets, executions, each, args.seed))
    print(f"fuzzing {len(chosen)} targets, {args.jobs} at once, seed {args.seed}", file=sys.stderr, flush=True)
    begun = time.monotonic()
    progress = Progress(executions)
    jobs.run(chosen, args.jobs, progress)
    progress.clear()
    for job in chosen:
        speed = job.executions / job.seconds if job.seconds else 0
        besides = ", ".join(f"{value} {name}" for name, value in job.extra.items())
        covered = f"{job.coverage} places of the code" if job.coverage else f"growth: {besides or 'none'}"
        state = "FAILED" if job.failed else "ok" if job.seconds else "not finished"
        print(f"{job.name:20} {job.executions:>11,} executions {speed:8,.0f}/s  {covered:28} {state}")
    failed = [job for job in chosen if job.failed]
    for job in failed:
        print(f"\n{job.failed}\n(the input is in {jobs.WORK}/{job.name}-*, or printed in hex above)")
    total = sum(job.executions for job in chosen)
    seconds = time.monotonic() - begun
    print(f"fuzz: {total:,} executions of {len(chosen)} targets in {seconds:.0f} s ({total / seconds:,.0f}/s), {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"meterbridge: {error}", file=sys.stderr)
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)
