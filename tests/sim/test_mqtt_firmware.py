"""The whole firmware, compiled as for a board: a simulated meter on a line, MQTT over TLS to a real broker that is killed on the way."""

import json
import shutil

import pytest

from host_tools import build, meters, runtime
from host_tools.certificates import Authority
from host_tools.meters.play import Live, Player
from host_tools.simulation.dongle import Dongle
from host_tools.wire import PtyWire
from tests.brokers import available, make_broker
from tests.sim.mqtt_help import Watcher

HEAP = "512k"  # what the firmware may use is the memory ring's question


def payloads(watcher, ending):
    return [json.loads(m.payload) for m in watcher.messages if m.topic.endswith(ending)]


def delivered(watcher):
    found = {r["seq"]: r for r in payloads(watcher, "/state")}
    for batch in payloads(watcher, "/backlog"):
        found.update({r["seq"]: r for r in batch["readings"]})
    return found


@pytest.mark.parametrize("name", available())
def test_meter_to_broker_and_home_assistant_through_a_crash(name, tmp_path):
    meter = meters.make("p1-nl")
    line_file = tmp_path / "line.json"
    wire = PtyWire(meter.line, line_file=str(line_file))
    built = tmp_path / "firmware"
    build.build("sim", built)
    environment = {"MICROPYPATH": f"{built}:{runtime.BOARDS / 'sim'}:.frozen"}
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "localhost")
    flash = tmp_path / "dongle" / "flash"
    flash.mkdir(parents=True)
    shutil.copy(authority.der, flash / "ca.der")
    with make_broker(name, tmp_path, certificate=certificate, key=key, host="localhost", user="dongle", password="p w") as broker:
        settings = {"wifi_ssid": "home", "wifi_password": "password", "ntp_server": "127.0.0.1:9", "status_interval_s": 1,
                    "meter_protocol": "p1", "meter_line": str(meter.line),
                    "mqtt_url": broker.url, "mqtt_ca": "ca.der", "mqtt_user": "dongle", "mqtt_password": "p w"}  # fmt: skip
        dongle = Dongle(tmp_path / "dongle", wire.path, settings, line_file, heap=HEAP, main=built / "main.py", env=environment)
        login = {"user": "dongle", "password": "p w", "ca": authority.pem}
        try:
            with dongle, Player(Live(meter), wire):
                with Watcher(broker, "#", **login) as watcher:
                    watcher.wait(lambda w: len(payloads(w, "/state")) >= 3, timeout=15)
                    watcher.wait(lambda w: payloads(w, "/profile"), timeout=15)
                    profile = payloads(watcher, "/profile")[-1]
                    first = max(delivered(watcher))
                    config = payloads(watcher, "/config")[-1]
                broker.kill()
                dongle.wait_for("warning mqtt:", 20)
                broker.start()
                with Watcher(broker, "#", **login) as watcher:
                    watcher.wait(lambda w: len(payloads(w, "/state")) >= 3, timeout=90)
                    watcher.wait(lambda w: payloads(w, "/status") and payloads(w, "/status")[-1]["sinks"]["mqtt"]["backlog"] == 0)
                    after = delivered(watcher)
                    status = payloads(watcher, "/status")[-1]
        finally:
            wire.close()
    assert not dongle.crashes, list(dongle.log)
    assert status["sinks"]["mqtt"]["lost"] == 0
    # A first reading may have reached the broker's memory alone before it died; the ones behind it are all there.
    assert set(after) >= set(range(first + 2, max(after) + 1))
    counters = [after[seq]["energy_import_wh"] for seq in sorted(after)]
    assert counters == sorted(counters), "a counter never falls"
    sent = {name for reading in after.values() for name in reading}
    assert {key for key, c in config["cmps"].items() if "stat_t" not in c and key != "last_reading"} <= sent
    assert set(profile) == {"quarter", "last_quarter", "month_peak"} and profile["quarter"]["end"] > profile["quarter"]["start"]
    assert config["cmps"]["forecast"]["stat_t"].endswith("/profile")
    assert "p w" not in "".join(dongle.log)
