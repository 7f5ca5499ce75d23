"""Runs the test rings, one more at a time than there are processors, and ends in one summary line; exit code 1 when any ring failed.

    python -m tests [--lanes N] [ring ...]

A ring that cannot run says what is missing. With CI set, a skipped test fails its ring: there nothing may be missing. What a ring
prints comes whole when it ends, so that two do not mix; meanwhile a line now and then says how far each is. With one lane it comes at
once. The longest rings run in parts.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

from host_tools import runtime
from host_tools.errors import UserError

HERE = pathlib.Path(__file__).parent
RINGS = ("guards", "unit", "corpus", "memory", "fuzz", "tools", "sim", "fault")
PARTS = {"sim": 3, "fault": 2}  # long rings, by files, which know nothing of each other
LONGEST_FIRST = ("fault", "sim", "tools", "guards", "unit", "memory", "fuzz", "corpus")  # so that no lane is left with a long one at the end
MOST_LANES = 4
LANES = min(MOST_LANES, (os.cpu_count() or 1) + 1)  # the longest rings wait for meters and time-outs most of the time
HEARTBEAT_S = 20
IN_REAL_TIME = ("tools", "sim", "fault")  # of these a computer that is busy can fail a test: it gets a second try, alone, and that is told
MOST_AGAIN = 3
CI = os.environ.get("CI", "") not in ("", "0", "false")
REPORTS = runtime.ROOT / "build" / "tests"


class Part:
    """A ring, or some of its files: its process while it runs, `result` when it has ended (passed, failed, skipped, reasons, began, ended)."""

    def __init__(self, ring: str, number: int, of: int, shown: bool):
        self.ring = ring
        self.name = f"{ring} {number + 1}/{of}" if of > 1 else ring
        self.result: dict = {}
        self._shown = shown  # at once, not when it has ended
        self._began = 0.0
        files = sorted((HERE / ring).glob("test_*.py"))
        self._words = [str(HERE / ring)] if of == 1 else [str(path) for path in files[number::of]]
        base = REPORTS / (f"{ring}-{number + 1}" if of > 1 else ring)
        self._report, self._log = base.with_suffix(".xml"), base.with_suffix(".log")
        self._process: subprocess.Popen | None = None

    def run(self) -> None:
        self._began = time.monotonic()
        self._report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={self._log.with_suffix('.cache')}", "--durations=5", f"--junit-xml={self._report}", *self._words]
        if self._shown:
            print(f"\n{self._title()}", flush=True)
        with open(self._log, "wb") as log:
            into = {} if self._shown else {"stdout": log, "stderr": subprocess.STDOUT}
            self._process = subprocess.Popen(command, cwd=runtime.ROOT, **into)
            code = self._process.wait()
        self.result = self._counted(code)

    def again(self) -> None:
        """A second try for tests that failed; what passes then counts as passed, and is named."""
        first = self.result
        if CI and first["skipped"] or self.ring not in IN_REAL_TIME or not 0 < len(first["failing"]) == first["failed"] <= MOST_AGAIN:
            return
        self.name, self._shown = f"{self.name}, second try", True
        self._words += ["--last-failed"]
        self.run()
        second = self.result
        fixed = sorted(set(first["failing"]) - set(second["failing"])) if second["passed"] + second["failed"] == first["failed"] else []
        self.result = {**first, "passed": first["passed"] + len(fixed), "failed": first["failed"] - len(fixed), "ended": second["ended"],
                       "again": set(fixed), "reasons": first["reasons"] | second["reasons"]}  # fmt: skip

    def _title(self) -> str:
        return f"== {self.name} " + "=" * (70 - len(self.name))

    def words(self) -> str:
        """All that it printed, under its title."""
        return f"\n{self._title()}\n" + self._log.read_text(encoding="utf-8", errors="replace").rstrip()

    def progress(self) -> str:
        """How far it is: "sim 45 tests, 80 s"."""
        lines = re.findall(r"^[.FEsxX]+(?= *\[|$)", self._log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        return f"{self.name} {sum(map(len, lines))} tests, {time.monotonic() - self._began:.0f} s"

    @property
    def running(self) -> bool:
        return self._process is not None and not self.result

    def stop(self) -> None:
        if self.running:
            self._process.send_signal(signal.SIGINT)  # pytest ends what its tests have started

    def _counted(self, code: int) -> dict:
        result = {"passed": 0, "failed": 0, "skipped": 0, "reasons": set(), "failing": [], "again": set(), "began": self._began, "ended": time.monotonic()}
        if self._report.exists():
            suite = xml.etree.ElementTree.parse(self._report).getroot().find("testsuite")
            counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
            result["failed"] = counts["failures"] + counts["errors"]
            result["skipped"] = counts["skipped"]
            result["passed"] = counts["tests"] - result["failed"] - result["skipped"]
            bad = [case for case in suite.iter("testcase") if case.find("failure") is not None or case.find("error") is not None]
            result["failing"] = [f"{case.get('classname')}::{case.get('name')}" for case in bad]
            result["reasons"] = {re.sub(r"\s+", " ", skip.get("message", "")) for skip in suite.iter("skipped")}
        if code not in (0, 1) or result["passed"] + result["failed"] == 0:
            result["failed"] += 1
            result["reasons"].add(f"{self.name} did not run: pytest ended with {code}")
        if CI and result["skipped"]:
            result["failed"] += result["skipped"]
        return result


def run_rings(names: list, lanes: int) -> list:
    """The results of the rings, `lanes` parts at a time: ring, passed, failed, skipped, seconds, reasons why tests were skipped."""
    rings = {name: PARTS.get(name, 1) if lanes > 1 else 1 for name in names}
    side_by_side = lanes > 1 and sum(rings.values()) > 1
    parts = [Part(name, number, of, not side_by_side) for name, of in rings.items() for number in range(of)]
    printing, ended = threading.Lock(), threading.Event()

    def lane(part: Part) -> None:
        if ended.is_set():
            return
        part.run()
        if side_by_side:
            with printing:
                print(part.words(), flush=True)

    def heartbeat() -> None:
        while not ended.wait(HEARTBEAT_S):
            with printing:
                print("... " + "; ".join(part.progress() for part in parts if part.running), flush=True)

    if side_by_side:
        threading.Thread(target=heartbeat, daemon=True).start()
    order = sorted(parts, key=lambda part: LONGEST_FIRST.index(part.ring)) if side_by_side else parts
    with ThreadPoolExecutor(lanes if side_by_side else 1) as pool:
        try:
            list(pool.map(lane, order))
        finally:
            ended.set()
            for part in parts:
                part.stop()
    for part in parts:
        part.again()
    return [together(name, [part.result for part in parts if part.ring == name]) for name in names]


def together(ring: str, results: list) -> dict:
    """The result of a ring from those of its parts."""
    found = {name: sum(one[name] for one in results) for name in ("passed", "failed", "skipped")}
    seconds = max(one["ended"] for one in results) - min(one["began"] for one in results)
    return {"ring": ring, **found, "seconds": seconds, "reasons": set().union(*(one["reasons"] for one in results)), "again": set().union(*(one["again"] for one in results))}


def main(words: list) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description="Runs the test rings.")
    parser.add_argument("--lanes", type=int, default=LANES, help="rings or parts of rings side by side (default %(default)s here)")
    parser.add_argument("ring", nargs="*", help=f"of {', '.join(RINGS)} (default: all)")
    wanted = parser.parse_args(words)
    unknown = [ring for ring in wanted.ring if ring not in RINGS]
    if unknown:
        print(f"no ring {', '.join(unknown)}: there are {', '.join(RINGS)}")
        return 2
    try:
        runtime.find_micropython()
    except UserError as error:
        print(f"meterbridge: {error}")
        return error.code
    REPORTS.mkdir(parents=True, exist_ok=True)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell starts what it puts in the background; tests send it to programs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    results = run_rings(list(dict.fromkeys(wanted.ring)) or list(RINGS), max(1, wanted.lanes))
    print("\n== rings ", "=" * 65, sep="")
    for one in results:
        print(f"  {one['ring']:8} {one['passed']:5} passed {one['failed']:3} failed {one['skipped']:3} skipped {one['seconds']:6.0f} s")
        for reason in sorted(one["reasons"]):
            print(f"  {'':8} NOT RUN: {reason}")
        for name in sorted(one["again"]):
            print(f"  {'':8} FAILED beside others, passed alone: {name}")
    passed, failed, skipped = (sum(one[name] for one in results) for name in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
