"""Outages of hours, in virtual time: a server that answers 500, a broker that is gone; what arrives, and how soon after the end (seconds)."""

import contextlib
import time

import pytest

from host_tools import meters
from host_tools.simulation.virtual_run import VirtualDongle
from tests.brokers import available, make_broker
from tests.fault.bench_dongle import Owner
from tests.http_servers import Answer, HttpServer, readings_of

START = 1_767_261_600  # 2026-01-01 10:00 UTC
CADENCE_S = 10
OUTAGE_S = 3 * 3600
BEFORE_S = 120
RECOVERY_S = 60  # what the project promises
SILENT_S, LOOK_UP_MS = 1800, 7000
AFTER_S = 30  # until the run is over
END = START + BEFORE_S + OUTAGE_S
SETTINGS = {"wifi_ssid": "home", "wifi_password": "secret word", "meter_line": "115200 8N1 inverted", "meter_protocol": "p1",
            "journal_kb": 48, "mqtt_discovery": False, "status_interval_s": 60}  # fmt: skip


def telegrams(truths: dict):
    """Of a meter that speaks every 10 s; what each said is noted by its number."""
    meter = meters.make("p1-nl")
    for number, unix in enumerate(range(START + CADENCE_S, END + RECOVERY_S + AFTER_S + CADENCE_S, CADENCE_S), 1):
        yield unix, meter.telegram(unix)
        truths[number] = meter.truth()


@pytest.fixture
def dongle(tmp_path, firmware):
    """Makes a dongle whose truths are told by number."""
    with contextlib.ExitStack() as stack:

        def make(**settings):
            truths: dict = {}
            made = VirtualDongle(tmp_path / "dongle", firmware, {**SETTINGS, **settings}, START, telegrams(truths), coarse_ms=200)
            return stack.enter_context(made), truths

        yield make


def numbers(until: float) -> set[int]:
    """Of the readings made until then."""
    return set(range(1, (int(until) - START) // CADENCE_S + 1))


def test_a_server_that_answers_500_for_hours(dongle):
    with HttpServer() as server:
        made, truths = dongle(http_url=server.url, http_interval_s=10)
        there: list[set] = []

        def look() -> None:
            there.append({reading["seq"] for reading in readings_of(server.requests)})

        def fail() -> None:
            look()
            server.default = Answer(500)

        def mend() -> None:
            look()
            server.default = Answer(204)

        began = time.monotonic()
        made.at(START + BEFORE_S, fail)
        made.at(END, mend)
        made.at(END + RECOVERY_S, look)
        made.run(END + RECOVERY_S + AFTER_S)
        refused = sum(request.status == 500 for request in server.requests)
        print(f"{OUTAGE_S // 3600} h of refusals in {time.monotonic() - began:.1f} s: {len(there[2])} readings, {refused} requests refused")
        assert there[0] == there[1] >= numbers(START + BEFORE_S - CADENCE_S), "nothing arrives meanwhile"
        assert there[2] >= numbers(END), sorted(numbers(END) - there[2])[:10]
        assert OUTAGE_S / 60 < refused < OUTAGE_S / 20, "about once a minute"
        check(readings_of(server.requests), truths)


def test_a_broker_that_is_gone_for_hours(dongle, tmp_path):
    with make_broker(available()[-1], tmp_path) as broker, Owner(broker) as owner:
        made, truths = dongle(mqtt_url=broker.url)
        there: list[set] = []

        def look() -> None:
            owner.settle()
            there.append({seq for _, seq in owner.arrived})

        def come_back() -> None:
            subscriptions = owner.subscriptions
            broker.start()
            owner.wait(lambda o: o.subscriptions > subscriptions)
            there.append({seq for _, seq in owner.arrived})

        began = time.monotonic()
        made.at(START + BEFORE_S, lambda: (look(), broker.kill()))
        made.at(END, come_back)
        made.at(END + RECOVERY_S, look)
        made.run(END + RECOVERY_S + AFTER_S)
        print(f"{OUTAGE_S // 3600} h without a broker in {time.monotonic() - began:.1f} s: {len(there[2])} readings")
        assert there[0] == there[1]
        assert there[2] >= numbers(END), sorted(numbers(END) - there[2])[:10]
        assert not owner.missing
        check([reading for arrivals in owner.arrived.values() for _, reading, _ in arrivals], truths)


def test_a_start_while_no_name_server_answers(dongle, tmp_path):
    """Each look-up stops the program for 7 s, as on the chip: it is done seldom enough that nearly all of the meter is heard."""
    with make_broker(available()[-1], tmp_path) as broker, Owner(broker) as owner:
        made, truths = dongle(mqtt_url=f"mqtt://broker.home:{broker.port}", http_url="http://server.home:9")
        made.set_wifi(dns=False, dns_ms=LOOK_UP_MS, hosts={"broker.home": broker.host, "server.home": broker.host})
        end = START + SILENT_S
        made.at(end, lambda: made.set_wifi(dns=True))
        made.run(end + RECOVERY_S + AFTER_S)
        owner.settle()
        assert not made.unasked, "the watchdog has nothing to do"
        made_then = (SILENT_S + RECOVERY_S) // CADENCE_S
        times = {reading["time"] for arrivals in owner.arrived.values() for _, reading, _ in arrivals}
        heard = sum(truths[number]["time"] in times for number in range(1, made_then + 1))
        print(f"{SILENT_S} s without a name server: {heard} of {made_then} readings")
        assert heard >= made_then * 0.97


def check(readings: list[dict], truths: dict) -> None:
    """Each says what the meter said, and when."""
    for reading in readings:
        truth = truths[reading["seq"]]
        for name in ("time", "energy_import_t1_wh", "energy_import_t2_wh", "energy_export_t1_wh"):
            assert reading[name] == truth[name], (name, reading, truth)
