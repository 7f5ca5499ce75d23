"""A dongle on the bench: telegrams and faults in, the readings that reach a real broker out, each compared with what the meter knows.

The firmware runs compiled, as on a board. Nothing here decodes a telegram: what must come out is said by the simulated meter.
"""

import contextlib
import json
import os
import signal
import time
from decimal import Decimal

from host_tools import meters, runtime
from host_tools.simulation.dongle import Dongle
from host_tools.wire import PtyWire
from tests.sim.mqtt_help import Watcher

HEAP = "338k"  # of a 64-bit MicroPython: 144 KB of the ESP32 and the stand-ins, in words of twice the size
PATIENCE_S = 30
SPEED = {"p1": 20, "sml": 100, "d0": 100, "hdlc": 20}  # times faster than the real lines
NO_LIMIT = (999_900, 999_000)  # W, mA: "there is none" of the power and fuse limits
NO_TIME_SERVER = "127.0.0.1:9"  # nothing answers there


class Owner(Watcher):
    """What the broker was given: `arrived[boot, seq]` = [(topic's end, reading, monotonic time), ...], `status`, `missing`."""

    def __init__(self, broker):
        self.arrived: dict = {}
        self.order: list = []
        self.status: dict = {}
        self.missing: list = []
        super().__init__(broker, "meterbridge/#")

    def _received(self, client, data, message) -> None:
        kind = message.topic.rsplit("/", 1)[1]
        if kind in ("state", "backlog", "status"):
            document = json.loads(message.payload, parse_float=Decimal)
            with self._news:
                if kind == "status":
                    self.status = document
                elif not message.retain:  # what the broker kept of an earlier day is no arrival
                    self._take(kind, document)
        super()._received(client, data, message)

    def _take(self, kind: str, document: dict) -> None:
        if "missing" in document:
            self.missing.append(document["missing"])
        for reading in document["readings"] if kind == "backlog" else [document]:
            name = reading["boot"], reading["seq"]
            self.arrived.setdefault(name, []).append((kind, reading, time.monotonic()))
            self.order.append(name)


