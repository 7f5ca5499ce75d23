"""A broker or a server that fails: what is lost of the readings (nothing, while they fit the journal), and what it costs the others."""

import contextlib
import json
import socket
import time
from decimal import Decimal

import pytest

from tests.brokers import available, make_broker
from tests.fault.bench_dongle import PATIENCE_S, Bench, Owner, check
from tests.http_servers import Answer, HttpServer
from tests.load import Load

WINDOW = 8  # publishes that may be on their way at once: so many may come twice after a broken connection
TEN_MB = 10 << 20
PROMPT_S = 1.5  # a live reading is there so soon after the telegram's last byte, on a computer that has other work
HOPS = 4  # processes on the way that may each have to wait for a busy computer


class Posted:
    """What a server has acknowledged with a 2xx: seq -> [(reading, monotonic time of the request's end), ...]."""

    def __init__(self, server: HttpServer):
        self.server = server

    def readings(self) -> dict:
        found: dict = {}
        for request in self.server.requests:
            if 200 <= request.status < 300:
                for reading in json.loads(request.body, parse_float=Decimal)["readings"]:
                    found.setdefault(reading["seq"], []).append((reading, request.at))
        return found

    def wait(self, seq: int) -> dict:
        """The readings once all up to `seq` are there."""
        self.server.wait(lambda _: set(self.readings()) >= set(range(1, seq + 1)), PATIENCE_S)
        return self.readings()


