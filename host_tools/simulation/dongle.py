"""One simulated dongle: a flash folder, settings and a serial line in; the unchanged firmware on MicroPython; log lines out.

The process is what the chip is: the working directory is its flash, exit code 86 is `machine.reset()`, a stale watchdog file is
a watchdog reset, `kill()` is a power cut. Times are seconds.
"""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from pathlib import Path
from typing import Callable

from host_tools import runtime
from host_tools.errors import MISSING, UserError
from host_tools.simulation.child import guarded
from host_tools.simulation.flash import Flash
from host_tools.simulation.light import Light
from host_tools.simulation.serial_console import SerialConsole
from host_tools.simulation.wiring import free_port, make_line, replace_file, write_access, write_chip

RESET_CODE = 86  # exit code of the fake machine.reset()
TOKEN = "SIMULATEDSIMULATEDSIMULATE"  # of each simulated dongle that is not given another
POWER_ON, HARD_RESET, WATCHDOG_RESET = 1, 2, 3  # machine.reset_cause() of the ESP32 port
LOG_LINES = 5000  # kept in memory: an hour of a talkative dongle
LINE_BYTES = 8192  # a longer line is cut in pieces: a firmware gone wild must not fill the host
_CRASH_PAUSE_S = 0.3  # a chip takes longer; enough that a crash at boot does not occupy a processor
_WATCH_EVERY_S = 0.1
_STOP_PATIENCE_S = 2.0
_START = runtime.TOOLS / "on_micropython" / "dongle_start.py"
_RUNNING: "weakref.WeakSet[Dongle]" = weakref.WeakSet()


