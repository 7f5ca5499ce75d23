"""Days and months of a dongle in virtual time, with its meter and two destinations: what goes wrong and when in; what of it all is not right out.

    with make_broker(...) as broker, LongRun(folder, firmware, broker, every=300, seconds=30 * DAY, coarse_ms=18000) as run:
        run.refused(at(0, 3), at(0, 9), 500)    # the server answers 500 for six hours
        run.cut(at(0, 5), 60)                   # no power for a minute meanwhile
        run.run(at(1))
        run.check()                             # each reading at each destination, and the profile on flash
"""

import calendar
import resource
import time

from host_tools.meters.localtime import local
from host_tools.simulation.dongle import POWER_ON
from host_tools.simulation.virtual_run import VirtualDongle
from tests.sim.consumers import Http, Mqtt
from tests.sim.kept_profile import Months, copy_out
from tests.sim.quick_meter import QuickMeter

FLASH_KB = 64  # the least that the firmware takes: some 6 days of two readings in a quarter hour, 30 hours of one each ten seconds
IMAGE_KB = 2048
DAY, HOUR = 86400, 3600
START = calendar.timegm((2026, 10, 4, 22, 0, 0))  # midnight in summer time
METER = "p1-nl"
LOST_S = 60  # what a power cut may take


def at(day: float, hour: float = 0, minute: float = 0, second: float = 7) -> float:
    """A moment, by local summer time, from the first midnight on."""
    return START + day * DAY + hour * HOUR + minute * 60 + second


def settings(broker, server, every: int) -> dict:
    return {
        "wifi_ssid": "home", "wifi_password": "secret word", "ntp_server": "127.0.0.1:123", "meter_protocol": "p1", "meter_line": "115200 8N1",
        "meter_timeout_s": 3600, "status_interval_s": 600, "journal_flash_kb": FLASH_KB, "time_zone": "CET", "mqtt_url": broker.url,
        "mqtt_discovery": False, "mqtt_keepalive_s": 600, "http_url": server.url + "/readings", "http_interval_s": max(10, 3 * every),
    }  # fmt: skip


class LongRun:
    """A dongle, its meter with a telegram `every` seconds for `seconds`, its destinations; `more`: settings. Use it in `with`."""

    def __init__(self, folder, firmware, broker, *, every: int, seconds: int, coarse_ms: int = 0, **more: object):
        self.folder, self.every, self.coarse_ms = folder, every, coarse_ms
        self.meter = QuickMeter(METER, START)
        self.server = Http(self.meter).start()
        self.mqtt = Mqtt(broker, self.meter)
        telegrams = self.meter.telegrams(range(START + every, START + seconds + 1, every))
        told = {**settings(broker, self.server, every), **more}
        self.dongle = VirtualDongle(folder / "dongle", firmware, told, START, telegrams, coarse_ms=coarse_ms, flash_kb=IMAGE_KB)
        self.cuts: list[float] = []  # when the chip lost what was in its RAM

    def __enter__(self) -> "LongRun":
        return self

    def __exit__(self, *_) -> None:
        self.dongle.__exit__()
        self.mqtt.__exit__()
        self.server.stop()

    def broker(self, begin: float, end: float) -> None:
        """There is no broker."""
        self.dongle.at(begin, self.mqtt.broker_down)
        self.dongle.at(end, self.mqtt.broker_up)

    def http(self, begin: float, end: float) -> None:
        """There is no server."""
        self.dongle.at(begin, self.server.stop)
        self.dongle.at(end, self.server.start)

    def refused(self, begin: float, end: float, status: int, headers: dict | None = None) -> None:
        """The server answers with that status."""
        self.dongle.at(begin, lambda: self.server.refuse(status, headers))
        self.dongle.at(end, lambda: self.server.refuse(204))

    def cut(self, begin: float, seconds: float) -> None:
        """There is no power."""
        self.cuts.append(begin)
        self.dongle.power_cut(begin, begin + seconds)

    def reset(self, when: float) -> None:
        """The chip starts anew, as after a panic."""
        self.cuts.append(when)
        self.dongle.reset(when)

    def wifi(self, begin: float, end: float) -> None:
        """There is no access point."""
        self.dongle.wifi_down(begin, end)

    def lost(self, unix: int) -> bool:
        """Whether a reading of that moment may have been in RAM alone when the power went. Coarse steps of the clock delay what looks for
        old ones every ten steps."""
        return any(0 <= cut - unix <= LOST_S + 10 * self.coarse_ms // 1000 for cut in self.cuts)

    def run(self, until: float) -> None:
        """Lets the time pass until then; the outages are told before."""
        began = time.monotonic()
        self.dongle.run(until)
        self.mqtt.settle()
        self.report(until, time.monotonic() - began)

    def report(self, until: float, took: float) -> None:
        """For who runs it by hand (pytest -s)."""
        dongle, used = self.dongle, resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"\n{(until - START) / DAY:.1f} days in {took:.0f} s (processor: programs {used.ru_utime + used.ru_stime:.0f} s, test {time.process_time():.0f} s), "
              f"{len(self.meter.moments())} telegrams, {len(dongle.heard)} of them heard, {len(dongle.boots)} starts")  # fmt: skip
        for ledger in (self.mqtt.ledger, self.server.ledger):
            lacking = ledger.lacks(dongle.heard, lambda _: False)
            print(f"{ledger.name}: {len(ledger.first)} readings compared, live {ledger.live}, backlog {ledger.backlog}, again {ledger.again}, "
                  f"told missing {ledger.missing}, lost at power cuts {len(lacking)}")  # fmt: skip

    def check(self) -> None:
        """All that must hold at the end. The dongle's power is off afterwards."""
        assert not self.dongle.unasked, self.dongle.unasked
        for ledger in (self.mqtt.ledger, self.server.ledger):
            lacking = ledger.lacks(self.dongle.heard, self.lost)
            assert not lacking, f"{ledger.name} lacks {len(lacking)} readings, of {[local(unix).isoformat() for unix in lacking[:10]]} and others"
            assert not ledger.faults, ledger.faults
        self.dongle.die(POWER_ON)
        files = copy_out(self.dongle.storage.image, IMAGE_KB, self.folder / "copy")
        wrong = Months(self.meter, self.dongle.heard, self.cuts).wrong(files / "profile", self.every)
        assert not wrong, wrong[:10]

    def heap(self, begin: float, end: float) -> int:
        """Bytes in use after a collection, at the quietest moment between two times."""
        times = ((calendar.timegm(time.strptime(status["clock"]["utc"], "%Y-%m-%dT%H:%M:%SZ")), status) for status in self.mqtt.statuses if status["clock"]["utc"])
        return min(status["memory"]["heap_live"] for unix, status in times if begin <= unix <= end)
