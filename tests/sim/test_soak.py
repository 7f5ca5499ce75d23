"""Thirty days of the whole firmware in virtual time, with outages, resets and power cuts: what each destination got, reading by reading.

The days are 5 October to 4 November 2026: the clocks go back on the 25th, a month ends. In CI a telegram comes every five minutes, and the
clock goes in coarse steps; SOAK_S=10 is the long version (`make soak`): every ten seconds, all steps. Eight hours of that are a test of their own.
"""

import calendar
import os
import resource
import time

import pytest

from host_tools import build
from host_tools.simulation.virtual_run import VirtualDongle
from tests.brokers import available, make_broker
from tests.sim.consumers import Http, Mqtt
from tests.sim.kept_profile import Months, copy_out
from tests.sim.quick_meter import QuickMeter

SOAK_S = int(os.environ.get("SOAK_S", "300"))
COARSE_MS = 18000 if SOAK_S >= 60 else 0  # the reader's sign of life may be 20 s old
FLASH_KB = 64  # the least that the firmware takes: some 4 days of a reading each five minutes, 30 hours of one each ten seconds
IMAGE_KB = 2048
DAY, HOUR = 86400, 3600
START = calendar.timegm((2026, 10, 4, 22, 0, 0))  # midnight in summer time
METER = "p1-nl"
LOST_S = 60  # what a power cut may take
HEAP_BYTES = 512  # by which the heap in use may differ after all that: see Month.heap


def at(day: float, hour: float = 0, minute: float = 0, second: float = 7) -> float:
    return START + day * DAY + hour * HOUR + minute * 60 + second


def settings(broker, server, every: int) -> dict:
    return {
        "wifi_ssid": "home", "wifi_password": "secret word", "ntp_server": "127.0.0.1:123", "meter_protocol": "p1", "meter_line": "115200 8N1",
        "meter_timeout_s": 3600, "status_interval_s": 600, "journal_flash_kb": FLASH_KB, "time_zone": "CET", "mqtt_url": broker.url,
        "mqtt_discovery": False, "mqtt_keepalive_s": 600, "http_url": server.url + "/readings", "http_interval_s": max(10, 3 * every),
    }  # fmt: skip


