"""The HTTP sink's backlog on real MicroPython against a real server: how fast, what is told of holes and unknown times, one reading that is refused."""

import datetime

import pytest

from tests.http_servers import Answer, HttpServer, readings_of
from tests.sim.mqtt_help import Driver

START = 796_824_000  # 2025-04-01T12:00:00Z in seconds since 2000
EPOCH = datetime.datetime(2000, 1, 1)
UNIX = 946_684_800
BOOT = 17  # of the driver's dongle


@pytest.fixture
def sink(tmp_path):
    with Driver("http_sink_driver", tmp_path, heap="1m") as driver:
        driver.ok("set_clock", utc=START + 100_000)
        yield driver


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


def iso(seconds: int) -> str:
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat() + "Z"


def taken(server) -> list:
    return [request for request in server.requests if 200 <= request.status < 300]


def told(server) -> list:
    """(missing, sequence numbers) of the batches that were taken."""
    return [(request.json().get("missing"), [r["seq"] for r in request.json()["readings"]]) for request in taken(server)]


def overtaken(server) -> list[dict]:
    """All readings in the order of arrival, without those that went alone as the newest."""
    return [r for q in taken(server) if q.json()["backlog"] or len(q.json()["readings"]) > 1 for r in q.json()["readings"]]


def powers(request) -> list[int]:
    """The power of each line of the line protocol."""
    return [int(line.split("power_w=")[1].split()[0].split(",")[0]) for line in request.body.decode().splitlines()]


def test_a_new_destination_begins_at_the_oldest_or_now(sink, server):
    sink.ok("append", count=5, time=START, power_w=1, boot=BOOT - 1)
    sink.ok("open", http_url=server.url, http_from="now", http_interval_s=0)
    sink.ok("append", count=1, time=START + 5, power_w=1)
    sink.ok("until", backlog=0)
    assert [(r["boot"], r["seq"]) for r in readings_of(server.requests)] == [(BOOT, 5)]
    with HttpServer() as other:
        sink.ok("open", http_url=other.url, http_interval_s=0)
        sink.ok("until", backlog=0)
        found = sorted((r["boot"], r["seq"]) for r in readings_of(other.requests))
    assert found == [*((BOOT - 1, seq) for seq in range(5)), (BOOT, 5)]


def test_a_hole_within_is_told_where_it_is_and_counted_once(sink, server):
    server.give(Answer(500), Answer(500), Answer(500))
    sink.ok("append", count=30, time=START, power_w=0)
    sink.ok("drop", first=10, last=14)
    sink.ok("open", http_url=server.url, http_interval_s=0, backoff_ms=10)
    server.give(Answer(), Answer(), Answer(500), Answer(500))  # also while the hole is told
    status = sink.ok("until", backlog=0)
    assert status["lost"] == 5
    assert [(missing, seqs[0]) for missing, seqs in told(server) if missing] == [({"from": 10, "to": 14, "count": 5}, 15)]
    order = [r["seq"] for r in overtaken(server)]
    assert order == sorted(set(order)) and {r["seq"] for r in readings_of(server.requests)} == {*range(10), *range(15, 30)}
    assert sum("readings 10 to 14 are lost" in line for line in sink.ok("state")["log"]) == 1


def test_what_is_missing_at_the_end_is_told_with_the_next(sink, server):
    sink.ok("append", count=10, time=START, power_w=0)
    sink.ok("drop", first=4, last=9)
    sink.ok("open", http_url=server.url, http_interval_s=0)
    server.wait(lambda s: len(readings_of(s.requests)) >= 4)
    sink.ok("append", time=START + 10, power_w=0)
    sink.ok("until", backlog=0)
    assert [missing for missing, _ in told(server) if missing] == [{"from": 4, "to": 9, "count": 6}]
    assert sorted(r["seq"] for r in readings_of(server.requests)) == [0, 1, 2, 3, 10]


def test_lines_cannot_tell_a_hole_so_the_status_does(sink, server):
    sink.ok("append", count=30, time=START, power_w=0)
    sink.ok("drop", first=10, last=14)
    sink.ok("open", name="influx", influx_url=server.url, influx_interval_s=0)
    assert sink.ok("until", backlog=0)["lost"] == 5
    assert sorted(power for request in taken(server) for power in powers(request)) == [*range(10), *range(15, 30)]
    assert sum("warning influx: readings 10 to 14 are lost" in line for line in sink.ok("state")["log"]) == 1


