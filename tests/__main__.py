"""Runs the test rings one after the other and ends in one summary line; exit code 1 when any ring failed.

    python -m tests [ring ...]

A ring that cannot run says what is missing. With CI set, a skipped test fails its ring: there nothing may be missing.
"""

import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

from host_tools import runtime
from host_tools.errors import UserError

HERE = pathlib.Path(__file__).parent
RINGS = ("guards", "unit", "corpus", "memory", "fuzz", "tools", "sim", "fault")
CI = os.environ.get("CI", "") not in ("", "0", "false")


def run_ring(ring: str, report: pathlib.Path) -> dict:
    """Counts of one ring: passed, failed, skipped, seconds, reasons (why tests were skipped)."""
    started = time.monotonic()
    print(f"\n== {ring} ", "=" * (70 - len(ring)), sep="", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "--durations=3", f"--junit-xml={report}", str(HERE / ring)]
    code = subprocess.run(command, cwd=runtime.ROOT).returncode
    result = {"ring": ring, "passed": 0, "failed": 0, "skipped": 0, "reasons": set()}
    if report.exists():
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
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
    result["seconds"] = time.monotonic() - started
    return result


def main(rings: list) -> int:
    unknown = [ring for ring in rings if ring not in RINGS]
    if unknown:
        print(f"no ring {', '.join(unknown)}: there are {', '.join(RINGS)}")
        return 2
    try:
        runtime.find_micropython()
    except UserError as error:
        print(f"meterbridge: {error}")
        return error.code
    reports = runtime.ROOT / "build" / "tests"
    reports.mkdir(parents=True, exist_ok=True)
    results = []
    for ring in rings or RINGS:
        report = reports / f"{ring}.xml"
        report.unlink(missing_ok=True)
        results.append(run_ring(ring, report))
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