class Bench:
    """One dongle with its meter; use it in `with`. `settings` come on top of what makes it run; a None takes one away."""

    def __init__(self, folder, firmware, broker=None, meter="p1-nl", line=None, owner=None, mqtt_url=None, **settings):
        self.meter = meters.make(meter)
        self.line = line or self.meter.line
        self.clock = int(time.time())
        self.broker = broker
        line_file = folder / "line.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.wire = PtyWire(self.line, SPEED[self.meter.protocol], str(line_file))
        self.wire.stale_s = PATIENCE_S  # a busy computer's firmware may stand still for a second: then no telegram is dropped
        self._own = owner is None and broker is not None
        self.owner = Owner(broker) if self._own else owner
        self.settings = {"wifi_ssid": "home", "wifi_password": "secret word", "ntp_server": NO_TIME_SERVER, "meter_line": str(self.line),
                         "status_interval_s": 1, "journal_detail_s": 0, "journal_flash_kb": 0, "mqtt_discovery": False,
                         "mqtt_url": mqtt_url or (broker.url if broker else None), **settings}  # fmt: skip
        self.settings = {name: value for name, value in self.settings.items() if value is not None}
        path = f"{firmware}:{runtime.BOARDS / 'sim'}:.frozen"
        self.dongle = Dongle(folder, self.wire.path, self.settings, line_file, heap=HEAP, main=firmware / "main.py", env={"MICROPYPATH": path, "MB_PATIENT_LINE": "1"})
        self.boot = 1
        self.next = 1  # sequence number of the reading that comes next

    def __enter__(self) -> "Bench":
        try:
            self.dongle.start()
            if self.owner:
                self.await_broker()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.dongle.stop()
        self.wire.close()
        if self._own:
            self.owner.__exit__()

    def await_broker(self, since: int = 0) -> None:
        """Until the firmware listens to the meter and is at the broker."""
        self.dongle.wait_for("listening at", PATIENCE_S, since)
        self.dongle.wait_for("info mqtt: connected", PATIENCE_S, since)

    # the meter ------------------------------------------------------------------------------------------------------

    def telegram(self) -> tuple[bytes, dict]:
        """The meter's next telegram and what it says."""
        self.clock += self.meter.cadence_s
        data, truth = self.meter.telegram(self.clock), self.meter.truth()
        return data, {name: value for name, value in truth.items() if value not in NO_LIMIT}

    def send(self, data: bytes) -> None:
        """Puts bytes on the line; returns when the firmware has taken them."""
        for at in range(0, len(data), 2000):  # a pty holds 4095: on a busy computer the line waits here, as no real one does
            self.wire.write(data[at : at + 2000])
            self._taken()

    def _taken(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.wire._waiting():
            assert time.monotonic() < end, f"nobody reads the line: {list(self.dongle.log)[-10:]}"
            self.wire.wait(time.monotonic() + 0.001)

    # what must arrive -----------------------------------------------------------------------------------------------

    def good(self, count: int = 1) -> dict:
        """Sends good telegrams, each awaited at the broker; the last reading."""
        for _ in range(count):
            data, truth = self.telegram()
            self.send(data)
            reading = self.expect(truth)
        return reading

    def expect(self, truth: dict | None, **instead) -> dict:
        """The next reading, by its sequence number; it says what `truth` says, and `instead` where that differs."""
        kind, reading, _ = self.arrival(self.next)
        self.next += 1
        if truth is not None:
            check(reading, {**truth, **instead}, exact=kind == "state")
        return reading

    def arrival(self, seq: int) -> tuple:
        """(topic's end, reading, when) of the first arrival of a reading of this boot."""
        return self.owner.wait(lambda owner: owner.arrived.get((self.boot, seq)), PATIENCE_S)[0]

    def synchronize(self) -> None:
        """Finds out which reading comes next, whatever happened before."""
        data, truth = self.telegram()
        before = len(self.owner.order)
        self.send(data)

        def found(owner):
            names = [name for name in owner.order[before:] if not wrong(owner.arrived[name][-1][1], truth)]
            return names[-1] if names else None

        self.boot, seq = self.owner.wait(found, PATIENCE_S)
        self.next = seq + 1

    def status(self, wanted) -> dict:
        """The first status, later than now, for which `wanted(status)` is true."""
        before = self.owner.status
        self.owner.wait(lambda owner: owner.status is not before and wanted(owner.status), PATIENCE_S)
        return self.owner.status

    def counters(self) -> dict:
        """The meter section of a status that knows all up to the last good telegram, with the counters of plausibility."""
        sent = self.next - 1
        status = self.status(lambda s: s["journal"]["next"] == sent + 1)
        return {**status["counters"], **status["meter"]}

    # the device -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def asleep(self):
        """The firmware stands still meanwhile: what is prepared outside is there when it looks."""
        os.kill(self.dongle.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.dongle.pid, signal.SIGCONT)

    def restart_broker(self) -> None:
        """The broker comes back; the firmware can find it once the owner listens there."""
        with self.asleep():
            subscriptions = self.owner.subscriptions
            self.broker.start()
            self.owner.wait(lambda owner: owner.subscriptions > subscriptions, PATIENCE_S)

    def power_cycle(self) -> int:
        """Cuts the power and puts it on again; the place in the log where the new life begins."""
        since = self.dongle.mark()
        self.dongle.power_cycle()
        self.boot, self.next = self.boot + 1, 1
        return since

    @property
    def log(self) -> str:
        return "\n".join(self.dongle.log)


def wrong(reading: dict, truth: dict, exact: bool = True) -> dict:
    """What the reading does not say as the meter said it: name -> (found, true). The history keeps whole units (`exact` False)."""
    found = {}
    for name, value in truth.items():
        said = reading.get(name)
        if isinstance(value, (int, Decimal)):
            if said is None or Decimal(said) != (value if exact else int(value)):
                found[name] = (said, value)
        elif (name in ("time", "meter_id") or name.endswith("_time")) and said != value:
            found[name] = (said, value)
    return found


def check(reading: dict, truth: dict, exact: bool = True) -> None:
    """Fails unless the reading says all that the meter said."""
    differs = wrong(reading, truth, exact)
    assert not differs, f"(found, true): {differs} in {reading}"
