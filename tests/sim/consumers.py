"""What two destinations of a dongle get, each reading compared with what the meter said at that time, as it comes: MQTT and HTTP in.

For each: `first` = {(boot, seq): unix time}, in the order of their first arrival; `missing`: what was told to be missing; `faults`: what
should never be.
"""

import calendar
import json
import threading
import time

from tests.http_servers import Answer, HttpServer
from tests.sim.mqtt_help import Watcher

NAMES = ("energy_import_t1_wh", "energy_import_t2_wh", "energy_export_t1_wh", "energy_export_t2_wh", "power_import_w", "power_export_w")


class Ledger:
    """The readings of one destination, beside those of a QuickMeter."""

    def __init__(self, name: str, meter):
        self.name, self.meter = name, meter
        self.first: dict[tuple[int, int], int] = {}
        self.again = 0
        self.live = self.backlog = 0
        self.missing: list[dict] = []
        self.faults: list[str] = []
        self._newest = {True: 0, False: 0}  # by backlog or live: the time of the newest reading that was new

    def take(self, reading: dict, backlog: bool) -> None:
        """One reading as it came; `backlog`: not alone, as the newest one, which may overtake all others."""
        name = reading["boot"], reading["seq"]
        unix = calendar.timegm(time.strptime(reading["time"], "%Y-%m-%dT%H:%M:%SZ")) if reading["time"] else 0
        said = self.meter.said(unix)
        if said is None:
            return self.fault(f"invented: {reading}")
        wrong = {key: (reading[key], value) for key, value in said.items() if key in reading and reading[key] != value}
        wrong |= {key: (None, said[key]) for key in NAMES if key not in reading}
        if wrong:
            self.fault(f"not what the meter said: {name} {reading['time']}: {wrong}")
        if name in self.first:
            self.again += 1
            if self.first[name] != unix:
                self.fault(f"{name} names two readings: {self.first[name]} and {unix}")
            return None
        self.first[name] = unix
        self.backlog += backlog
        self.live += not backlog
        if unix <= self._newest[backlog]:
            self.fault(f"out of order: {name} {reading['time']} comes after {self._newest[backlog]}, backlog {backlog}")
        self._newest[backlog] = unix
        return None

    def fault(self, text: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(text)

    def lacks(self, heard, lost) -> list[int]:
        """The moments of telegrams in `heard` whose readings did not come, were not told to be missing, and may not be `lost`.

        What was told to be missing and is not is a fault.
        """
        seqs = {unix: seq for (_, seq), unix in self.first.items()}
        if len(seqs) != len(self.first):
            self.fault("a reading has two names")
        told = {(gap["from"], gap["to"]) for gap in self.missing}
        lacking, before, really = [], 0, 0
        for unix in heard:
            if unix in seqs:
                before = seqs[unix]
            elif not any(low <= before + 1 <= high for low, high in told):
                lacking.append(unix)
            else:
                before += 1
                really += 1
        if any(gap["count"] != gap["to"] - gap["from"] + 1 for gap in self.missing) or really != sum(high - low + 1 for low, high in told):
            self.fault(f"told to be missing: {self.missing}; really {really}")
        return [unix for unix in lacking if not lost(unix)]


class Mqtt(Watcher):
    """A subscriber of everything; `statuses`: (unix time, document) of each status."""

    def __init__(self, broker, meter):
        self.ledger = Ledger("mqtt", meter)
        self.statuses: list[dict] = []
        self._broker = broker
        super().__init__(broker, "meterbridge/#")

    def _received(self, client, data, message) -> None:
        kind = message.topic.rsplit("/", 1)[1]
        if kind == "settled":
            super()._received(client, data, message)
        if message.retain or kind not in ("state", "backlog", "status"):
            return
        document = json.loads(message.payload)
        with self._news:
            if kind == "status":
                self.statuses.append(document)
                return
            if "missing" in document:
                self.ledger.missing.append(document["missing"])
            for reading in document["readings"] if kind == "backlog" else [document]:
                self.ledger.take(reading, kind == "backlog")

    def broker_down(self) -> None:
        """Kills the broker, once all that it took is here."""
        self.settle()
        self._broker.kill()

    def broker_up(self) -> None:
        """Starts it and returns when this subscriber listens."""
        subscriptions = self.subscriptions
        self._broker.start()
        self.wait(lambda watcher: watcher.subscriptions > subscriptions)


class Http(HttpServer):
    """A server that takes JSON batches."""

    def __init__(self, meter):
        super().__init__()
        self.ledger = Ledger("http", meter)
        self.lock = threading.Lock()

    def _answer(self, handler, answer, request) -> None:
        """Takes the readings before it says so: the next request may come on another connection, in another thread."""
        if 200 <= answer.status < 300:
            document = request.json()
            with self.lock:
                if "missing" in document:
                    self.ledger.missing.append(document["missing"])
                for reading in document["readings"]:
                    self.ledger.take(reading, document["backlog"] or len(document["readings"]) > 1)
        super()._answer(handler, answer, request)

    def _record(self, request) -> None:
        """A month of requests is not kept."""

    def refuse(self, status: int, headers: dict | None = None) -> None:
        """Answers so from now on; 204 takes again."""
        self.default = Answer(status, headers=headers or {})
