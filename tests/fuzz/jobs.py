"""What a fuzzing run consists of: names in; targets that run in pieces, their progress, and how each ended, out."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench import micropython32
from host_tools import build, runtime
from host_tools.errors import MISSING, UserError
from tests.fuzz import targets
from tests.fuzz.protocols import ROWS, write_telegrams

WORK = runtime.ROOT / "build" / "fuzz"
CORPUS = runtime.ROOT / ".cache" / "fuzz"  # inputs that reached new code, kept from run to run
HERE = Path(__file__).parent
LONGEST = 600  # bytes of an input
HANG_S = 20  # one input may take so long on a machine that is busy with other things; usual is a millisecond
LATE_S = 60  # a piece on MicroPython that lasts so much longer than it should hangs
RSS_MB = 700
HEAPS = {32: "144k", 64: "288k"}  # less than a dongle has for the firmware; with words twice as long the same number of blocks
TELEGRAM_BYTES = 8_000  # of telegrams to mutate, which fit that heap beside decoders and harness
SHORT_S = 2  # a piece no longer than this begins with
SAMPLE = 60  # of the inputs that are there, as all would take longer
LAST_LINES = 40  # of what a process printed that are shown when it failed
CHATTER = ("INFO", "WARNING: Failed to find function", '"', "#", "###")


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


class Target:
    """`executions` and `seconds` so far, `extra` (what it says besides), `failed` (why, with the bytes) once a piece ended badly."""

    def __init__(self, name: str):
        self.name = name
        self.extra: dict = {}
        self.failed = ""
        self.seconds = 0.0
        self.coverage = 0
        self._before = 0  # executions of the pieces that have ended
        self._now = 0
        self._lines: list[str] = []

    @property
    def executions(self) -> int:
        return self._before + self._now

    @property
    def speed(self) -> float:
        """Executions per second."""
        return self.executions / self.seconds if self.seconds else 0.0

    def run(self, slot: Slot, executions: int, seconds: int, seed: int) -> None:
        """A piece: so many executions or seconds, whichever ends first."""
        begun = time.monotonic()
        self._lines = []
        code = self._piece(slot, executions, seconds, seed)
        self.seconds += time.monotonic() - begun
        self._before += self._now
        self._now = 0
        if code and not slot.stopped:
            self.failed = "\n".join([f"{self.name} ended with {code}", *self._lines])

    def heard(self, line: str) -> None:
        """A line that it printed."""
        if line.startswith('{"executions"'):
            self.extra = json.loads(line)
            self._now = max(self._now, self.extra.pop("executions"))
            return
        done = re.match(r"Done (\d+) runs|#(\d+)\s.*cov: (\d+)", line)
        if done:
            self._now = max(self._now, int(done[1] or done[2]))
            self.coverage = max(self.coverage, int(done[3] or 0))
        elif not line.startswith(CHATTER):
            self._lines = [*self._lines[-LAST_LINES:], line.rstrip()[:4000]]

    def _piece(self, slot: Slot, executions: int, seconds: int, seed: int) -> int:
        """Its exit code."""
        raise NotImplementedError


class Guided(Target):
    """A target of targets.py under atheris."""

    _seeds: Path | None = None

    def _piece(self, slot: Slot, executions: int, seconds: int, seed: int) -> int:
        corpus = CORPUS / self.name
        if self._seeds is None:
            self._seeds = _folder(WORK / "seeds" / self.name, targets.seeds(self.name))
            corpus.mkdir(parents=True, exist_ok=True)
        folders = [corpus, self._seeds]
        if seconds <= SHORT_S:
            files = sorted(file for folder in folders for file in folder.iterdir())
            chosen = Random(seed).sample(files, min(SAMPLE, len(files)))
            folders = [_folder(WORK / "sample" / self.name, [file.read_bytes() for file in chosen])]
        options = [
            f"-max_len={LONGEST}", f"-timeout={HANG_S}", f"-rss_limit_mb={RSS_MB}", f"-artifact_prefix={WORK}/{self.name}-", f"-seed={seed}",
            f"-runs={executions}", f"-max_total_time={seconds}", *map(str, folders),
        ]  # fmt: skip
        return slot.guided(self, options)


def _folder(folder: Path, inputs: list[bytes]) -> Path:
    """A folder with these inputs and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, data in enumerate(inputs):
        (folder / str(number)).write_bytes(data)
    return folder


