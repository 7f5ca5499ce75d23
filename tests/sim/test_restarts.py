"""Sinks on real MicroPython whose device loses its power: what a real broker and a real server have at the end, over several starts."""

import contextlib
import json

import pytest

from tests.brokers import available, make_broker
from tests.http_servers import HttpServer
from tests.sim.mqtt_help import Driver, Watcher

START = 796_824_000  # 2025-04-01T12:00:00Z in seconds since 2000
RAM_KB = 4  # of readings; the others are read back from flash


class ByMqtt:
    """Starts of a dongle with one folder as its flash, and a broker. `batches`: those that arrived; `live`: single readings."""

    def __init__(self, folder, broker, watcher):
        self.folder = folder
        self.server = broker
        self.watcher = watcher

    @contextlib.contextmanager
    def start(self, boot, **flash):
        with Driver("mqtt_sink_driver", self.folder, heap="2m") as driver:
            settings = {"mqtt_url": self.server.url, "mqtt_discovery": False}
            driver.ok("start", settings=settings, utc=START + 100_000, journal_bytes=RAM_KB * 1024, flash="journal", boot=boot, **flash)
            yield driver

    def readings(self, driver, count, at):
        driver.ok("readings", count=count, time=START + at)

    def all_there(self, driver, seq):
        event = driver.event(lambda e: e.get("status", {}).get("acknowledged") == seq and e["status"]["backlog"] == 0)
        self.watcher.settle()
        return event["status"]

    def out(self):
        self.server.freeze()

    def back(self):
        self.server.thaw()

    def arrived(self):
        """(readings in the order of arrival, told as missing) since the last call."""
        messages, self.watcher.messages = self.watcher.messages, []
        readings, missing = [], []
        for message in messages:
            document = json.loads(message.payload) if message.topic.endswith(("/state", "/backlog")) and not message.retain else {}
            readings += document.get("readings", [document] if "seq" in document else [])
            missing += [document["missing"]] if "missing" in document else []
        return readings, missing


class ByHttp(ByMqtt):
    """The same with a server."""

    @contextlib.contextmanager
    def start(self, boot, **flash):
        with Driver("http_sink_driver", self.folder, heap="2m") as driver:
            driver.ok("set_clock", utc=START + 100_000)
            driver.ok("real_store", kb=RAM_KB, flash="journal", boot=boot, **flash)
            driver.ok("open", http_url=self.server.url, http_interval_s=0, backoff_ms=50)
            yield driver

    def readings(self, driver, count, at):
        first = driver.ok("append", count=0)["next"]
        driver.ok("append", count=count, time=START + at, energy_import_wh=1000 + first, power_w=first)

    def all_there(self, driver, seq):
        return driver.ok("until", acknowledged=seq, backlog=0)

    def out(self):
        self.server.stop()

    def back(self):
        self.server.start()

    def arrived(self):
        requests, self.server.requests = self.server.requests, []
        documents = [request.json() for request in requests if request.status == 204]
        return [r for d in documents for r in d["readings"]], [d["missing"] for d in documents if "missing" in d]


@pytest.fixture(params=["mqtt", "http"])
def dongle(request, tmp_path):
    if request.param == "http":
        with HttpServer() as server:
            yield ByHttp(tmp_path, server, None)
    else:
        with make_broker(available()[-1], tmp_path) as broker, Watcher(broker, "meterbridge/#") as watcher:
            yield ByMqtt(tmp_path, broker, watcher)


def names(readings) -> list[tuple]:
    return [(reading["boot"], reading["seq"]) for reading in readings]


def test_nothing_is_missing_after_power_cuts_within_an_outage(dongle):
    dongle.out()
    with dongle.start(5) as driver:
        dongle.readings(driver, 1500, 0)
        assert not driver.ok("save")["problem"]
        dongle.readings(driver, 10, 1500)  # not on flash when the power goes
    with dongle.start(6) as driver:
        dongle.readings(driver, 300, 2000)
        driver.ok("save")
    dongle.back()
    with dongle.start(7) as driver:
        dongle.readings(driver, 20, 3000)
        assert dongle.all_there(driver, 1820)["lost"] == 0
        driver.ok("save")
    readings, missing = dongle.arrived()
    found = names(readings)
    assert sorted(found) == [*((5, seq) for seq in range(1, 1501)), *((6, seq) for seq in range(1501, 1801)), *((7, seq) for seq in range(1801, 1821))]
    assert not missing
    history = [name for name in found if name[0] < 7]
    assert history == sorted(history), "the oldest first"
    times = {reading["seq"]: reading["time"] for reading in readings}
    assert [times[seq] for seq in (1, 1500, 1501, 1801)] == [
        "2025-04-01T12:00:00Z", "2025-04-01T12:24:59Z", "2025-04-01T12:33:20Z", "2025-04-01T12:50:00Z"]  # fmt: skip
    with dongle.start(8) as driver:
        dongle.readings(driver, 3, 4000)
        dongle.all_there(driver, 1823)
        driver.ok("save")
    readings, missing = dongle.arrived()
    assert set(names(readings)) == {(8, seq) for seq in range(1821, 1824)} and not missing, "what was acknowledged does not come again"


def test_what_the_flash_could_not_hold_is_told_once_over_starts(dongle):
    dongle.out()
    with dongle.start(5, flash_kb=16) as driver:
        for part in range(12):
            dongle.readings(driver, 1000, part * 1000)
            driver.ok("save")
    with dongle.start(6, flash_kb=16) as driver:
        for part in range(2):
            dongle.readings(driver, 1000, (12 + part) * 1000)
            driver.ok("save")
    dongle.back()
    with dongle.start(7, flash_kb=16) as driver:
        dongle.readings(driver, 1, 20_000)
        lost = dongle.all_there(driver, 14_001)["lost"]
        driver.ok("save")
    readings, missing = dongle.arrived()
    assert lost > 5000 and missing == [{"from": 1, "to": lost, "count": lost}]
    assert {seq for _, seq in names(readings)} == set(range(lost + 1, 14_002))
    with dongle.start(8, flash_kb=16) as driver:
        dongle.readings(driver, 3, 30_000)
        assert dongle.all_there(driver, 14_004)["lost"] == 0
    readings, missing = dongle.arrived()
    assert {boot for boot, _ in names(readings)} == {8} and not missing


def test_a_damaged_block_is_told_where_it_is(dongle):
    dongle.out()
    with dongle.start(5) as driver:
        for part in range(6):
            dongle.readings(driver, 1000, part * 1000)
            driver.ok("save")
    segments = sorted((dongle.folder / "journal").iterdir())
    damaged = bytearray(segments[0].read_bytes())
    damaged[len(damaged) // 2] ^= 0x40
    segments[0].write_bytes(damaged)
    dongle.back()
    with dongle.start(6) as driver:
        dongle.readings(driver, 5, 10_000)
        lost = dongle.all_there(driver, 6005)["lost"]
    readings, missing = dongle.arrived()
    gone = {seq for gap in missing for seq in range(gap["from"], gap["to"] + 1)}
    arrived = {seq for _, seq in names(readings)}
    assert 0 < len(gone) == lost == sum(gap["count"] for gap in missing) < 1500
    assert not gone & arrived and gone | arrived == set(range(1, 6006)), "each arrives, or is said to be missing"
