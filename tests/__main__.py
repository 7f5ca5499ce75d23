"""Runs the test rings, one more at a time than there are processors, and ends in one summary line; exit code 1 when any ring failed.

    python -m tests [--lanes N] [ring ...]

A ring that cannot run says what is missing. With CI set, a skipped test fails its ring: there nothing may be missing. What a ring
prints comes whole when it ends, so that two do not mix; meanwhile a line now and then says how far each is. With one lane it comes at once.
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
LONGEST_FIRST = ("sim", "fault", "guards", "tools", "corpus", "unit", "memory", "fuzz")  # so that no lane is left with a long one at the end
MOST_LANES = 4  # more would save nothing: the longest ring is about a third of all
LANES = min(MOST_LANES, (os.cpu_count() or 1) + 1)  # the longest rings wait for meters and time-outs most of the time
HEARTBEAT_S = 20
CI = os.environ.get("CI", "") not in ("", "0", "false")
REPORTS = runtime.ROOT / "build" / "tests"


class Ring:
    """One ring: its process while it runs, `result` (ring, passed, failed, skipped, seconds, reasons why tests were skipped) when it has ended."""

    def __init__(self, name: str, shown: bool):
        self.name = name
        self.result: dict = {}
        self._shown = shown  # at once, not when it has ended
        self._began = 0.0
        self._report = REPORTS / f"{name}.xml"
        self._log = REPORTS / f"{name}.log"
        self._process: subprocess.Popen | None = None

    def run(self) -> None:
        self._began = time.monotonic()
        self._report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "--durations=5", f"--junit-xml={self._report}", str(HERE / self.name)]
        if self._shown:
            print(f"\n{self._title()}", flush=True)
        with open(self._log, "wb") as log:
            into = {} if self._shown else {"stdout": log, "stderr": subprocess.STDOUT}
            self._process = subprocess.Popen(command, cwd=runtime.ROOT, **into)
            code = self._process.wait()
        self.result = self._counted(code)

    def _title(self) -> str:
        return f"== {self.name} " + "=" * (70 - len(self.name))

    def words(self) -> str:
        """All that the ring printed, under its title."""
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
        result = {"ring": self.name, "passed": 0, "failed": 0, "skipped": 0, "reasons": set()}
        if self._report.exists():
            suite = xml.etree.ElementTree.parse(self._report).getroot().find("testsuite")
            counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
            result["failed"] = counts["failures"] + counts["errors"]
            result["skipped"] = counts["skipped"]
            result["passed"] = counts["tests"] - result["failed"] - result["skipped"]
            result["reasons"] = {re.sub(r"\s+", " ", skip.get("message", "")) for skip in suite.iter("skipped")}
        if code not in (0, 1) or result["passed"] + result["failed"] == 0:
            result["failed"] += 1
            result["reasons"].add(f"the ring did not run: pytest ended with {code}")
        if CI and result["skipped"]:
            result["failed"] += result["skipped"]
        result["seconds"] = time.monotonic() - self._began
        return result


def run_rings(names: list, lanes: int) -> list:
    """The results of the rings, `lanes` at a time."""
    side_by_side = min(lanes, len(names)) > 1
    rings = [Ring(name, not side_by_side) for name in names]
    printing, ended = threading.Lock(), threading.Event()

    def lane(ring: Ring) -> None:
        if ended.is_set():
            return
        ring.run()
        if side_by_side:
            with printing:
                print(ring.words(), flush=True)

    def heartbeat() -> None:
        while not ended.wait(HEARTBEAT_S):
            with printing:
                print("... " + "; ".join(ring.progress() for ring in rings if ring.running), flush=True)

    if side_by_side:
        threading.Thread(target=heartbeat, daemon=True).start()
    order = sorted(rings, key=lambda ring: LONGEST_FIRST.index(ring.name)) if side_by_side else rings
    with ThreadPoolExecutor(lanes if side_by_side else 1) as pool:
        try:
            list(pool.map(lane, order))
        finally:
            ended.set()
            for ring in rings:
                ring.stop()
    return [ring.result for ring in rings]


def main(words: list) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description="Runs the test rings.")
    parser.add_argument("--lanes", type=int, default=LANES, help="rings side by side (default %(default)s here)")
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
    results = run_rings(list(dict.fromkeys(wanted.ring)) or list(RINGS), max(1, wanted.lanes))
    print("\n== rings ", "=" * 65, sep="")
    for one in results:
        print(f"  {one['ring']:8} {one['passed']:5} passed {one['failed']:3} failed {one['skipped']:3} skipped {one['seconds']:6.0f} s")
        for reason in sorted(one["reasons"]):
            print(f"  {'':8} NOT RUN: {reason}")
    passed, failed, skipped = (sum(one[name] for one in results) for name in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
