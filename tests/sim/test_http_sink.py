"""The HTTP sink on real MicroPython against a real server: order, acknowledgement, outages, refusals, limits."""

import datetime

import pytest

from host_tools.certificates import Authority
from tests.http_servers import HOST, Answer, HttpServer, readings_of
from tests.sim.mqtt_help import Driver

HEAP = "1m"  # the driver keeps thousands of readings as objects; the journal of the firmware does not
START = 796_737_600  # 2025-03-31T12:00:00Z in seconds since 2000


def iso(seconds: int) -> str:
    moment = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=seconds)
    return moment.isoformat() + "Z"


@pytest.fixture
def sink(tmp_path):
    with Driver("http_sink_driver", tmp_path, heap=HEAP) as driver:
        driver.ok("set_clock", utc=START + 100_000)
        yield driver


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


def test_reading_as_json_with_every_digit(server, sink):
    sink.ok("append", time=START, energy_import_wh=[123456789, -1], power_w=-512, gas_l=[112384123, -3], gas_time=START - 240)
    sink.ok("open", http_url=server.url + "/in", http_token="secret", http_header="X-Home: 7")
    [request] = server.wait(lambda s: s.requests)
    assert request.path == "/in"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer secret" and request.headers["X-Home"] == "7"
    assert b'"energy_import_wh":12345678.9' in request.body and b'"gas_l":112384.123' in request.body
    assert request.json() == {
        "device": "mb-a1b2c3",
        "backlog": False,
        "readings": [
            {"boot": 17, "seq": 0, "time": iso(START), "time_source": "meter", "meter_id": "E0001", "energy_import_wh": 12345678.9,
             "gas_l": 112384.123, "power_w": -512, "gas_time": iso(START - 240)}
        ],
    }  # fmt: skip
    assert sink.ok("until", acknowledged=0)["state"] == "connected"


def test_first_at_once_then_by_the_interval(server, sink):
    sink.ok("open", http_url=server.url, http_interval_s=1)
    sink.ok("append", time=START, power_w=1)
    first = server.wait(lambda s: s.requests)[0]
    sink.ok("append", count=3, time=START + 1, power_w=2)
    server.wait(lambda s: len(s.requests) == 2)
    assert server.requests[1].at - first.at > 0.9
    assert [len(r.json()["readings"]) for r in server.requests] == [1, 3]


def test_only_a_2xx_acknowledges_and_order_is_kept(server, sink):
    server.give(*[Answer(500)] * 3, Answer(503, b"busy"), Answer(304), Answer(drop="after"), Answer(drop="unread"))
    sink.ok("append", count=30, time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_batch=10, http_interval_s=0, backoff_ms=10, slow_ms=10)
    sink.ok("until", acknowledged=29, backlog=0)
    seqs = [reading["seq"] for reading in readings_of(server.requests)]
    assert sorted(seqs) == list(range(30))
    backlog = [r["seq"] for q in server.requests if q.status == 204 and q.json()["backlog"] for r in q.json()["readings"]]
    assert backlog == sorted(backlog)
    assert sink.ok("state")["errors"] == 7


def test_outage_then_backlog_with_original_times_and_the_newest_first(server, sink):
    sink.ok("append", time=START, power_w=1000)
    sink.ok("open", http_url=server.url, http_interval_s=0, backoff_ms=20)
    sink.ok("until", acknowledged=0)
    server.stop()
    sink.ok("append", count=500, time=START + 1, power_w=1001)
    sink.ok("until_error", words="refused")
    server.start()
    sink.ok("until", backlog=0)
    readings = readings_of(server.requests)
    assert {r["seq"] for r in readings} == set(range(501))
    assert all(r["time"] == iso(START + r["seq"]) and r["power_w"] == 1000 + r["seq"] for r in readings)
    after = [q.json() for q in server.requests[1:] if q.status == 204]
    assert after[0]["backlog"] is False and [r["seq"] for r in after[0]["readings"]] == [500], "the newest goes first"
    assert len(readings) == 501, "and the backlog does not repeat it"


def test_the_interval_holds_back_only_what_is_not_behind(server, sink):
    sink.ok("append", count=100, time=START, power_w=0)
    sink.ok("open", http_url=server.url, http_interval_s=3600)
    sink.ok("until", backlog=0)
    sink.ok("append", count=60, time=START + 100, power_w=0)
    assert sink.ok("state")["backlog"] == 60
    assert {r["seq"] for r in readings_of(server.requests)} == set(range(100))


