"""What a simulated run has shown so far: MQTT messages, HTTP counts and log lines in; one consistent picture out.

Everything here comes from where the dongle's owner would see it. Times are seconds of a monotonic clock.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from host_tools import reading_text

HISTORY = 600  # net powers kept for the chart: 10 min at one reading per second, more than any screen is wide
LOG_LINES = 50  # newest lines kept of the dongle's log
HEARD = {
    "telegrams": "telegrams", "silence": "silence", "held": "a line that is held", "noise": "noise", "bytes": "bytes, but no whole telegram",
    "s1": "an S1 port", "key_missing": "encrypted telegrams, and has no key", "key_wrong": "encrypted telegrams that its key does not open",
    "tag_wrong": "telegrams that are not genuine by its keys", "replay": "telegrams that were sent before",
    "length": "encrypted telegrams that are cut", "cipher_unknown": "an encryption that it does not know",
}  # the words of the status
_REMEMBERED = 20000  # readings of which it is known that they came: 5 h at one per second
_LOG_WIDTH = 400  # a longer line is cut


@dataclass
class Facts:
    """What stays the same during a run."""

    title: str
    line: str
    cadence_s: float
    broker: str
    topic: str
    http: str
    heap_bytes: int
    listen: str


@dataclass
class Sink:
    """A destination as the dongle's status tells of it."""

    name: str
    state: str = "starting"
    acknowledged: int | None = None
    ack_age_s: int | None = None
    backlog: int = 0
    lost: int = 0
    errors: int = 0
    last_error: str = ""


@dataclass
class Model:
    """The picture. Fed from several threads; `lock` is held for each change and should be for each drawing."""

    facts: Facts
    clock: Callable[[], float] = time.monotonic
    reading: dict = field(default_factory=dict)
    arrived: float | None = None
    started: float = 0.0
    readings: int = 0  # delivered by MQTT, each counted once
    live: int = 0  # of these, the ones that were new when they came
    history: deque = field(default_factory=lambda: deque(maxlen=HISTORY))
    status: dict = field(default_factory=dict)
    profile: dict = field(default_factory=dict)  # the running quarter hour, and what was before it
    told: float | None = None  # when the status came
    bridge: str = ""
    meter: str = ""
    http_readings: int = 0
    http_seq: int | None = None
    log: deque = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    restarts: int = 0
    fault: object = None  # what is broken on purpose: host_tools.faults.injection.Injection
    unlocking: object = None  # of a meter that waits for its PIN: host_tools.unlock_watch.Unlocking
    note: str = ""  # what else is to be said beside the age of the last reading
    changes: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._seen: OrderedDict = OrderedDict()
        self.changed = threading.Event()
        self.started = self.clock()

    def _touch(self) -> None:
        self.changes += 1
        self.changed.set()

    def message(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message of the broker. What was retained from an earlier run is not news and is left out."""
        if retained:
            return
        kind = topic.rpartition("/")[2]
        with self.lock:
            if kind in ("state", "backlog", "status", "profile"):
                document = reading_text.parse(payload)
                if document is None:
                    return
                if kind == "state":
                    self._state(document)
                elif kind == "backlog":
                    self._backlog(document)
                elif kind == "profile":
                    self.profile = document
                else:
                    self.status, self.told = document, self.clock()
            elif kind in ("bridge", "meter"):
                setattr(self, kind, payload.decode("utf-8", "replace")[:20])
            self._touch()

    def _is_new(self, reading: dict) -> bool:
        """False for one that was delivered before; each new one is counted."""
        key = (str(reading.get("boot")), str(reading.get("seq")))
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self.readings += 1
        return True

    def _state(self, reading: dict) -> None:
        self.reading = reading
        if not self._is_new(reading):
            return
        self.arrived = self.clock()
        self.live += 1
        net = reading_text.net_power(reading)
        if net is not None:
            self.history.append(net)

    def _backlog(self, batch: dict) -> None:
        readings = batch.get("readings")
        for reading in readings if isinstance(readings, list) else ():
            if isinstance(reading, dict):
                self._is_new(reading)

    def http_batch(self, readings: int, last_seq: int | None) -> None:
        """A batch that the HTTP receiver took."""
        with self.lock:
            self.http_readings += readings
            if last_seq is not None:
                self.http_seq = max(last_seq, self.http_seq or 0)
            self._touch()

    def log_line(self, line: str) -> None:
        """A line of the dongle's console."""
        with self.lock:
            self.log.append(reading_text.printable(line[:_LOG_WIDTH]))
            if self.unlocking:
                self.unlocking.log_line(line)
            self._touch()

    # what is drawn ---------------------------------------------------------------------------------------------------

    def age(self) -> float | None:
        """Seconds since the newest reading arrived."""
        return None if self.arrived is None else self.clock() - self.arrived

    def silence(self) -> float:
        """Seconds since the newest status arrived."""
        return 0.0 if self.told is None else self.clock() - self.told

    def net(self) -> Decimal | None:
        """Net power now in W, positive when drawn from the grid."""
        return reading_text.net_power(self.reading)

    def part(self, name: str) -> dict:
        """A part of the status document that is an object."""
        found = self.status.get(name)
        return found if isinstance(found, dict) else {}

    def heard(self) -> tuple[str, str, str]:
        """What the dongle hears in a word, the line that it listens at, and what its owner can do about it; "" while it said nothing yet."""
        meter = self.part("meter")
        return tuple(reading_text.printable(str(meter.get(name) or "")) for name in ("heard", "line", "advice"))

    def refused(self) -> str:
        """Why the dongle refuses this meter's telegrams, in its own word; "" while it does not."""
        return reading_text.printable(str(self.part("meter").get("problem") or ""))

    def link(self) -> str:
        """What the meter turned out to speak, where, and whether its telegrams are proved genuine: "mbus at 2400 8E1, authenticated"."""
        meter = self.part("meter")
        words = [str(meter.get(name) or "") for name in ("protocol", "line", "security")]
        if not words[1] or words[0] == "searching":
            return ""
        return reading_text.printable(f"{words[0]} at {words[1]}" + (f", {words[2]}" if words[2] else ""))

    def sinks(self) -> list[Sink]:
        """The destinations, in the order of the status document."""
        rows = []
        for name, said in self.part("sinks").items():
            if isinstance(said, dict):
                error = reading_text.printable(str(said.get("last_error") or ""))
                rows.append(Sink(
                    name, str(said.get("state", "?")), said.get("acknowledged"), said.get("last_ack_age_s"),
                    said.get("backlog") or 0, said.get("lost") or 0, said.get("errors") or 0, error))
        return rows