class Month:
    """A dongle, its meter with a telegram `every` seconds for `seconds`, its destinations; what goes wrong, and when."""

    def __init__(self, folder, firmware, broker, meter, server, mqtt, every: int, seconds: int, coarse_ms: int):
        telegrams = meter.telegrams(range(START + every, START + seconds + 1, every))
        self.folder, self.meter, self.mqtt, self.server, self.every, self.coarse_ms = folder, meter, mqtt, server, every, coarse_ms
        self.dongle = VirtualDongle(folder / "dongle", firmware, settings(broker, server, every), START, telegrams, coarse_ms=coarse_ms, flash_kb=IMAGE_KB)
        self.cuts: list[float] = []  # when the chip lost what was in its RAM

    def broker(self, begin: float, end: float) -> None:
        self.dongle.at(begin, self.mqtt.broker_down)
        self.dongle.at(end, self.mqtt.broker_up)

    def http(self, begin: float, end: float) -> None:
        self.dongle.at(begin, self.server.stop)
        self.dongle.at(end, self.server.start)

    def refused(self, begin: float, end: float, status: int, headers: dict | None = None) -> None:
        self.dongle.at(begin, lambda: self.server.refuse(status, headers))
        self.dongle.at(end, lambda: self.server.refuse(204))

    def cut(self, begin: float, seconds: float) -> None:
        self.cuts.append(begin)
        self.dongle.power_cut(begin, begin + seconds)

    def reset(self, when: float) -> None:
        self.cuts.append(when)
        self.dongle.reset(when)

    def wifi(self, begin: float, end: float) -> None:
        self.dongle.wifi_down(begin, end)

    def lost(self, unix: int) -> bool:
        """Whether a reading of that moment may have been in RAM alone when the power went. Coarse steps of the clock delay what looks for
        old ones every ten steps."""
        return any(0 <= cut - unix <= LOST_S + 10 * self.coarse_ms // 1000 for cut in self.cuts)

    def run(self, until: float) -> None:
        began = time.monotonic()
        with self.dongle as dongle:
            dongle.run(until)
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
        """All that must hold at the end."""
        assert not self.dongle.unasked
        for ledger in (self.mqtt.ledger, self.server.ledger):
            assert not ledger.lacks(self.dongle.heard, self.lost)
            assert not ledger.faults
        files = copy_out(self.dongle.storage.image, IMAGE_KB, self.folder / "copy")
        assert not Months(self.meter, self.dongle.heard, self.cuts).wrong(files / "profile", self.every)

    def heap(self, begin: float, end: float) -> int:
        """Bytes in use after a collection, at the quietest moment between two times."""
        times = ((calendar.timegm(time.strptime(status["clock"]["utc"], "%Y-%m-%dT%H:%M:%SZ")), status) for status in self.mqtt.statuses if status["clock"]["utc"])
        return min(status["memory"]["heap_live"] for unix, status in times if begin <= unix <= end)


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


@pytest.fixture
def month(tmp_path, firmware):
    """Makes a Month and what it needs."""
    meter = QuickMeter(METER, START)
    with make_broker(available()[-1], tmp_path) as broker, Http(meter) as server, Mqtt(broker, meter) as mqtt:
        yield lambda *more: Month(tmp_path, firmware, broker, meter, server, mqtt, *more)


def test_thirty_days(month):
    m = month(SOAK_S, 30 * DAY, COARSE_MS)
    first_day(m)
    m.http(at(1, 12), at(1, 17))
    m.broker(at(2, 1), at(2, 10))
    m.broker(at(2, 14), at(2, 20)), m.http(at(2, 15), at(2, 21))
    m.wifi(at(3, 1), at(3, 5)), m.wifi(at(3, 9), at(3, 9, 2))
    m.reset(at(4, 2, 1))
    m.cut(at(4, 6, 5, 30), 2 * HOUR)
    m.broker(at(4, 10), at(4, 15)), m.cut(at(4, 12, 33), 61)
    m.broker(at(5, 1), at(5, 12)), m.http(at(5, 1), at(5, 12)), m.reset(at(5, 4, 2)), m.wifi(at(5, 6), at(5, 7)), m.cut(at(5, 9), 600)
    m.refused(at(6, 1), at(6, 2), 503), m.refused(at(6, 4), at(6, 5), 429)
    for hour in (3, 4, 5, 6):  # one after the other
        m.cut(at(10, hour, 4 * hour), 20)
    # For 18 days nothing starts anew: the ticks wrap after 12.4.
    m.refused(at(11, 2), at(17, 2), 503, {"Retry-After": "600"})  # longer than the journal reaches
    m.broker(at(20, 1), at(20, 5)), m.http(at(20, 1, 30), at(20, 6))  # the clocks go back
    m.broker(at(22, 14), at(22, 19)), m.wifi(at(22, 15), at(22, 17))  # where the ticks wrap
    m.wifi(at(26, 22), at(27, 3))  # a month ends
    m.broker(at(28, 3), at(28, 13)), m.http(at(28, 3), at(28, 13)), m.cut(at(28, 8, 0, 20), 3 * HOUR), m.reset(at(28, 12))
    m.run(at(30, 1))
    m.check()
    assert m.server.ledger.missing and not m.mqtt.ledger.missing
    wrap = (m.dongle.boots[-3][0] + (1 << 30) / 1000 - START) / DAY
    assert 22.5 < wrap < 22.9
    before, after = m.heap(at(0, 14), at(1)), m.heap(at(29, 14), at(30))
    print("heap in use after a collection:", before, "on the first day,", after, "on the last")
    assert abs(after - before) <= HEAP_BYTES


def first_day(m: Month) -> None:
    """What goes wrong most, once: whatever the firmware keeps of it for good is there from then on."""
    m.broker(at(0, 1), at(0, 1, 3))
    m.http(at(0, 2), at(0, 2, 4))
    m.refused(at(0, 3), at(0, 4), 500)
    m.broker(at(0, 5), at(0, 13)), m.http(at(0, 5), at(0, 13)), m.wifi(at(0, 6), at(0, 7))


def test_eight_hours_of_every_ten_seconds(month):
    m = month(10, 8 * HOUR, 0)
    m.broker(at(0, 1), at(0, 2)), m.http(at(0, 1, 30), at(0, 2, 30))
    m.cut(at(0, 1, 45, 3), 95)
    m.wifi(at(0, 3), at(0, 3, 20)), m.reset(at(0, 3, 10, 55))
    m.broker(at(0, 4), at(0, 6)), m.cut(at(0, 5, 0, 1), 3), m.cut(at(0, 5, 0, 31), 40), m.cut(at(0, 5, 7, 59), 1)
    m.run(at(0, 8, 10))
    m.check()