class Dongle:
    """Runs the firmware until `stop()`; a context manager that starts and stops it.

    `uart` is "/dev/pts/N" or "tcp://host:port"; `settings` becomes config.json (None: what lies in `folder` stays);
    `line_file` is what the simulated meter writes its line settings to; `heap` is MicroPython's -X heapsize.
    `restarts` counts resets of any kind, `causes` holds the reset cause of every start, `crashes` the exit codes of runs that
    ended in an uncaught error (restarted when `restart_crashed`), `log` the newest lines of standard output. `storage` is the flash
    that is at /data (with `flash_kb` 0 there is none): it outlives all of these and can be made to fail. `console`: to type on; `light`: sees its LED.
    `token`: for its HTTP server, which is at 127.0.0.1 and `http_port` (None: it makes one itself).
    """

    def __init__(
        self,
        folder: str | Path,
        uart: str, settings: dict | None,
        line_file: str | Path | None = None,
        board: str = "sim",
        heap: str = "112k", on_log: Callable[[str], None] | None = None,
        micropython: str | None = None, env: dict | None = None,
        unique_id: str = "a1b2c3d4e5f6", main: str | Path | None = None,
        restart_crashed: bool = True, flash_kb: int = 2048,
        console: SerialConsole | None = None, light: Light | None = None, token: str | None = TOKEN,
    ):  # fmt: skip
        self.folder = Path(folder).resolve()
        self.flash = self.folder / "flash"
        self.uart, self.settings = uart, settings
        self.line_file = Path(line_file).resolve() if line_file else None
        self.board, self.heap, self.on_log = board, heap, on_log
        self.micropython = micropython or runtime.find_micropython()
        self.env, self.unique_id = env or {}, unique_id
        self.main = Path(main).resolve() if main else runtime.FIRMWARE / "main.py"
        self.restart_crashed, self.console, self.light = restart_crashed, console, light
        self.token, self.http_port, self.dns_port = token, free_port(), free_port()
        self.storage = Flash(self.folder, flash_kb)
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.lines = 0  # ever written, so that a position in the log outlives the bound
        self.restarts = self._cuts = 0
        self.wifi: dict = {}
        self.causes: list[int] = []
        self.crashes: list[int] = []
        self._news = threading.Condition()
        self._process: subprocess.Popen | None = None
        self._thread: threading.Thread | None = None
        self._stopping = self._bitten = self._prepared = False
        self._trouble: Exception | None = None

    def start(self) -> "Dongle":
        """Puts power on: prepares the folder (the first time) and starts the firmware. Raises UserError when that fails."""
        if self.running:
            return self
        self._prepare()
        self._stopping, self._trouble = False, None
        _RUNNING.add(self)
        self._thread = threading.Thread(target=self._live, name="dongle", daemon=True)
        with self._news:
            starts = len(self.causes)
            self._thread.start()
            self._news.wait_for(lambda: len(self.causes) > starts or self._trouble)
        if self._trouble:
            raise self._trouble
        return self

    def stop(self) -> None:
        """Ends the process and waits until nothing of it is left. May be called twice."""
        self._end(patience=_STOP_PATIENCE_S)

    def kill(self) -> None:
        """Cuts the power: SIGKILL, nothing is flushed; `start()` puts it on again with the same flash."""
        self._end(patience=0)

    def power_cycle(self) -> None:
        """Cuts the power and puts it on again."""
        self.kill()
        self.restarts += 1
        self.start()

    @property
    def running(self) -> bool:
        """True between start and stop, also in the short pause before a restart."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def pid(self) -> int | None:
        """The firmware's process at this moment, or None."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def __enter__(self) -> "Dongle":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # what tests and commands do with it ------------------------------------------------------------------------------

    def mark(self) -> int:
        """A position in the log: give it to `wait_for` as `since` to see only what comes after."""
        return self.lines

    def wait_for(self, text: str, timeout: float = 10.0, since: int = 0) -> str:
        """Returns the first log line at or after position `since` that contains `text`, as soon as it is there.

        Raises TimeoutError with the log's end when it does not come, or when the dongle ended for good.
        """
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for index in range(max(since - (self.lines - len(self.log)), 0), len(self.log)):
                    if text in self.log[index]:
                        return self.log[index]
                since = self.lines
                left = deadline - time.monotonic()
                if left <= 0 or not self.running:
                    why = "not within %g s" % timeout if self.running else "the dongle has ended"
                    raise TimeoutError("%r: %s; its last lines:\n  %s" % (text, why, "\n  ".join(list(self.log)[-15:])))
                self._news.wait(min(left, 1.0))

    def set_wifi(self, **changes) -> None:
        """Changes the simulated access point (up, ssid, password), names (dns, dns_ms, hosts), heap_left. The dongle notices by itself."""
        self.wifi |= changes
        replace_file(self.folder / "wifi.json", json.dumps(self.wifi, ensure_ascii=False))

    # inside ---------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        if self._prepared:
            return
        if not (runtime.BOARDS / self.board / "board.json").is_file():
            raise UserError(f"no board named {self.board} in {runtime.BOARDS}")
        self.flash.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(runtime.BOARDS / self.board / "board.json", self.flash / "board.json")
        if self.settings is not None:
            replace_file(self.flash / "config.json", json.dumps(self.settings, indent=1, ensure_ascii=False))
        if self.token:
            write_access(self.flash, self.token)
        settings = self.settings or {}
        self.wifi = {"ssid": settings.get("wifi_ssid", ""), "password": settings.get("wifi_password", ""), "up": True} | self.wifi
        self.set_wifi()
        self._prepared = True

    def _spawn(self, cause: int) -> subprocess.Popen:
        """Starts the process. Only ever called by the thread that stays until it ends: Linux ties the child to that thread."""
        if cause == POWER_ON:
            (self.folder / "rtc").unlink(missing_ok=True)  # RTC memory lives through resets, not through a power cut
        (self.folder / "watchdog").unlink(missing_ok=True)
        make_line(self.uart)
        chip = {"uart": self.uart, "line": self.line_file and str(self.line_file), "unique_id": self.unique_id, "reset_cause": cause, "ports": {"80": self.http_port, "53": self.dns_port}}
        chip_file = write_chip(self.folder, {**chip, **self.storage.chip(), **(self.light.chip() if self.light else {})})
        env = runtime.environment(board="sim", extra={"MB_SIM": str(chip_file), **self.env})
        self._cuts = self.storage.wear().cuts
        command = [self.micropython, "-X", f"heapsize={self.heap}", *([str(_START)] if self.storage.kb else []), str(self.main)]
        try:
            return subprocess.Popen(  # its own session: Ctrl-C in the terminal is for the host, which then stops the dongle
                guarded(command), cwd=self.flash, env=env, stdin=self.console.stdin() if self.console else subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"cannot start {sys.executable}: {error.strerror}", MISSING) from error

    def _live(self) -> None:
        """The chip's life: start, read its output, see why it ended, start again."""
        cause: int | None = POWER_ON
        while cause is not None:
            try:
                process = self._spawn(cause)
            except (UserError, OSError) as trouble:
                with self._news:
                    self._trouble = trouble
                    self._news.notify_all()
                return
            with self._news:
                self._process, self._bitten = process, False
                self.causes.append(cause)
                self._news.notify_all()
                stopping = self._stopping
            if stopping:
                process.kill()
            watch = threading.Thread(target=self._watch, args=(process,), name="watchdog", daemon=True)
            watch.start()
            self._collect(process)
            cause = self._judge(process.wait())
            process.stdout.close()
            watch.join()
        with self._news:
            self._news.notify_all()

    def _collect(self, process: subprocess.Popen) -> None:
        """Takes the output line by line until its end."""
        while raw := process.stdout.readline(LINE_BYTES):
            if self.console and self.console.put(raw):
                continue  # an answer, not for the log
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            with self._news:
                self.log.append(line)
                self.lines += 1
                self._news.notify_all()
            if self.on_log:
                self.on_log(line)

    def _judge(self, code: int) -> int | None:
        """The reset cause of the next start by the exit code of this run, or None when it stays off."""
        with self._news:
            if self._stopping:
                return None
            if code == RESET_CODE:
                cause = HARD_RESET
            elif self.storage.wear().cuts != self._cuts:
                cause = POWER_ON
            elif self._bitten:
                cause = WATCHDOG_RESET
            elif code == 0:
                return None  # the program ended of itself: a chip would sit at its prompt
            else:  # an uncaught error leaves a chip at its prompt, where the watchdog finds it; a signal is a panic
                self.crashes.append(code)
                if not self.restart_crashed:
                    return None
                cause = WATCHDOG_RESET if code > 0 else HARD_RESET
                self._news.wait_for(lambda: self._stopping, _CRASH_PAUSE_S)
                if self._stopping:
                    return None
            self.restarts += 1
        return cause

    def _watch(self, process: subprocess.Popen) -> None:
        """The watchdog: kills the process when the file that its feeds touch is older than the timeout written in it."""
        path = self.folder / "watchdog"
        while process.poll() is None:
            try:
                age, timeout_ms = time.time() - path.stat().st_mtime, int(path.read_text() or 0)
            except (OSError, ValueError):
                age, timeout_ms = 0, 0  # not armed yet, or being written at this moment
            if timeout_ms and age * 1000 > timeout_ms:
                with self._news:
                    self._bitten = True
                process.kill()
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_WATCH_EVERY_S)

    def _end(self, patience: float) -> None:
        with self._news:
            self._stopping = True
            process, thread = self._process, self._thread
            self._news.notify_all()
        if process and process.poll() is None:
            if patience:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
            if process.poll() is None:
                process.kill()
        if thread and thread is not threading.current_thread():
            thread.join()
        _RUNNING.discard(self)


@atexit.register
def _stop_all() -> None:
    for dongle in list(_RUNNING):
        dongle.kill()
