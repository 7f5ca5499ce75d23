"""An outage of all destinations at once: when it is over, each has every reading, the newest first, and none of them waits for the old ones."""

import time

from tests.brokers import available, make_broker
from tests.fault.bench_dongle import PATIENCE_S, Bench, check
from tests.fault.test_sinks import Posted, check_all, unheard
from tests.http_servers import HttpServer

OUTAGE = 600  # readings
RATE = 480  # readings of the backlog per second: the setting's default
NEWEST_S = 2.0  # the newest data is at most this old
BUSY_S = 0.5  # what a busy computer may add


def ages(sent: dict, arrived: dict) -> list[float]:
    """How long each reading took until it, or a newer one, had arrived: both seq -> seconds."""
    return [min(at for other, at in arrived.items() if other >= seq) - at_meter for seq, at_meter in sent.items()]


def test_a_broker_and_a_server_are_caught_up_while_the_newest_readings_do_not_wait(tmp_path, firmware):
    with make_broker(available()[-1], tmp_path) as broker, HttpServer() as server:
        settings = {"meter_protocol": "p1", "http_url": server.url, "http_interval_s": 0, "journal_kb": 48, "backlog_per_s": RATE}
        with Bench(tmp_path / "dongle", firmware, broker, **settings) as bench:
            bench.good(3)
            first = bench.next
            broker.kill()
            server.stop()
            truths = unheard(bench, OUTAGE)
            bench.dongle.wait_for("warning mqtt:", PATIENCE_S)
            bench.dongle.wait_for("warning http:", PATIENCE_S)
            since = bench.dongle.mark()
            server.start()
            bench.restart_broker()
            bench.dongle.wait_for("info mqtt: connected", PATIENCE_S, since)
            connected = time.monotonic()
            bench.dongle.wait_for("info http: connected", PATIENCE_S, since)
            sent = {}
            while bench.owner.wait(lambda owner: owner.status, 1)["sinks"]["http"]["backlog"] > 1 or len(sent) < 20:
                data, truths[bench.next] = bench.telegram()
                bench.send(data)
                sent[bench.next] = time.monotonic()
                bench.arrival(bench.next)
                bench.next += 1
                assert len(sent) < 2000, "the backlog does not become less"
            last = bench.next - 1
            check_all(bench, truths)
            by_broker = {seq: bench.arrival(seq)[2] for seq in truths}
            posted = Posted(server).wait(last)
            by_server = {seq: posted[seq][0][1] for seq in truths}
            status = bench.status(lambda s: all(sink["backlog"] == 0 for sink in s["sinks"].values()))["sinks"]
            crashes = list(bench.dongle.crashes)
    for seq, truth in truths.items():
        check(posted[seq][0][0], truth, exact=False)
    old = range(first, first + OUTAGE)
    took = max(by_broker[seq] for seq in old) - connected, max(by_server[seq] for seq in old) - min(by_server[seq] for seq in old)
    late = max(ages(sent, by_broker)), max(ages(sent, by_server))
    print(f"{OUTAGE} readings took {took[0]:.1f} s by MQTT, {took[1]:.1f} s by HTTP; the newest was {late[0]:.2f} and {late[1]:.2f} s old at most")
    assert OUTAGE / RATE * 0.7 < min(took) and max(took) < 60 * OUTAGE / 21600 + 3, took
    assert max(late) < NEWEST_S + BUSY_S, late
    assert status["mqtt"]["lost"] == status["http"]["lost"] == 0
    assert not crashes


def test_a_power_cut_within_the_outage_costs_what_was_not_on_flash_yet(tmp_path, firmware):
    """The newest readings alone, less than what fits the RAM; all others arrive at both, as readings of the start that they were made in."""
    with make_broker(available()[-1], tmp_path) as broker, HttpServer() as server:
        settings = {"meter_protocol": "p1", "http_url": server.url, "http_interval_s": 0, "journal_kb": 4, "journal_flash_kb": 256}
        with Bench(tmp_path / "dongle", firmware, broker, **settings) as bench:
            bench.good(3)
            broker.kill()
            server.stop()
            before = unheard(bench, OUTAGE)
            bench.dongle.wait_for("listening at", PATIENCE_S, bench.power_cycle())
            after = list(unheard(bench, 20).values())
            server.start()
            bench.restart_broker()
            status = bench.status(lambda s: all(sink["acknowledged"] and not sink["backlog"] for sink in s["sinks"].values()))["sinks"]
            bench.owner.settle()
            arrived = {name: found[0] for name, found in bench.owner.arrived.items()}
            posted = Posted(server).readings()
            crashes, missing = list(bench.dongle.crashes), bench.owner.missing
    last = max(seq for boot, seq in arrived if boot == 1)
    assert OUTAGE / 2 < last < max(before), "what was in RAM alone is lost, no more"
    names = {*((1, seq) for seq in range(1, last + 1)), *((2, last + 1 + n) for n in range(20))}
    assert set(arrived) == names
    assert {(found[0][0]["boot"], seq) for seq, found in posted.items()} == names
    truths = {**{(1, seq): truth for seq, truth in before.items() if seq <= last}, **{(2, last + 1 + n): truth for n, truth in enumerate(after)}}
    for (boot, seq), truth in truths.items():
        check(arrived[boot, seq][1], truth, exact=False)
        check(posted[seq][0][0], truth, exact=False)
    assert not missing and status["mqtt"]["lost"] == status["http"]["lost"] == 0 and not crashes