def test_newest_is_not_held_up_by_a_long_backlog(server, sink):
    """While a slow server takes a long backlog, the newest reading arrives within two seconds and a request."""
    server.default = Answer(slow_s=0.05)
    sink.ok("append", count=1000, time=START, power_w=0)
    sink.ok("open", http_url=server.url, http_batch=2, http_interval_s=0)
    server.wait(lambda s: len(s.requests) > 20)
    sink.ok("append", time=START + 5000, power_w=7777)
    asked = server.requests[-1].at
    request = server.wait(lambda s: [q for q in s.requests if b'"power_w":7777' in q.body])[0]
    assert request.json()["backlog"] is False and request.at - asked < 3
    assert sink.ok("state")["backlog"] > 100, "long before the backlog was delivered"


def test_what_was_overwritten_is_told(server, sink):
    sink.ok("append", count=5, time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_interval_s=0, backoff_ms=20)
    sink.ok("until", backlog=0)
    server.stop()
    sink.ok("append", count=10, time=START + 5, power_w=2)
    sink.ok("drop", first=0, last=8)
    sink.ok("until_error", words="refused")
    server.start()
    assert sink.ok("until", backlog=0)["lost"] == 4
    with_gap = [q.json() for q in server.requests if "missing" in q.json()]
    assert [(b["missing"], b["readings"][0]["seq"]) for b in with_gap] == [({"from": 5, "to": 8, "count": 4}, 9)]


def test_readings_without_a_time_wait_for_it(server, tmp_path):
    with Driver("http_sink_driver", tmp_path, heap=HEAP) as sink:
        sink.ok("open", http_url=server.url, http_interval_s=0)
        sink.ok("append", count=3, time=5, source=2, power_w=1)
        assert sink.ok("state")["backlog"] == 3
        sink.ok("set_clock", utc=START)
        sink.ok("append", time=START + 10, power_w=9)
        sink.ok("until", backlog=0)
    readings = readings_of(server.requests)
    assert [r["seq"] for r in readings] == [0, 1, 2, 3]
    assert all(abs(_seconds(r["time"]) - START - 5) <= 30 and r["time_source"] == "uptime" for r in readings[:3])


