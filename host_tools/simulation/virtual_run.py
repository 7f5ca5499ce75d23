"""A dongle in virtual time: telegrams and events with their moments in, the unchanged firmware on MicroPython run through them, as fast as it can.

Nobody waits: when the firmware has nothing to do, its clock jumps to what comes next. At an event it stands still until that is done, so
that an outage begins and ends at its exact moment. Servers are real programs, in real time. Moments are unix seconds.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from host_tools import runtime
from host_tools.simulation.child import guarded
from host_tools.simulation.dongle import HARD_RESET, LINE_BYTES, LOG_LINES, POWER_ON, TOKEN, WATCHDOG_RESET
from host_tools.simulation.flash import Flash
from host_tools.simulation.light import VirtualLight
from host_tools.simulation.wiring import free_port, replace_file, write_access, write_chip

PLACE = Path(__file__).parent / "virtual_time"
_RECORD = struct.Struct("<BQI")  # kind, milliseconds since the boot, bytes that follow: see virtual_time/sim_uart.py
_TELEGRAM, _EVENT = 0, 1
_START_S = 20  # real seconds that a busy computer may need to start the firmware
_AHEAD = 32768  # bytes of telegrams on their way: neither side waits for the other at each one, and events can still be told between


class VirtualDongle:
    """One simulated dongle whose clock begins at unix second `start`; `telegrams`: (unix second, bytes) in order. Use it in `with`.

    `heap`: MicroPython's -X heapsize. `coarse_ms`: each jump of the clock is at least so long (at most to the next telegram or event), as
    if other work had kept the chip that long: timers are late by so much, and days pass faster. `patience_ms`: a server may really take so
    long for an answer before virtual time passes. `ticks`: of time.ticks_ms() at each boot; they wrap at 2^30. `ntp`: whether its time
    server answers. `light`: sees its LED. `now`: unix seconds; `log`: the newest lines; `boots`: (unix second, reset cause) of every start; `unasked`: when the
    chip reset itself; `heard`: the moments of the telegrams that came while it was on.
    """

    def __init__(self, folder: str | Path, firmware: Path, settings: dict, start: int, telegrams: Iterable[tuple[float, bytes]],
                 *, heap: str = "512k", coarse_ms: int = 0, patience_ms: int = 1000, ticks: int = 0, ntp: bool = True, flash_kb: int = 2048,
                 on_log: Callable[[str], None] | None = None, light: VirtualLight | None = None):  # fmt: skip
        self.folder, self.firmware, self.heap, self.on_log = Path(folder).resolve(), Path(firmware).resolve(), heap, on_log
        self.flash = self.folder / "flash"
        self.flash.mkdir(parents=True, exist_ok=True)
        self.storage = Flash(self.folder, flash_kb)
        self.now = float(start)
        self.on = True
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.boots: list[tuple[float, int]] = []
        self.unasked: list[float] = []
        self.heard: list[float] = []
        self.light = light
        self.http_port = free_port()  # of its HTTP server, at 127.0.0.1
        self._told = {"coarse_ms": coarse_ms, "patience_ms": patience_ms, "ticks": ticks, "ntp": ntp}
        self._source = iter(telegrams)
        self._flying: deque[tuple[float, bytes]] = deque()  # taken from the source, perhaps not heard yet
        self._actions: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = itertools.count()
        self._plan: list[tuple[float, int]] = []  # a heap: events that the firmware does not know of yet
        self._pumped = self._limit = 0.0  # it knows what happens until then; it may know what happens until then
        self._news = threading.Condition()
        self._listening = threading.Lock()
        self._half = b""  # of a line
        self._cause = POWER_ON
        self._process: subprocess.Popen | None = None
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(_START_S)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _AHEAD)  # the connections have it from the door
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _AHEAD)
        replace_file(self.flash / "board.json", (runtime.BOARDS / "sim" / "board.json").read_text())
        replace_file(self.flash / "config.json", json.dumps(settings, indent=1))
        write_access(self.flash, TOKEN)
        self.wifi = {"ssid": settings.get("wifi_ssid", ""), "password": settings.get("wifi_password", ""), "up": True}
        self.set_wifi()

    def __enter__(self) -> VirtualDongle:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._door.close()

    # what happens when ------------------------------------------------------------------------------------------------------

    def at(self, unix: float, action: Callable[[], object]) -> None:
        """Has `action()` done here at that moment, while the firmware stands still. ValueError when it is told too late.

        Bytes that it returns come from the meter then: what it sends may depend on what the dongle did until now.
        """
        with self._news:
            if unix < max(self.now, self._pumped):
                raise ValueError(f"too late for an event at {unix}: telegrams are on their way up to {self._pumped}")
            number = next(self._numbers)
            self._actions[number] = (unix, action)
            heapq.heappush(self._plan, (unix, number))

    def type(self, line: str) -> None:
        """Types a line on the console of a dongle that was given a light; at an event."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def wifi_down(self, unix: float, until: float) -> None:
        """No access point from `unix` to `until`. Open connections stay, and carry nothing."""
        self.at(unix, lambda: self.set_wifi(up=False))
        self.at(until, lambda: self.set_wifi(up=True))

    def power_cut(self, unix: float, until: float) -> None:
        """No power from `unix` to `until`; nothing is written any more."""
        self.at(unix, lambda: self.die(POWER_ON))
        self.at(until, self.power_on)

    def reset(self, unix: float) -> None:
        """The chip starts anew, at once, as after a panic: nothing is written any more."""
        self.at(unix, lambda: (self.die(HARD_RESET), self.power_on()))

    def set_wifi(self, **changes: object) -> None:
        """Changes what the file of the simulated access point says; only at an event, or before the start."""
        self.wifi |= changes
        replace_file(self.folder / "wifi.json", json.dumps(self.wifi))

    def die(self, cause: int) -> None:
        """The process ends at this moment; its next start has that reset cause."""
        self._cause, self.on = cause, False
        self._end()

    def power_on(self) -> None:
        """The next start happens now."""
        self.on = True

    # the run ----------------------------------------------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Lets the time pass until that moment; the firmware stands still from then on, and `log` has all it said. RuntimeError when it ended of itself."""
        over: list[bool] = []
        self.at(until, lambda: over.append(True))
        with self._news:
            self._limit = until
            self._news.notify_all()
        while not over:
            if self.on:
                self._step()
            else:
                self._act(min(self._actions, key=lambda number: (self._actions[number][0], number)))
        if self._process:
            self._listen(self._process.stdout.fileno())

    def _step(self) -> None:
        """Until the firmware stands still, and what it waits for is done."""
        if self._process is None:
            self._boot()
        elif self._owed:
            self._words.write(b"k" if self._said is None else b"t%08d" % len(self._said) + self._said)
            self._words.flush()
        self._owed, self._said = False, None
        words = self._words.readline().split()
        if len(words) != 2:
            code = self._process.wait()
            self._listen(self._process.stdout.fileno())
            raise RuntimeError(f"the firmware ended of itself with {code} at {self.now}; its last lines:\n  " + "\n  ".join(list(self.log)[-30:]))
        self._owed = True
        self.now = self.boots[-1][0] + int(words[1]) / 1000
        self._hear()
        if words[0] in (b"bite", b"reset"):
            self.unasked.append(self.now)
            self.die(WATCHDOG_RESET if words[0] == b"bite" else HARD_RESET)
            self.power_on()
        else:
            self._act(int(words[0]))

    def _act(self, number: int) -> None:
        unix, action = self._actions.pop(number)
        self.now = max(self.now, unix)
        said = action()
        self._said = said if isinstance(said, bytes) else None

    def _hear(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            self.heard.append(self._flying.popleft()[0])

    def _boot(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            self._flying.popleft()
        with self._news:
            self._plan = sorted((unix, number) for number, (unix, _) in self._actions.items())
            self._pumped = self.now
        self.boots.append((self.now, self._cause))
        told = {"uart": None, "line": None, "unique_id": "a1b2c3d4e5f6", "reset_cause": self._cause, "ports": {"80": self.http_port}, **self.storage.chip()}
        told |= self.light.chip() if self.light else {}
        told["virtual"] = {**self._told, "port": self._door.getsockname()[1], "unix_ms": int(self.now * 1000)}
        path = ":".join(str(place) for place in (PLACE, runtime.BOARDS / "sim", self.firmware, ".frozen"))
        env = {**os.environ, "MICROPYPATH": path, "MB_SIM": str(write_chip(self.folder, told))}
        command = guarded([runtime.find_micropython(), "-X", f"heapsize={self.heap}", str(PLACE / "start.py")])
        self._process = subprocess.Popen(command, cwd=self.flash, env=env, stdin=subprocess.PIPE if self.light else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
        os.set_blocking(self._process.stdout.fileno(), False)
        self._half = b""
        self._threads = [threading.Thread(target=self._collect, args=(self._process.stdout.fileno(),), name="log", daemon=True)]
        self._threads[0].start()
        try:
            self._link = self._door.accept()[0]
            with self._door.accept()[0] as words:
                self._words = words.makefile("rwb")
        except TimeoutError:
            self._end()
            raise RuntimeError("the firmware did not start:\n  " + "\n  ".join(self.log)) from None
        self._threads.append(threading.Thread(target=self._pump, args=(self._link, self.now), name="telegrams", daemon=True))
        self._threads[1].start()

    def _end(self) -> None:
        """Ends the process as a power cut does."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        with self._news:
            link, self._link = self._link, None
            self._news.notify_all()
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        with contextlib.suppress(OSError):
            self._words.close()
        link.close()
        self._process.stdout.close()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def _collect(self, output: int) -> None:
        """Takes what the firmware says while it runs: a pipe that is full would stop it."""
        poll = select.poll()
        poll.register(output, select.POLLIN)
        while poll.poll() and self._listen(output):
            pass

    def _listen(self, output: int) -> bool:
        """Takes all that was said until now; False when no more will come."""
        with self._listening:
            while True:
                try:
                    data = os.read(output, LINE_BYTES)
                except BlockingIOError:
                    return True
                *lines, self._half = (self._half + data).split(b"\n")
                if not data or len(self._half) > LINE_BYTES:
                    lines, self._half = [*lines, *filter(None, (self._half,))], b""
                for raw in lines:
                    line = raw.decode("utf-8", "replace").rstrip("\r")
                    self.log.append(line)
                    if self.on_log:
                        self.on_log(line)
                if not data:
                    return False

    def _pump(self, link: socket.socket, began: float) -> None:
        """Sends what is to come, in order, as far as the run may go."""
        flying = list(self._flying)
        fresh: tuple[float, bytes] | None = None
        try:
            while True:
                if fresh is None:
                    fresh = flying.pop(0) if flying else self._take()
                with self._news:
                    while self._link is link and min(self._plan[0][0] if self._plan else fresh[0], fresh[0]) > self._limit:
                        self._news.wait()
                    if self._link is not link:
                        return
                    event = heapq.heappop(self._plan) if self._plan and self._plan[0][0] <= fresh[0] else None
                    self._pumped = event[0] if event else fresh[0]
                moment = round((self._pumped - began) * 1000)
                if event:
                    link.sendall(_RECORD.pack(_EVENT, moment, len(b"%d" % event[1])) + b"%d" % event[1])
                else:
                    link.sendall(_RECORD.pack(_TELEGRAM, moment, len(fresh[1])) + fresh[1])
                    fresh = None
        except OSError:
            pass  # it is dead

    def _take(self) -> tuple[float, bytes]:
        """The next telegram; one that came while the dongle was off is heard by nobody."""
        for telegram in self._source:
            if telegram[0] > self.boots[-1][0]:
                self._flying.append(telegram)
                return telegram
        return (float("inf"), b"")
