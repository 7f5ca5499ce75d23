"""MqttSink's backlog on real MicroPython against a real broker: from where it goes on, how fast, what is told of holes and of unknown times."""

import datetime
import json
import zlib

import pytest

from tests.brokers import available, make_broker
from tests.sim.mqtt_help import Driver, Watcher

EPOCH = datetime.datetime(2000, 1, 1)
T0 = int((datetime.datetime(2025, 3, 30, 1, 1) - EPOCH).total_seconds())
BOOT = 7  # of the driver's dongle


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with make_broker(available()[-1], tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def dongle(tmp_path):
    with Driver("mqtt_sink_driver", tmp_path, heap="8m") as driver:
        yield driver


@pytest.fixture
def watcher(running, request):
    with Watcher(running, f"{base(request.node.name)}/#") as watcher:
        yield watcher


def base(test: str) -> str:
    return f"meterbridge/{test}"


def iso(seconds: int) -> str:
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat() + "Z"


def start(dongle, broker, request, utc=T0, settings=None, **arguments):
    settings = {"mqtt_url": broker.url, "mqtt_discovery": False, "mqtt_topic": base(request.node.name), **(settings or {})}
    return dongle.ok("start", settings=settings, utc=utc, **arguments)["key"]


def all_there(dongle, seq):
    return dongle.event(lambda e: "status" in e and e["status"]["acknowledged"] == seq and e["status"]["backlog"] == 0)["status"]


def batches(watcher) -> list[dict]:
    return [json.loads(m.payload) for m in watcher.messages if m.topic.endswith("/backlog")]


def live(watcher) -> list[dict]:
    return [json.loads(m.payload) for m in watcher.messages if m.topic.endswith("/state")]


def names(readings) -> list[tuple]:
    return [(reading["boot"], reading["seq"]) for reading in readings]


def old(watcher) -> list[dict]:
    return [reading for batch in batches(watcher) for reading in batch["readings"]]


def key_of(broker) -> str:
    return f"mqtt:{zlib.crc32(broker.url.encode()):08x}"


def test_it_goes_on_where_the_last_start_was_acknowledged(running, dongle, watcher, request):
    saved = {key_of(running): 14, "mqtt:00000000": 2}
    assert start(dongle, running, request, first=10, saved=saved, history=[{"count": 10, "time": T0 - 60, "boot": BOOT - 1}]) == key_of(running)
    dongle.ok("readings", count=2, time=T0)
    assert all_there(dongle, 21)["lost"] == 0
    watcher.settle()
    assert names(old(watcher)) == [*((BOOT - 1, seq) for seq in range(14, 20)), (BOOT, 20)]
    assert [reading["time"] for reading in old(watcher)][:6] == [iso(T0 - 60 + seq - 10) for seq in range(14, 20)]


@pytest.mark.parametrize("begin, first", [("oldest", 10), ("now", 20)])
def test_a_new_destination_begins_at_the_oldest_or_now(running, dongle, watcher, request, begin, first):
    start(dongle, running, request, settings={"mqtt_from": begin}, first=10, history=[{"count": 10, "time": T0 - 60, "boot": BOOT - 1}])
    dongle.ok("readings", count=3, time=T0)
    assert all_there(dongle, 22)["lost"] == 0
    watcher.settle()
    assert {reading["seq"] for reading in old(watcher) + live(watcher)} == set(range(first, 23))
    assert not any("missing" in batch for batch in batches(watcher))


def test_what_went_while_the_device_was_off_is_told(running, dongle, watcher, request):
    start(dongle, running, request, first=10, saved={key_of(running): 4}, history=[{"count": 5, "time": T0 - 60, "boot": BOOT - 1}])
    dongle.event(lambda e: "status" in e and e["status"]["backlog"] == 0)
    watcher.settle()
    assert [batch["missing"] for batch in batches(watcher) if "missing" in batch] == [{"from": 4, "to": 9, "count": 6}]
    assert "missing" in batches(watcher)[0] and names(old(watcher)) == [(BOOT - 1, seq) for seq in range(10, 15)]


def test_a_hole_within_and_one_at_the_end(running, dongle, watcher, request):
    """Two batches where one would have been, and one of nothing but the news."""
    running.freeze()
    start(dongle, running, request)
    dongle.ok("readings", count=20, time=T0)
    dongle.ok("drop", first=6, last=8)
    dongle.ok("drop", first=15, last=20)
    running.thaw()
    assert all_there(dongle, 20)["lost"] == 3 + 5
    watcher.settle()
    assert names(live(watcher)) == [(BOOT, 20)]
    told = [(batch.get("missing"), [reading["seq"] for reading in batch["readings"]]) for batch in batches(watcher)]
    whole = [seq for _, seqs in told for seq in seqs]
    assert whole == [*range(1, 6), *range(9, 15)], "in order and once"
    assert [(missing, seqs[:1]) for missing, seqs in told if missing] == [
        ({"from": 6, "to": 8, "count": 3}, [9]), ({"from": 15, "to": 19, "count": 5}, [])]  # fmt: skip
    assert all(seqs == list(range(seqs[0], seqs[-1] + 1)) for _, seqs in told if seqs)
    lines = [line for line in dongle.output if "are lost" in line]
    assert len(lines) == 2 and "readings 6 to 8 are lost" in lines[0] and "readings 15 to 19" in lines[1]


def test_readings_whose_time_nobody_will_ever_know(running, dongle, watcher, request):
    """Those of an earlier start go without a time and hold up nobody; those of this one wait for the clock."""
    history = [{"count": 3, "time": 100, "source": "uptime", "boot": BOOT - 1}, {"count": 2, "time": T0 - 60, "source": "bridge", "boot": BOOT - 1}]
    start(dongle, running, request, utc=None, history=history)
    dongle.event(lambda e: "status" in e and e["status"]["backlog"] == 0)
    now = dongle.ok("now")["now"]
    dongle.ok("readings", count=2, time=now, step=0, source="uptime")
    dongle.event(lambda e: "status" in e and e["status"]["acknowledged"] == 7)
    watcher.settle()
    assert [reading["seq"] for reading in old(watcher)] == [1, 2, 3, 4, 5]
    assert dongle.ok("set_clock", utc=T0)["taken"]
    all_there(dongle, 7)
    watcher.settle()
    found = old(watcher)
    assert names(found) == [(BOOT - 1, seq) for seq in range(1, 6)] + [(BOOT, 6), (BOOT, 7)]
    assert [(r["time"], r["time_source"]) for r in found[:5]] == [(None, "uptime")] * 3 + [(iso(T0 - 60 + n), "bridge") for n in range(2)]
    assert all(r["time"][:16] in ("2025-03-30T01:01", "2025-03-30T01:00") and r["time_source"] == "uptime" for r in found[5:])


def test_the_backlog_keeps_to_its_rate_and_the_newest_do_not_wait(running, dongle, watcher, request):
    rate, count = 250, 500
    running.freeze()
    start(dongle, running, request, settings={"backlog_per_s": rate})
    dongle.ok("readings", count=count, time=T0)
    running.thaw()
    dongle.event(lambda e: e.get("status", {}).get("state") == "connected")
    dongle.ok("feed", count=30, time=T0 + count, every_ms=50)
    made = {}
    while len(made) < 30:
        event = dongle.event(lambda e: "made" in e)
        made[event["made"]] = event["at"]
    all_there(dongle, count + 30)
    watcher.settle()
    arrived = [(at, len(json.loads(m.payload)["readings"])) for m, at in zip(watcher.messages, watcher.times) if m.topic.endswith("/backlog")]
    seconds = arrived[-1][0] - arrived[0][0]
    assert seconds > 0.8 * count / rate, seconds
    for at, _ in arrived:
        within = sum(readings for later, readings in arrived if at <= later < at + 0.5)
        assert within <= rate * 0.5 + 40 + rate * 0.25, f"{within} in half a second: a batch more than the rate, and what was late"
    late = [at - made[json.loads(m.payload)["seq"]] for m, at in zip(watcher.messages, watcher.times)
            if m.topic.endswith("/state") and json.loads(m.payload)["seq"] in made]  # fmt: skip
    assert len(late) >= 20 and max(late) < 1, late


def test_steps_of_a_clock_change_no_order(running, dongle, watcher, request):
    """A meter's clock that jumps back by an hour, and one that is put right by minutes: all arrive, in the order in which they were made."""
    times = []
    running.freeze()
    start(dongle, running, request)
    for begin in (T0, T0 + 3600, T0 + 10, T0 - 400_000, T0 + 20):
        dongle.ok("readings", count=4, time=begin)
        times += [begin + n for n in range(4)]
    running.thaw()
    all_there(dongle, 20)
    watcher.settle()
    assert [(r["seq"], r["time"]) for r in old(watcher)] == [(seq, iso(times[seq - 1])) for seq in range(1, 20)]
    assert [(r["seq"], r["time"]) for r in live(watcher)] == [(20, iso(times[19]))]
