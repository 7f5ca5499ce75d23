"""The clockwork of simulated and replayed meters: telegrams with the moment at which each is due in; each on the wire at that moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from host_tools.meters.faults import Faults
from host_tools.meters.kinds import Meter
from host_tools.wire import Wire

_LATE_S = 2.0  # a meter held up for longer leaves telegrams out, or lets its time stand, instead of hurrying after them
_CLOCK_JUMP_S = 5  # this machine slept, or its clock was set: the meter's clock follows
_LEAST_S = 0.01  # between two questions to a meter whose moment has passed


@dataclass(frozen=True)
class Telegram:
    """`due`: seconds of the meter's time after the first one; `time`: unix seconds that it was made for, None when it is unknown."""

    due: float
    time: int | None
    data: bytes


class Live:
    """The telegrams of a simulated meter, one per cadence, each made when it is asked for."""

    def __init__(self, meter: Meter, start: int | None = None, count: int | None = None):
        """`start`: unix seconds of the first; without it the meter's clock is this machine's."""
        self.meter, self._start, self._count = meter, start, count
        self._floor = 0.0

    @property
    def listens(self) -> bool:
        """True for a meter that is spoken to: it is played by `converse`, and not telegram by telegram."""
        return hasattr(self.meter, "receive")

    def skip_to(self, elapsed: float) -> None:
        """No telegram is made any more for a moment before `elapsed` seconds after the first."""
        self._floor = elapsed

    def __iter__(self) -> Iterator[Telegram]:
        cadence, follows = self.meter.cadence_s, self._start is None
        origin, due, made = int(time.time()) if follows else self._start, 0, 0
        while self._count is None or made < self._count:
            # Only a meter at this machine's pace can be far behind its clock or ahead of it by more than a cadence.
            jump = int(time.time()) - origin - due
            if follows and jump > _CLOCK_JUMP_S + cadence:
                origin += jump
            yield Telegram(due, origin + due, self.meter.telegram(origin + due))
            made += 1
            due += cadence
            while due < self._floor:
                due += cadence

    def converse(self, wire: Wire, stop: threading.Event, on_sent: Callable[[Telegram], None], faults: Faults | None) -> None:
        """Plays a meter that listens: it hears what came on the wire, is asked when it may have something to say, changes the line."""
        meter, news = self.meter, threading.Event()
        origin, started = int(time.time()) if self._start is None else self._start, time.monotonic()
        due, made = float(origin), 0

        def now() -> float:
            return origin + (time.monotonic() - started) * wire.speed

        def hear(data: bytes) -> None:
            news.set()
            meter.receive(data, now())

        wire.on_input = hear
        while not stop.is_set() and (self._count is None or made < self._count):
            news.clear()
            unix = now()
            data = meter.telegram(unix)
            wire.set_line(meter.line)
            while due <= unix:
                due += meter.cadence_s
            if data:
                wire.write(faults.apply(data) if faults else data, stop)
                if not stop.is_set():
                    made += 1
                    on_sent(Telegram(unix - origin, int(unix), data))
            wake = getattr(meter, "wake", None)
            until = due if wake is None else max(min(due, wake), unix + _LEAST_S)
            wire.wait(started + (until - origin) / wire.speed, stop, news)


def play(source: Iterable[Telegram], wire: Wire, stop: threading.Event, on_sent: Callable[[Telegram], None] | None = None,
         faults: Faults | None = None) -> None:
    """Puts each telegram on the wire when it is due, until `stop` is set or there are no more. `on_sent` is called after each."""
    if isinstance(source, Live) and source.listens:
        source.converse(wire, stop, on_sent or (lambda telegram: None), faults)
        return
    started = time.monotonic()
    for telegram in source:
        due = started + telegram.due / wire.speed
        wire.wait(due, stop)
        wire.write(faults.apply(telegram.data) if faults else telegram.data, stop)
        if stop.is_set():
            return
        if on_sent:
            on_sent(telegram)
        late = time.monotonic() - due
        if late > _LATE_S and isinstance(source, Live) and wire.speed == 1:
            source.skip_to(time.monotonic() - started)
        elif late > _LATE_S:
            started += late


class Player:
    """`play` in a thread of its own; a context manager. `failure` is what ended it before its time, if anything did."""

    def __init__(self, source: Iterable[Telegram], wire: Wire, on_sent: Callable[[Telegram], None] | None = None,
                 faults: Faults | None = None):
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._work = (source, wire, self._stop, on_sent, faults)
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)

    def _run(self) -> None:
        try:
            play(*self._work)
        except Exception as error:  # handed to the thread that waits in stop()
            self.failure = error

    def start(self) -> Player:
        self._thread.start()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """True when all telegrams are out."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Ends the play, in the middle of a telegram if need be. Raises what ended it earlier; the wire stays open."""
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def __enter__(self) -> Player:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
