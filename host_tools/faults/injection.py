"""One fault in a running simulation: a run in; the fault begun and ended at its time, what it cost (readings, seconds) and lines for people out.

What is lost is counted where it matters: telegrams that the meter sent, less readings that reached each destination. What waits there is the
same figure while the fault lasts.
"""

import threading
import time
from dataclasses import dataclass

from host_tools.faults import Fault

SOON, ON, OVER, RECOVERED = "soon", "on", "over", "recovered"
_LOOK_S = 0.05
_TELL_S = 5.0  # between two lines about the same state
_SURE_S = 6.0  # destinations that wait for nothing and got nothing more for so long: what is missing then is lost
_STEADY_S, _STEADY_CADENCES = 3.0, 3  # nobody is called recovered before so long without being late again
_FRESH = 2  # status documents since the end: one may have been on its way for long


@dataclass
class _Way:
    """A destination: how many telegrams it is behind the meter (`behind`), and was at best before (`usual`) and since the end (`least`)."""

    name: str
    usual: int = 1 << 30
    behind: int = 0
    now: int = 1 << 30
    most: int = 0
    least: int = 1 << 30
    at: float = 0.0  # when it was `least` for the first time since it was late


class Injection:
    """`state`: SOON, ON, OVER (mended, not all has arrived), RECOVERED. `failure`: what ended the thread, if anything did."""

    def __init__(self, run: object, fault: Fault, after_s: float, for_s: float | None):
        self.run, self.fault = run, fault
        self.after_s = after_s
        self.for_s = fault.lasts if for_s is None or not fault.lasts else for_s
        self.state = SOON
        self.failure: Exception | None = None
        self.recovery_s: float | None = None
        self.news: list[str] = []  # a line for each thing that happened, for who does not see the screen
        self._status: dict = {}  # the last one looked at
        self._fresh = 0
        self._flash_at = 0.0  # when it was last known not to be well
        self._ways = [_Way("mqtt"), _Way("http")]
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="fault", daemon=True)

    @property
    def plan(self) -> str:
        """What will happen, in words."""
        lasts = f"for {self.for_s:g} s" if self.for_s else "once"
        return f"{self.fault.name} after {self.after_s:g} s of readings, {lasts}"

    def start(self) -> None:
        """Counts from the first reading on."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; what is broken stays so."""
        self._stop.set()
        self._thread.join()

    # what it cost -----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> dict[str, int]:
        """Telegrams that have not reached each destination."""
        return {way.name: max(0, way.behind - way.usual) for way in self._ways if way.usual < 1 << 30}

    @property
    def most(self) -> dict[str, int]:
        """The most that waited."""
        return {way.name: way.most for way in self._ways}

    @property
    def lost(self) -> dict[str, int]:
        """Telegrams that never reached each destination; known once it has recovered."""
        return {way.name: max(0, way.least - way.usual) for way in self._ways}

    def _look(self) -> None:
        run, now = self.run, time.monotonic()
        for way, arrived in zip(self._ways, (run.model.readings, run.http.readings)):
            # Twice in a row: a telegram counts as sent a moment after its last byte.
            before, way.now = way.now, run.sent - arrived
            way.behind = max(before, way.now) if before < 1 << 30 else way.now
            if self.state == SOON and arrived:
                way.usual = min(way.usual, way.behind)
            way.most = max(way.most, way.behind - way.usual)
            if self.state != OVER:
                continue
            if way.behind < way.least or way.behind > max(way.least, way.usual) + 1:  # better than ever, or late again
                way.least, way.at = way.behind, now

    def _recovered(self) -> bool:
        """All has arrived and goes on arriving, or what is missing does not come any more; and the flash is well."""
        now = time.monotonic()
        with self.run.model.lock:
            status, sinks, flash = self.run.model.status, self.run.model.sinks(), self.run.model.part("journal").get("flash")
        if status is not self._status:
            self._status, self._fresh = status, self._fresh + 1
        if self.fault.writes and (self._fresh < _FRESH or not flash or flash["problem"]):
            self._flash_at = now
            return False
        quiet = now - max(self._since, *(way.at for way in self._ways))
        if all(way.least <= way.usual for way in self._ways):
            return quiet > max(_STEADY_S, _STEADY_CADENCES * self.run.source.cadence_s)
        settled = bool(sinks) and all(sink.state == "connected" and sink.backlog <= 1 for sink in sinks)
        return quiet > _SURE_S and self._fresh >= _FRESH and settled

    # its life ---------------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            self._soon()
            if not self._stop.is_set():
                self._turn(ON)
                self.fault.begin(self.run.world)
                self._write()
                self._wait(self.for_s)
            if not self._stop.is_set():
                self.fault.end(self.run.world)
                self._turn(OVER)
                self._write()
                self._over()
            self._stop.wait()  # a broker that was started here lives as long as this thread
        except Exception as error:  # handed to the thread that shows the run
            self.failure = error

    def _soon(self) -> None:
        while not self._stop.wait(_LOOK_S) and not self.run.model.readings:
            pass
        self._turn(SOON)
        self._write()  # what there is goes to flash before it breaks
        self._wait(self.after_s)
        while not self._stop.wait(_LOOK_S) and any(way.usual == 1 << 30 for way in self._ways):
            self._look()

    def _wait(self, seconds: float) -> None:
        end, told = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end and not self._stop.wait(_LOOK_S):
            self._look()
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                self._remind()

    def _over(self) -> None:
        told = time.monotonic()
        self._status = self.run.model.status
        while not self._stop.wait(_LOOK_S):
            self._look()
            if self._recovered():
                self.recovery_s = max(0.0, max(self._flash_at, *(way.at for way in self._ways)) - self._since)
                self._turn(RECOVERED)
                return
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                self._remind()

    def _write(self) -> None:
        if self.fault.writes:
            self.run.world.save()

    def _remind(self) -> None:
        self._write()
        if self.state != SOON:
            self._tell()

    def _turn(self, state: str) -> None:
        self.state, self._since = state, time.monotonic()
        self._tell()
        self.run.model.changed.set()

    # what people read -------------------------------------------------------------------------------------------------

    def words(self) -> str:
        """The state in a line."""
        age = time.monotonic() - self._since
        if self.state == SOON:
            return f"begins in {max(0.0, self.after_s - age):.0f} s"
        if self.state == RECOVERED:
            return f"recovered {self.recovery_s:.1f} s after the {'end' if self.for_s else 'event'}; lost: {_figures(self.lost)}"
        if self.state == ON:
            return f"ON for {age:.0f} s, {max(0.0, self.for_s - age):.0f} s to go; waiting: {_figures(self.waiting)}"
        return f"{'over' if self.for_s else 'happened'} {age:.0f} s ago; still waiting: {_figures(self.waiting)}"

    def summary(self) -> str:
        """The fault's whole story in a line."""
        if self.state == RECOVERED:
            return f"fault {self.fault.name}: {self.words()}; at most waited: {_figures(self.most)}"
        if self.state == OVER:
            return f"fault {self.fault.name}: not recovered; {self.words()}"
        return f"fault {self.fault.name}: {'the run ended before its end' if self.state == ON else 'not begun'}"

    def _tell(self) -> None:
        if self.state == ON and time.monotonic() - self._since < 1:
            self.news += [f"{self.fault.name} begins: {self.fault.what}", f"    you should see: {self.fault.sees}"]
        else:
            self.news.append(f"{self.fault.name} {self.words()}")


def _figures(of: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in of.items())