class Mutated(Target):
    """Mutated telegrams of a protocol on MicroPython."""

    def __init__(self, protocol: str, firmware: Path):
        narrow = micropython32.command()
        bits = 32 if narrow else 64
        super().__init__(f"{protocol}.micropython{bits}")
        telegrams = WORK / f"{protocol}.telegrams"
        write_telegrams(ROWS[protocol], telegrams, TELEGRAM_BYTES)
        path = ":".join(map(str, [HERE / "on_micropython", HERE, runtime.ROOT / "host_tools" / "meters", firmware, ".frozen"]))
        self._environment = {**os.environ, "MICROPYPATH": path}
        script = str(HERE / "on_micropython" / "mutate.py")
        self._command = [narrow or runtime.find_micropython(), "-X", f"heapsize={HEAPS[bits]}", script, protocol, str(telegrams)]
        self._keys = [key.hex() if key else "-" for key in ROWS[protocol].keys]

    def _piece(self, slot: Slot, executions: int, seconds: int, seed: int) -> int:
        command = [*self._command, str(seed), str(executions), str(seconds), *self._keys]
        return slot.alone(self, command, self._environment, seconds + LATE_S)


class Slot:
    """A place where one target at a time runs; it keeps a process that has atheris and the targets loaded."""

    def __init__(self):
        self._server: subprocess.Popen | None = None
        self._running: subprocess.Popen | None = None
        self.stopped = False

    def _start(self, command: list[str], environment: dict | None = None) -> subprocess.Popen:
        self._running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=runtime.ROOT,
            env=environment, start_new_session=True,
        )  # fmt: skip
        return self._running

    def alone(self, target: Target, command: list[str], environment: dict, seconds: int) -> int:
        """Runs a command to its end, at most so long."""
        process = self._start(command, environment)
        late = threading.Timer(seconds, process.kill)
        late.start()
        for line in process.stdout:
            target.heard(line)
        late.cancel()
        return process.wait()

    def guided(self, target: Target, options: list[str]) -> int:
        """Runs a target in the process that has everything loaded."""
        if self._server is None or self._server.poll() is not None:
            self._server = self._start([sys.executable, "-m", "tests.fuzz.worker"])
        self._server.stdin.write(json.dumps([target.name, options]) + "\n")
        self._server.stdin.flush()
        for line in self._server.stdout:
            if line.startswith('{"ended"'):
                return json.loads(line)["ended"]
            target.heard(line)
        return self._server.wait() or 1

    def stop(self) -> None:
        """Ends what runs, at once."""
        self.stopped = True
        for process in (self._running, self._server):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def make(wanted: list[str]) -> Iterator[Target]:
    """All targets whose name begins with one of `wanted` (all when it is empty)."""
    WORK.mkdir(parents=True, exist_ok=True)
    names = [*targets.names(), *(f"{protocol}.micropython" for protocol in ROWS)]
    chosen = [name for name in names if not wanted or name.startswith(tuple(wanted))]
    if not chosen:
        raise UserError(f"no target {', '.join(wanted)}: there are {', '.join(names)}")
    firmware = None
    for name in chosen:
        if name.endswith(".micropython"):
            if firmware is None:
                firmware = WORK / "firmware"
                build.build("sim", firmware, own_names=True)
            yield Mutated(name.partition(".")[0], firmware)
        else:
            need_atheris()
            yield Guided(name)


def run(waiting: list[Target], slots: list[Slot], executions: int, seconds: int, seed: int) -> Iterator[None]:
    """A piece of each target in the slots that there are; yields a few times a second. What fails, the others do not feel."""
    waiting = list(waiting)
    total = len(waiting)

    def work(slot: Slot) -> None:
        while waiting:
            number = seed + total - len(waiting)
            waiting.pop(0).run(slot, executions, seconds, number)

    threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.1)
        yield