@pytest.mark.parametrize("name", ["http", "influx"])
def test_readings_whose_time_nobody_will_ever_know(server, tmp_path, name):
    """Those of an earlier start hold up nobody: JSON says null, lines cannot, so they are counted. Those of this one wait for the clock."""
    with Driver("http_sink_driver", tmp_path, heap="1m") as sink:
        sink.ok("append", count=3, time=100, source=2, boot=BOOT - 1, power_w=0)
        sink.ok("append", count=2, time=START, source=1, boot=BOOT - 1, power_w=3)
        sink.ok("append", count=2, time=0, source=2, power_w=5)
        sink.ok("open", name=name, http_url=server.url, influx_url=server.url, http_interval_s=0, influx_interval_s=0)
        status = sink.ok("until", backlog=2)
        assert status.get("undated", 0) == (3 if name == "influx" else 0)
        if name == "http":
            assert [(r["boot"], r["seq"], r["time"]) for r in readings_of(server.requests)] == [
                *((BOOT - 1, seq, None) for seq in range(3)), *((BOOT - 1, 3 + n, iso(START + n)) for n in range(2))]  # fmt: skip
        sink.ok("set_clock", utc=START + 50)
        sink.ok("append", time=START + 60, power_w=7)
        status = sink.ok("until", backlog=0)
    assert status["lost"] == 0 and status.get("undated", 0) == (3 if name == "influx" else 0)
    if name == "influx":
        assert sorted(power for request in taken(server) for power in powers(request)) == [3, 4, 5, 6, 7]
    else:
        assert sorted(r["seq"] for r in readings_of(server.requests)) == list(range(8))


@pytest.mark.parametrize("name", ["http", "influx"])
def test_one_reading_that_is_refused_holds_up_no_live_ones(sink, server, name):
    server.poison = b"power_w=1013 " if name == "influx" else b'"power_w":1013}'
    sink.ok("append", count=60, time=START, power_w=1000)
    sink.ok("open", name=name, http_url=server.url, influx_url=server.url, http_interval_s=0, influx_interval_s=0, slow_ms=1000)
    said = sink.ok("until_error", words="reading 13: 400 Bad Request")
    assert said["backlog"] == 60 - 13 and said["acknowledged"] == 59
    tries = len([q for q in server.requests if q.status == 400])
    assert tries <= 8, "halved until it is found"
    sink.ok("feed", count=6, time=START + 60, every_ms=600, power_w=9000)
    mark = b"power_w=9000" if name == "influx" else b'"power_w":9000'
    server.wait(lambda s: sum(mark in q.body for q in taken(s)) >= 3)  # one more a second, all of the same power
    alone = [q for q in server.requests if q.status == 400][tries:]
    assert 2 <= len(alone) <= 5 and all(later.at - earlier.at > 0.9 for earlier, later in zip(alone, alone[1:])), "it is tried slowly"
    assert sum("reading 13" in line for line in sink.ok("state")["log"]) == 1, "and told once"
    server.poison = b""
    status = sink.ok("until", acknowledged=65, backlog=0)
    assert status["lost"] == 0
    if name == "http":
        order = [r["seq"] for r in overtaken(server)]
        assert order == sorted(set(order)), "in order and once"
        assert {r["seq"] for r in readings_of(server.requests)} == set(range(66)), "nothing was passed over"
    else:
        found = [power for q in taken(server) for power in powers(q)]
        assert set(found) == {*range(1000, 1060), 9000} and found.count(9000) == 6


def test_a_server_that_refuses_all_is_not_asked_for_ever(sink, server):
    server.default = Answer(400, b"no such bucket")
    sink.ok("append", count=40, time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_interval_s=0, slow_ms=1000)
    sink.ok("feed", count=20, time=START + 60, every_ms=100, power_w=5)
    sink.event(lambda event: event.get("made") == 59)
    assert 6 <= len(server.requests) < 15
    server.default = Answer()
    assert sink.ok("until", backlog=0)["lost"] == 0
    assert {r["seq"] for r in readings_of(server.requests)} == set(range(60))


def test_the_backlog_keeps_to_its_rate_and_the_newest_do_not_wait(sink, server):
    rate, count = 250, 500
    server.stop()
    sink.ok("append", count=count, time=START, power_w=0)
    sink.ok("open", http_url=server.url, http_interval_s=0, backlog_per_s=rate, backoff_ms=50)
    sink.ok("until_error", words="refused")
    server.start()
    sink.ok("feed", count=6, time=START + count, every_ms=500, power_w=7000)
    sink.ok("until", backlog=0)
    old = [(q.at, len(q.json()["readings"])) for q in taken(server) if q.json()["backlog"]]
    assert old[-1][0] - old[0][0] > 0.8 * count / rate
    for at, _ in old:
        within = sum(readings for later, readings in old if at <= later < at + 0.5)
        assert within <= rate * 0.5 + 40 + rate * 0.25, f"{within} in half a second"
    new = [q for q in taken(server) if not q.json()["backlog"] and q.at <= old[-1][0]]
    assert len(new) >= 2 and all(later.at - earlier.at < 2 for earlier, later in zip(new, new[1:])), "about one a second"


def test_steps_of_a_clock_change_no_order(sink, server):
    times = []
    for begin in (START, START + 3600, START + 10, START - 400_000, START + 20):
        sink.ok("append", count=4, time=begin, power_w=1)
        times += [begin + n for n in range(4)]
    sink.ok("open", http_url=server.url, http_interval_s=0)
    sink.ok("until", backlog=0)
    order = [r["seq"] for r in overtaken(server)]
    assert order == sorted(order)
    assert sorted((r["seq"], r["time"]) for r in readings_of(server.requests)) == [(seq, iso(times[seq])) for seq in range(20)]