@contextlib.contextmanager
def silent_port():
    """A port that accepts connections, takes what comes, and never says anything."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        door.listen(16)
        yield door.getsockname()[1]


def unheard(bench, count: int) -> dict:
    """Sends telegrams that cannot arrive now: seq -> what they say."""
    truths = {}
    for _ in range(count):
        data, truth = bench.telegram()
        bench.send(data)
        truths[bench.next] = truth
        bench.next += 1
    return truths


def check_all(bench, truths: dict) -> None:
    """All arrive with their values and original times, and hardly one of them twice."""
    bench.owner.wait(lambda owner: all((bench.boot, seq) in owner.arrived for seq in truths), 2 * PATIENCE_S)
    for seq, truth in truths.items():
        kind, reading, _ = bench.arrival(seq)
        check(reading, truth, exact=kind == "state")
    twice = [seq for seq in truths if len(bench.owner.arrived[bench.boot, seq]) > 1]
    assert len(twice) <= WINDOW, twice


@pytest.mark.parametrize("name", available())
def test_a_broker_that_is_killed_and_one_that_freezes(name, tmp_path, firmware):
    with make_broker(name, tmp_path) as broker, Bench(tmp_path / "dongle", firmware, broker, meter_protocol="p1") as bench:
        bench.good(3)
        broker.kill()
        truths = unheard(bench, 40)
        bench.dongle.wait_for("warning mqtt:", PATIENCE_S)
        bench.restart_broker()
        check_all(bench, truths)
        bench.synchronize()
        bench.good(3)

        broker.freeze()
        since = bench.dongle.mark()
        truths = unheard(bench, 40)
        bench.dongle.wait_for("the broker did not answer in 10 s", PATIENCE_S, since)
        broker.thaw()
        check_all(bench, truths)
        bench.synchronize()
        bench.good(3)
        assert bench.status(lambda s: s["sinks"]["mqtt"]["backlog"] == 0)["sinks"]["mqtt"]["lost"] == 0
        assert not bench.dongle.crashes and not bench.dongle.restarts, bench.log


def test_a_silent_broker_costs_the_other_sink_nothing(tmp_path, firmware):
    with contextlib.ExitStack() as stack:
        server, load = stack.enter_context(HttpServer()), stack.enter_context(Load())
        with silent_port() as port:
            url = f"mqtt://127.0.0.1:{port}"
            bench = Bench(tmp_path / "dongle", firmware, mqtt_url=url, meter_protocol="p1", http_url=server.url, http_interval_s=0)
            stack.enter_context(bench)
            bench.dongle.wait_for("listening at", PATIENCE_S)
            posted, truths = Posted(server), {}
            bench.dongle.wait_for("connected to home", PATIENCE_S)
            for number in range(1, 21):
                truths |= unheard(bench, 1)
                sent = time.monotonic()
                reading, arrived = posted.wait(number)[number][0]
                assert number == 1 or arrived - sent < PROMPT_S + HOPS * load.late
                check(reading, truths[number])
            bench.dongle.wait_for("warning mqtt: the broker did not answer in 10 s", PATIENCE_S)
            truths |= unheard(bench, 1)
            posted.wait(21)
        with bench.asleep():
            broker = stack.enter_context(make_broker(available()[-1], tmp_path, port=port))
            bench.owner = stack.enter_context(Owner(broker))
        check_all(bench, truths)
        bench.synchronize()
        bench.good(2)
        assert not bench.dongle.crashes and not bench.dongle.restarts, bench.log


def test_a_server_that_refuses_and_one_that_talks_without_end(tmp_path, firmware, broker):
    answers = [Answer(500), Answer(503, body=b"x" * 5000), Answer(500, endless=TEN_MB), Answer(200, endless=TEN_MB), Answer(drop="unread")]
    with HttpServer(answers) as server, Load() as load:
        settings = {"meter_protocol": "p1", "http_url": server.url, "http_interval_s": 0}
        with Bench(tmp_path / "dongle", firmware, broker, mqtt_topic="meterbridge/refusals", **settings) as bench:
            truths = {}
            for _ in range(12):
                data, truth = bench.telegram()
                bench.send(data)
                sent = time.monotonic()
                kind, reading, arrived = bench.arrival(bench.next)
                assert arrived - sent < PROMPT_S + HOPS * load.late, "the broker's readings are not held up by the server's refusals"
                check(reading, truth, exact=kind == "state")
                truths[bench.next] = truth
                bench.next += 1
            readings = Posted(server).wait(12)
            server.wait(lambda s: len(s.requests) >= 6)
            truths |= unheard(bench, 3)
            readings = Posted(server).wait(15)
            for seq, truth in truths.items():
                check(readings[seq][0][0], truth, exact=False)
            assert server.taken < TEN_MB, "a body is not read to its end"
            lost = bench.status(lambda s: s["sinks"]["http"]["backlog"] == 0)["sinks"]["http"]["lost"]
            assert lost == 0
            assert not bench.dongle.crashes and not bench.dongle.restarts, bench.log


def test_a_slow_server_does_not_delay_the_broker(tmp_path, firmware, broker):
    with HttpServer(default=Answer(204, slow_s=2)) as server, Load() as load:
        settings = {"meter_protocol": "p1", "http_url": server.url, "http_interval_s": 0}
        with Bench(tmp_path / "dongle", firmware, broker, mqtt_topic="meterbridge/slow", **settings) as bench:
            bench.good()
            delays = []
            for _ in range(30):
                data, truth = bench.telegram()
                bench.send(data)
                sent = time.monotonic()
                delays.append(bench.arrival(bench.next)[2] - sent)
                bench.expect(truth)
            assert max(delays) < PROMPT_S + HOPS * load.late and sorted(delays)[15] < PROMPT_S / 4 + HOPS * load.late, delays
            server.default = Answer(204)
            assert set(Posted(server).wait(31)) == set(range(1, 32))
            assert not bench.dongle.crashes, bench.log


def test_an_outage_longer_than_the_journal_says_what_is_lost(tmp_path, firmware):
    with make_broker(available()[-1], tmp_path) as broker:
        with Bench(tmp_path / "dongle", firmware, broker, "p1-be3", meter_protocol="p1", journal_kb=2) as bench:
            bench.good(2)
            broker.kill()
            truths = unheard(bench, 600)
            bench.restart_broker()
            last = max(truths)
            bench.owner.wait(lambda owner: (bench.boot, last) in owner.arrived and owner.missing, 3 * PATIENCE_S)  # it is tried again once a minute
            status = bench.status(lambda s: s["sinks"]["mqtt"]["backlog"] == 0)
            arrived = {seq for boot, seq in bench.owner.arrived if boot == bench.boot}
            gaps = bench.owner.missing
            lost = {seq for gap in gaps for seq in range(gap["from"], gap["to"] + 1)}
            assert lost and len(lost) == sum(gap["count"] for gap in gaps) == status["sinks"]["mqtt"]["lost"]
            assert not lost & arrived and lost | arrived == set(range(1, last + 1)), "each reading arrives, or is said to be lost"
            assert len(arrived & set(truths)) >= 50
            check_all(bench, {seq: truth for seq, truth in truths.items() if seq in arrived})
            assert not bench.dongle.crashes, bench.log
