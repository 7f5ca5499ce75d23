"""The LED over the eye from outside: what the simulated chip tells of it in; each change with its unix time (seconds), when it is due, out.

The lines in the FIFO are boards/sim/sim_light.py's. The chip's end is the end of the light, and of all that was still to come.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

TX_PIN = 17  # of the simulated board's UART: the head's LED shines while it is low
_LOOK_S = 0.02  # between looks for a chip, while there is none
_CHUNK = 4096
_KEPT = 4000  # changes: a PIN has at most 76
_NS = 1_000_000_000


class Light:
    """`on_change(on, at)` is called for each change, as an Eye's `light` would have it; `seen` holds the newest ones. A context manager.

    `chip()` is what the chip must be told to shine here: `pin`, and `on`, the level at which its LED is lit.
    """

    def __init__(self, folder: str | Path, on_change: Callable[[bool, float], None], pin: int = TX_PIN, on: int = 0):
        self.path = Path(folder).resolve() / "light"
        self.pin, self.on, self.on_change = pin, on, on_change
        self.seen: deque[tuple[bool, float]] = deque(maxlen=_KEPT)
        self.lit = False
        self._coming: deque[tuple[int, bool]] = deque()  # unix ns, lit
        self._rest = b""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fd = -1

    def chip(self) -> dict:
        """What the simulated chip is told."""
        return {"light": {"path": str(self.path), "pin": self.pin, "on": self.on}}

    def start(self) -> "Light":
        """Makes the FIFO and follows it. To be called before the chip starts."""
        self._open()
        self._thread = threading.Thread(target=self._follow, name="light", daemon=True)
        self._thread.start()
        return self

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        os.mkfifo(self.path)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def stop(self) -> None:
        """Ends it; the light is dark."""
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._thread = None
            os.close(self._fd)

    def __enter__(self) -> "Light":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while not self._stop.is_set():
            wait = min(_LOOK_S, max(0.0, self._coming[0][0] / _NS - time.time())) if self._coming else _LOOK_S
            if poll.poll(wait * 1000):
                try:
                    data = os.read(self._fd, _CHUNK)
                except BlockingIOError:
                    data = None
                if data:
                    self._take(data)
                elif data == b"":  # no chip
                    self._end()
                    self._stop.wait(_LOOK_S)
            self._deliver(time.time_ns())
        self._end()

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            word, at = line.split()
            if word == b"x":
                self._coming = deque(one for one in self._coming if one[0] <= int(at))
            else:
                self._coming.append((int(at), word == b"1"))

    def _deliver(self, now: int) -> None:
        while self._coming and self._coming[0][0] <= now:
            at, lit = self._coming.popleft()
            self._change(lit, at / _NS)

    def _end(self) -> None:
        """The chip is gone: what was due by now has been seen."""
        self._dark(time.time())

    def _dark(self, at: float) -> None:
        self._deliver(round(at * _NS))
        self._coming.clear()
        self._rest = b""
        self._change(False, at)

    def _change(self, lit: bool, at: float) -> None:
        if lit != self.lit:
            self.lit = lit
            self.seen.append((lit, at))
            self.on_change(lit, at)


class VirtualLight(Light):
    """The same where time is virtual: what happened since is looked at when somebody asks, `look` and `dark`, at a moment of unix seconds."""

    def start(self) -> "VirtualLight":
        """Makes the FIFO."""
        self._open()
        return self

    def stop(self) -> None:
        """Ends it."""
        os.close(self._fd)

    def look(self, now: float) -> None:
        """Tells of all changes until `now`, at which the chip stands still."""
        while True:
            try:
                data = os.read(self._fd, _CHUNK)
            except BlockingIOError:
                break
            if not data:
                break
            self._take(data)
        self._deliver(round(now * _NS))

    def dark(self, now: float) -> None:
        """The chip lost its power."""
        self.look(now)
        self._dark(now)