def _seconds(text: str) -> int:
    return int((datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") - datetime.datetime(2000, 1, 1)).total_seconds())


@pytest.mark.parametrize(
    "answer, words",
    [
        (Answer(401), "401 Unauthorized: check http_token"),
        (Answer(403), "403 Forbidden: check http_token"),
        (Answer(404), "404 Not Found: check the path in http_url"),
        (Answer(400, b"no field \x01 here, s3cr3t"), "400 Bad Request"),
        (Answer(400, b"unknown field power"), "400 Bad Request: unknown field power"),
        (Answer(308, headers={"Location": "https://elsewhere.example/in?key=1"}), "to https://elsewhere.example/in: not followed"),
        (Answer(200, endless=1), None),
    ],
)
def test_refusals_are_shown_with_what_to_do(server, sink, answer, words):
    server.default = answer
    sink.ok("append", time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_token="s3cr3t")
    if words is None:
        sink.ok("until", backlog=0)
        return
    status = sink.ok("until_error", words=words)
    assert status["backlog"] == 1 and status["acknowledged"] is None and status["state"] == "waiting"
    shown = str(sink.ok("state"))
    assert "s3cr3t" not in shown and "key=1" not in shown


def test_a_wrong_token_is_tried_slowly_and_loses_nothing(server, sink):
    server.give(Answer(401), Answer(401))
    sink.ok("append", count=3, time=START, power_w=1)
    sink.ok("open", http_url=server.url, slow_ms=700, backoff_ms=10)
    sink.ok("until", backlog=0)
    times = [request.at for request in server.requests]
    assert all(later - earlier >= 0.7 for earlier, later in zip(times[:2], times[1:3]))
    assert [r["seq"] for r in readings_of(server.requests)] == [0, 1, 2]


def test_retry_after_is_honoured(server, sink):
    server.give(Answer(429, headers={"Retry-After": "1"}), Answer(503, headers={"Retry-After": "1"}))
    sink.ok("append", time=START, power_w=1)
    sink.ok("open", http_url=server.url, backoff_ms=10)
    sink.ok("until", backlog=0)
    first, second, third = [request.at for request in server.requests]
    assert second - first >= 1 and third - second >= 1


def test_too_large_halves_the_batch(server, sink):
    server.limit = 400  # three readings of this size
    sink.ok("append", count=16, time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_interval_s=0, http_batch=16)
    sink.ok("until", backlog=0)
    assert {r["seq"] for r in readings_of(server.requests)} == set(range(16))
    refused = [len(q.json()["readings"]) for q in server.requests if q.status == 413]
    assert refused == [8, 4], "8 are fetched first, and each refusal halves"


def test_requests_stay_within_the_body_limit(server, sink):
    many = {f"voltage_{name}_l{phase}": 1 for name in ("sags", "swells") for phase in (1, 2, 3)}
    many.update({f"energy_{way}_t{tariff}_wh": [123456789012, -3] for way in ("import", "export") for tariff in (1, 2, 3, 4)})
    sink.ok("append", count=200, time=START, power_w=1, **many)
    sink.ok("open", http_url=server.url, http_batch=500)
    sink.ok("until", backlog=0)
    longest_reading = max(len(q.body) // len(q.json()["readings"]) for q in server.requests)
    assert max(len(q.body) for q in server.requests) < 6144 + 2 * longest_reading
    assert len(server.requests) < 30


def test_a_stalling_server_and_ten_megabytes_leave_readings_flowing(server, sink):
    server.give(Answer(200, endless=10_000_000), Answer(200, b"c" * 3_000_000, chunked=True))
    sink.ok("append", count=3, time=START, power_w=1)
    sink.ok("open", http_url=server.url, http_interval_s=0, http_batch=1)
    sink.ok("until", backlog=0)
    state = sink.ok("state")
    assert state["errors"] == 0 and not state["died"]


def test_history_is_rounded_but_the_newest_keeps_its_digits_once(server, sink):
    """What went ahead of the backlog is not sent again from the history, which may have fewer digits."""
    server.default = Answer(slow_s=0.01)
    sink.ok("append", count=40, time=START, power_w=1, energy_import_wh=[123, -1])
    sink.ok("open", http_url=server.url, http_interval_s=0, http_batch=4)
    sink.ok("until", backlog=0)
    seqs = [r["seq"] for r in readings_of(server.requests)]
    assert seqs == [39, *range(39)]
    assert [q.json()["readings"][-1]["seq"] for q in server.requests if not q.json()["backlog"]] == [39], "what is not the newest is backlog"


@pytest.mark.parametrize("name, digits", [("http", False), ("influx", True)])
def test_from_the_real_journal_through_an_outage(server, tmp_path, name, digits):
    """An hour of readings waits while the server is down; the ring is too small for all of them."""
    url = {f"{name}_url": server.url, f"{name}_interval_s": 0}
    with Driver("http_sink_driver", tmp_path, heap="256k") as sink:
        sink.ok("set_clock", utc=START + 100_000)
        sink.ok("real_store", kb=2)
        sink.ok("append", time=START, power_w=0, energy_import_wh=[123456789, -1], voltage_l1_mv=230100)
        sink.ok("open", name=name, backoff_ms=20, **url)
        first = server.wait(lambda s: s.requests)[0]
        assert b"12345678.9" in first.body, "the newest has every digit"
        server.stop()
        sink.ok("append", count=3600, time=START + 1, power_w=1, energy_import_wh=[123456789, -1], voltage_l1_mv=230100)
        sink.ok("until_error", words="refused")
        server.start()
        status = sink.ok("until", backlog=0)
    assert status["lost"] > 0 and status["acknowledged"] == 3601
    if digits:
        lines = [line for q in server.requests if q.status == 204 for line in q.body.decode().splitlines()]
        found = {int(line.rsplit(" ", 1)[1]) // 10**9 - 946_684_800 - START: line for line in lines}
        assert all(f"power_w={n}" in line.replace(",", " ").split() for n, line in found.items())
        arrived = set(found)
    else:
        readings = readings_of(server.requests)
        assert all(r["time"] == iso(START + r["power_w"]) and r["seq"] == r["power_w"] + 1 for r in readings)
        arrived = {r["power_w"] for r in readings}
        missing = [q.json()["missing"] for q in server.requests if "missing" in q.json() and q.status == 204]
        assert sum(m["count"] for m in missing) == status["lost"]
    assert arrived == {0, *range(status["lost"] + 1, 3601)}


def test_settings_that_cannot_be_used_are_named(sink, server):
    cases = [
        ({"http_url": "http://m\u00fcller.example/"}, "http_url has a letter"),
        ({"http_url": server.url, "http_token": "a\r\nb"}, "http_token has a line break"),
        ({"http_url": server.url, "http_header": "X"}, "http_header is not of the form"),
        ({"http_url": "https://127.0.0.1/"}, "http_ca is not set"),
        ({"influx_url": server.url + "/write?precision=h", "name": "influx"}, "influx_url has a precision"),
    ]
    for settings, words in cases:
        sink.ok("open", **settings)
        sink.ok("until_error", words=words)


def test_tls_with_a_wrong_and_the_right_authority(sink, tmp_path):
    authority = Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    with HttpServer(tls=authority.issue("server", HOST)) as server:
        sink.ok("append", count=2, time=START, power_w=1)
        sink.ok("open", http_url=server.url, http_ca=str(stranger.der), backoff_ms=50)
        status = sink.ok("until_error", words="not signed by the CA")
        assert status["backlog"] == 2 and not server.requests
        sink.ok("open", http_url=server.url, http_ca=str(authority.der))
        sink.ok("until", backlog=0)
        assert [r["seq"] for r in readings_of(server.requests)] == [0, 1]
