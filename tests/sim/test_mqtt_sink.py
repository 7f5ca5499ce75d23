"""MqttSink on real MicroPython against real brokers: what a subscriber sees, what is acknowledged, what an outage costs."""

import datetime
import json
import socket

import pytest

from host_tools.certificates import Authority
from tests.brokers import HOST, available, make_broker
from tests.sim.mqtt_help import Driver, Watcher

BASE = "meterbridge/mb-a1b2c3"
CONFIG = "homeassistant/device/mb-a1b2c3/config"
T0 = int((datetime.datetime(2025, 3, 30, 1, 1) - datetime.datetime(2000, 1, 1)).total_seconds())


@pytest.fixture(params=available())
def broker(request, tmp_path):
    with make_broker(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def dongle(tmp_path):
    with Driver("mqtt_sink_driver", tmp_path, heap="8m") as driver:
        yield driver


def start(dongle, broker, answer_ms=None, capacity=100000, journal_bytes=None, utc=T0, **settings):
    settings = {"mqtt_url": broker.url, **settings}
    dongle.ok("start", settings=settings, answer_ms=answer_ms, capacity=capacity, journal_bytes=journal_bytes, utc=utc)


def status(dongle, wanted, timeout=20):
    return dongle.event(lambda e: "status" in e and wanted(e["status"]), timeout)["status"]


def connected(dongle, timeout=20):
    return status(dongle, lambda s: s["state"] == "connected", timeout)


def acknowledged(dongle, seq, timeout=20):
    return status(dongle, lambda s: s["acknowledged"] == seq and s["backlog"] == 0, timeout)


def delivered(watcher):
    """Sequence numbers of all readings that arrived, live or in a batch, in order of arrival, and each one's first copy."""
    order, first = [], {}
    for message in watcher.messages:
        if message.topic == BASE + "/state":
            found = [json.loads(message.payload)]
        elif message.topic == BASE + "/backlog":
            batch = json.loads(message.payload)
            assert batch["device"] == "mb-a1b2c3" and batch["backlog"] is True
            found = batch["readings"]
        else:
            continue
        for reading in found:
            order.append(reading["seq"])
            first.setdefault(reading["seq"], reading)
    return order, first


def test_first_things_first(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker)
        dongle.ok("reading", values={"energy_import_wh": [35802455, -1], "power_w": [-512, 0]}, time=T0)
        watcher.wait_for(BASE + "/status")
        state = json.loads(watcher.wait_for(BASE + "/state").payload)
        assert acknowledged(dongle, 1)["lost"] == 0
        watcher.wait_for(BASE + "/meter", "online")
        topics = [m.topic for m in watcher.messages]
        assert topics[0] == BASE + "/bridge" and watcher.messages[0].payload == b"online"
        assert topics.index(CONFIG) < topics.index(BASE + "/state")  # a status goes before where the connection was there first
    assert state == {
        "boot": 7, "seq": 1, "time": "2025-03-30T01:01:00Z", "time_source": "meter", "meter_id": "E0000",
        "energy_import_wh": 3580245.5, "power_w": -512,
    }  # fmt: skip
    with Watcher(broker) as late:  # what is retained
        for topic, payload in (("bridge", "online"), ("meter", "online"), ("state", None), ("status", None)):
            assert late.wait_for(f"{BASE}/{topic}", payload).retain
        assert json.loads(late.of(BASE + "/status")[0].payload)["meter"]["frames"] in (1, 2)  # before or after the reading


def test_each_reading_goes_live_and_none_twice(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker)
        connected(dongle)
        for n in range(1, 31):
            dongle.ok("readings", count=1, time=T0 + n)
            watcher.wait(lambda w, n=n: len(w.of(BASE + "/state")) == n)
        acknowledged(dongle, 30)
        assert delivered(watcher)[0] == list(range(1, 31))
        assert not watcher.of(BASE + "/backlog")


@pytest.mark.parametrize("journal_bytes", [None, 24 * 1024], ids=["list", "journal"])
def test_a_broker_that_dies_costs_no_reading(broker, dongle, journal_bytes):
    """The outage's readings arrive afterwards with their own times, oldest first, while newer ones keep coming live."""
    start(dongle, broker, journal_bytes=journal_bytes)
    connected(dongle)
    dongle.ok("readings", count=5, time=T0)
    status(dongle, lambda s: s["acknowledged"] == 5)
    broker.kill()
    status(dongle, lambda s: s["state"] != "connected")
    dongle.ok("readings", count=600, time=T0 + 5)
    broker.start()
    with Watcher(broker) as watcher:
        connected(dongle)
        dongle.ok("feed", count=20, time=T0 + 605, every_ms=20)
        assert acknowledged(dongle, 625)["lost"] == 0
        watcher.settle()
        order, readings = delivered(watcher)
        assert set(readings) >= set(range(7, 626)), "some reading was lost"
        for seq, reading in readings.items():
            assert reading["energy_import_wh"] in (1000 + seq + 0.5, 1000 + seq)  # history may be in whole Wh
            assert reading["time"] == "2025-03-30T01:%02d:%02dZ" % (1 + (seq - 1) // 60, (seq - 1) % 60)
        backlog = [r["seq"] for m in watcher.of(BASE + "/backlog") for r in json.loads(m.payload)["readings"]]
        assert backlog == sorted(set(backlog)), "the backlog comes in order and once"
        live = [json.loads(m.payload)["seq"] for m in watcher.of(BASE + "/state")]
        assert live == sorted(set(live)) and live[-1] == 625
        assert not set(live) & set(backlog), "what went live is not sent again"


def test_live_readings_do_not_wait_for_the_backlog(broker, dongle):
    """Each of the newest readings reaches a subscriber soon after it was made, while thousands of old ones are caught up."""
    start(dongle, broker)
    connected(dongle)
    broker.kill()
    status(dongle, lambda s: s["state"] != "connected")
    dongle.ok("readings", count=5000, time=T0)
    broker.start()
    with Watcher(broker, BASE + "/#") as watcher:
        connected(dongle)
        dongle.ok("feed", count=40, time=T0 + 5000, every_ms=20)
        made = {}
        while len(made) < 40:
            event = dongle.event(lambda e: "made" in e)
            made[event["made"]] = event["at"]
        watcher.wait(lambda w: set(delivered(w)[1]) == set(range(1, 5041)), timeout=60)
        arrived = {json.loads(m.payload)["seq"]: at for m, at in zip(watcher.messages, watcher.times) if m.topic == BASE + "/state"}
        late = sorted(arrived[seq] - at for seq, at in made.items() if seq in arrived)
        backlog = [index for index, m in enumerate(watcher.messages) if m.topic == BASE + "/backlog"]
        between = [m for m in watcher.messages[backlog[0] : backlog[-1]] if m.topic == BASE + "/state"]
    print(f"live latency in ms: median {late[len(late) // 2] * 1000:.1f}, longest {late[-1] * 1000:.1f}, {len(between)} between batches")
    assert len(late) >= 30 and len(between) >= 5
    assert late[-1] < 1, late


def test_a_broker_that_never_answers_is_left_and_tried_again(tmp_path, dongle):
    with socket.create_server((HOST, 0)) as mute:
        mute.settimeout(20)
        dongle.ok("start", settings={"mqtt_url": f"mqtt://{HOST}:{mute.getsockname()[1]}"}, answer_ms=700, utc=T0)
        dongle.ok("readings", count=3, time=T0)
        first = mute.accept()[0]
        assert "did not answer" in status(dongle, lambda s: s["errors"] > 0)["last_error"]
        second = mute.accept()[0]
        assert status(dongle, lambda s: s["errors"] > 1)["backlog"] == 3
        first.close()
        second.close()


def test_half_open(broker, dongle):
    start(dongle, broker, answer_ms=1000, mqtt_keepalive_s=5, status_interval_s=1)
    connected(dongle)
    broker.freeze()
    assert "did not answer" in status(dongle, lambda s: s["errors"] > 0)["last_error"]
    dongle.ok("readings", count=10, time=T0)
    broker.thaw()
    with Watcher(broker) as watcher:
        acknowledged(dongle, 10)
        watcher.wait(lambda w: set(delivered(w)[1]) >= {10})
        # However late the old connection's will comes: "online" is what stays.
        seen = len(watcher.messages)
        watcher.wait(lambda w: sum(m.topic == BASE + "/status" for m in w.messages[seen:]) >= 2)
    with Watcher(broker, BASE + "/bridge") as late:
        assert late.wait_for(BASE + "/bridge").payload == b"online"


def test_wrong_password_in_words_and_never_in_the_log(tmp_path, dongle):
    with make_broker(available()[-1], tmp_path, user="dongle", password="right") as guarded:
        dongle.ok("start", settings={"mqtt_url": guarded.url, "mqtt_user": "dongle", "mqtt_password": "s3cret!"}, utc=T0)
        said = status(dongle, lambda s: s["errors"] > 2)
        assert said["last_error"] == "not authorised: check mqtt_user and mqtt_password"
        assert "s3cret!" not in "".join(dongle.output)
        assert "".join(dongle.output).count("not authorised") < 20
        assert sum("warning mqtt: not authorised" in line for line in dongle.output) == 1


@pytest.mark.parametrize("name", available())
def test_tls_end_to_end(name, tmp_path, dongle):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "localhost")
    with make_broker(name, tmp_path, certificate=certificate, key=key, host="localhost") as secure:
        start(dongle, secure, mqtt_ca=str(authority.pem))
        dongle.ok("readings", count=200, time=T0)
        with Watcher(secure, ca=authority.pem) as watcher:
            acknowledged(dongle, 200)
            watcher.wait_for(BASE + "/state")


def test_tls_without_a_ca_says_what_to_do(tmp_path, dongle):
    dongle.ok("start", settings={"mqtt_url": "mqtts://localhost"}, utc=T0)
    assert "mqtt_ca is not set" in status(dongle, lambda s: s["errors"] > 0)["last_error"]


def test_a_topic_with_a_wildcard_is_refused(dongle):
    dongle.ok("start", settings={"mqtt_url": "mqtt://localhost", "mqtt_topic": "home/#"}, utc=T0)
    assert "mqtt_topic" in status(dongle, lambda s: s["errors"] > 0)["last_error"]


def test_home_assistant_starts_and_is_told_again(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker)
        dongle.ok("readings", count=1, time=T0)
        for topic in (BASE + "/status", CONFIG, BASE + "/state"):
            watcher.wait_for(topic)
        assert len(watcher.of(CONFIG)) == len(watcher.of(BASE + "/state")) == 1
        watcher.publish("homeassistant/status", "offline")
        watcher.publish("homeassistant/status", "online")
        watcher.wait(lambda w: len(w.of(CONFIG)) == 2 and len(w.of(BASE + "/state")) == 2 and len(w.of(BASE + "/status")) == 2)
        config = watcher.of(CONFIG)[-1]
        assert config.payload == watcher.of(CONFIG)[0].payload
        document = json.loads(config.payload)
        assert set(document["cmps"]) >= {"energy_import_wh", "power_w"} and "gas_l" not in document["cmps"]
        # Gas comes later: announced at once, and once.
        values = {"energy_import_wh": [1, 0], "power_w": [1, 0], "gas_l": [5, 0]}
        dongle.ok("reading", values=values, time=T0 + 1)
        dongle.ok("reading", values=values, time=T0 + 2)
        watcher.wait(lambda w: len(w.of(CONFIG)) == 3)
        assert "gas_l" in json.loads(watcher.of(CONFIG)[-1].payload)["cmps"]
        dongle.ok("readings", count=1, time=T0 + 3)
        acknowledged(dongle, 4)
        assert len(watcher.of(CONFIG)) == 3


def test_discovery_can_be_off(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker, mqtt_discovery=False)
        dongle.ok("readings", count=1, time=T0)
        acknowledged(dongle, 1)
        watcher.wait_for(BASE + "/status")
        assert not watcher.of(CONFIG)


def test_goodbye_and_will(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker)
        watcher.wait_for(BASE + "/bridge", "online")
        dongle.ok("stop")
        watcher.wait_for(BASE + "/bridge", "offline")


def test_a_killed_dongle_is_offline(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker)
        watcher.wait_for(BASE + "/bridge", "online")
        dongle.kill()
        watcher.wait_for(BASE + "/bridge", "offline")


def test_a_silent_meter_is_offline_and_its_values_stay(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker, meter_timeout_s=1)
        watcher.wait_for(BASE + "/meter", "offline")  # nothing was heard yet
        dongle.ok("readings", count=1, time=T0)
        watcher.wait_for(BASE + "/meter", "online")
        watcher.wait(lambda w: [m.payload for m in w.of(BASE + "/meter")] == [b"offline", b"online", b"offline"])
        assert len(watcher.of(BASE + "/state")) == 1
        dongle.ok("readings", count=1, time=T0 + 1)
        watcher.wait(lambda w: len(w.of(BASE + "/meter")) == 4)


def test_the_live_interval_spares_the_network_and_loses_nothing(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker, mqtt_live_interval_s=1)
        connected(dongle)
        dongle.ok("feed", count=120, time=T0, every_ms=20)
        acknowledged(dongle, 120)
        watcher.settle()
        order, readings = delivered(watcher)
        assert set(readings) == set(range(1, 121)) and len(order) == 120
        assert len(watcher.of(BASE + "/state")) <= 5


def test_readings_without_a_time_wait_for_the_clock(broker, dongle):
    with Watcher(broker) as watcher:
        start(dongle, broker, utc=None)
        connected(dongle)
        now = dongle.ok("now")["now"]
        for n in range(3):
            dongle.ok("readings", count=1, time=now + n, source="uptime")
            watcher.wait(lambda w, n=n: len(w.of(BASE + "/state")) == n + 1)
        assert [json.loads(m.payload)["time"] for m in watcher.of(BASE + "/state")] == [None] * 3
        assert status(dongle, lambda s: s["acknowledged"] == 3)["backlog"] == 3
        assert not watcher.of(BASE + "/backlog")
        utc = T0 - dongle.ok("now")["now"] + now  # so that uptime `now` is T0, give or take a second
        assert dongle.ok("set_clock", utc=T0)["taken"] and utc
        acknowledged(dongle, 3)
        batch = json.loads(watcher.wait_for(BASE + "/backlog").payload)["readings"]
        assert [r["seq"] for r in batch] == [1, 2, 3]
        assert all(r["time"].startswith("2025-03-30T01:0") and r["time_source"] == "uptime" for r in batch)


def test_what_was_overwritten_is_told(broker, dongle):
    start(dongle, broker, capacity=50)
    connected(dongle)
    dongle.ok("readings", count=1, time=T0)
    status(dongle, lambda s: s["acknowledged"] == 1)
    broker.kill()
    status(dongle, lambda s: s["state"] != "connected")
    dongle.ok("readings", count=200, time=T0 + 1)
    broker.start()
    with Watcher(broker, BASE + "/backlog") as watcher:
        assert acknowledged(dongle, 201)["lost"] == 150
        batch = json.loads(watcher.wait_for(BASE + "/backlog").payload)
        assert batch["readings"][0]["seq"] == 152
        assert batch["missing"] == {"from": 2, "to": 151, "count": 150}


def test_the_journal_overwrites_and_says_so(broker, dongle):
    """What the firmware's own store had to give up is told as missing; everything after it arrives."""
    start(dongle, broker, journal_bytes=2048)
    connected(dongle)
    broker.kill()
    status(dongle, lambda s: s["state"] != "connected")
    dongle.ok("readings", count=3000, time=T0)
    broker.start()
    with Watcher(broker, BASE + "/#") as watcher:
        lost = acknowledged(dongle, 3000)["lost"]
        assert 0 < lost < 3000
        watcher.settle()
        found = set(delivered(watcher)[1])
        batches = [json.loads(m.payload) for m in watcher.of(BASE + "/backlog")]
        assert batches[0]["missing"] == {"from": 1, "to": lost, "count": lost}
        assert found == set(range(lost + 1, 3001))
