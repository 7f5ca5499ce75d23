"""What a fuzzing run consists of: targets in; processes with their progress, and how each ended, out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import micropython32
from host_tools import build, runtime
from host_tools.errors import MISSING, UserError
from tests.fuzz import targets
from tests.fuzz.protocols import ROWS, write_telegrams

WORK = runtime.ROOT / "build" / "fuzz"
CORPUS = runtime.ROOT / ".cache" / "fuzz"  # inputs that reached new code, kept from run to run
HERE = Path(__file__).parent
LONGEST = 700  # bytes of an input
HANG_S = 20  # one input may take so long on a machine that is busy with other things; usual is a millisecond
RSS_MB = 700
HEAPS = {32: "144k", 64: "288k"}  # what a dongle has for the firmware (host_tools and bench say 144k too); with words twice as long the same number of blocks
TELEGRAM_BYTES = 8_000  # of telegrams to mutate, which fit that heap beside decoders and harness
LAST_LINES = 40  # of what a process printed that are shown when it failed
LATE_S = 30  # a process that is so late is stopped
UNLIMITED = 1 << 30


def need_atheris() -> None:
    """UserError (MISSING) where atheris is not there."""
    try:
        import atheris  # noqa: F401
    except ImportError as error:
        python = ".".join(map(str, sys.version_info[:2]))
        text = (
            "coverage-guided fuzzing needs atheris, whose wheels are for CPython 3.11 to 3.13 on Linux x86-64 "
            f"(this is Python {python} on {sys.platform}): on such a machine, make PYTHON=python3.13 fuzz"
        )
        raise UserError(text, MISSING) from error


class Job:
    """One process: `executions` so far, `extra` (what it says besides), `failed` (why, with the bytes) once it ended badly."""

    def __init__(self, name: str, command: list[str], environment: dict | None = None):
        self.name = name
        self.executions = 0
        self.extra: dict = {}
        self.failed = ""
        self.seconds = 0.0
        self.coverage = 0
        self._command, self._environment = command, environment
        self._lines: list[str] = []
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        WORK.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **(self._environment or {})}
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", cwd=runtime.ROOT, env=environment
        )
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True) for stream in (self._process.stdout, self._process.stderr)]
        for reader in self._readers:
            reader.start()

    def _read(self, stream) -> None:
        for line in stream:
            if line.startswith('{"executions"'):
                self.extra = json.loads(line)
                self.executions = max(self.executions, self.extra.pop("executions"))
                continue
            done = re.match(r"Done (\d+) runs|#(\d+)\s.*cov: (\d+)", line)
            if done:
                self.executions = max(self.executions, int(done[1] or done[2]))
                self.coverage = int(done[3] or self.coverage)
            elif not line.startswith(("INFO", "WARNING: Failed to find function", '"', "#")):
                self._lines = [*self._lines[-LAST_LINES:], line.rstrip()[:4000]]

    def poll(self) -> bool:
        """Whether it has ended."""
        if self._process is None or self._process.poll() is None:
            return False
        for reader in self._readers:
            reader.join(LATE_S)
        self.seconds = time.monotonic() - self._started
        if self._process.returncode:
            self.failed = "\n".join([f"{self.name} ended with {self._process.returncode}", *self._lines])
        return True

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def guided(name: str, executions: int, seconds: int, seed: int) -> Job:
    """A target of targets.py under atheris."""
    corpus, seeds = CORPUS / name, WORK / "seeds" / name
    for folder in (corpus, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(targets.seeds(name)):
        (seeds / str(number)).write_bytes(data)
    options = [
        f"-max_len={LONGEST}", f"-timeout={HANG_S}", f"-rss_limit_mb={RSS_MB}", f"-artifact_prefix={WORK}/{name}-", f"-seed={seed}",
        f"-runs={executions}", *([f"-max_total_time={seconds}"] if seconds else []), str(corpus), str(seeds),
    ]  # fmt: skip
    return Job(name, [sys.executable, "-m", "tests.fuzz.worker", name, *options])


def mutated(protocol: str, executions: int, seconds: int, seed: int, firmware: Path) -> Job:
    """Mutated telegrams of a protocol on MicroPython."""
    telegrams = WORK / f"{protocol}.telegrams"
    write_telegrams(ROWS[protocol], telegrams, TELEGRAM_BYTES)
    narrow = micropython32.command()
    micropython = narrow or runtime.find_micropython()
    bits = 32 if narrow else 64
    path = ":".join(map(str, [HERE / "on_micropython", HERE, runtime.ROOT / "host_tools" / "meters", firmware, ".frozen"]))
    command = [micropython, "-X", f"heapsize={HEAPS[bits]}", str(HERE / "on_micropython" / "mutate.py"), protocol, str(telegrams)]
    keys = [key.hex() if key else "-" for key in ROWS[protocol].keys]
    return Job(f"{protocol}.micropython{bits}", [*command, str(seed), str(executions), str(seconds), *keys], {"MICROPYPATH": path})


def make(wanted: list[str], executions: int, seconds: int, seed: int) -> Iterator[Job]:
    """All jobs whose name begins with one of `wanted` (all when it is empty); each its share of the executions."""
    WORK.mkdir(parents=True, exist_ok=True)
    names = [*targets.names(), *(f"{protocol}.micropython" for protocol in ROWS)]
    chosen = [name for name in names if not wanted or name.startswith(tuple(wanted))]
    if not chosen:
        raise UserError(f"no target {', '.join(wanted)}: there are {', '.join(names)}")
    share = -(-executions // len(chosen)) if executions else UNLIMITED
    firmware = None
    for name in chosen:
        if name.endswith(".micropython"):
            if firmware is None:
                firmware = WORK / "firmware"
                build.build("sim", firmware, own_names=True)
            yield mutated(name.partition(".")[0], share, seconds, seed, firmware)
        else:
            need_atheris()
            yield guided(name, share, seconds, seed)


def run(jobs: list[Job], at_once: int, show: Callable[[list[Job]], None]) -> None:
    """Runs all, so many at once; `show` is called a few times a second. The first failure stops the rest."""
    waiting, running = list(jobs), []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
                running[-1].start()
            time.sleep(0.2)
            running = [job for job in running if not job.poll()]
            show(jobs)
            if any(job.failed for job in jobs):
                return
    finally:
        for job in running:
            job.stop()
