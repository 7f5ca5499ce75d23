"""The whole firmware, compiled as for a board: a simulated meter on a line, and both HTTP sinks to a real server and a real database."""

import datetime

import pytest

from host_tools import build, meters, runtime
from host_tools.meters.play import Live, Player
from host_tools.simulation.dongle import Dongle
from host_tools.wire import PtyWire
from tests.http_servers import Answer, HttpServer, VictoriaMetrics, readings_of, victoria_metrics_missing

MISSING = victoria_metrics_missing()
HEAP = "512k"  # what the firmware may use is the memory ring's question


def unix(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")
def test_meter_to_json_and_to_the_database_through_refusals(tmp_path):
    meter = meters.make("p1-nl")
    line_file = tmp_path / "line.json"
    wire = PtyWire(meter.line, line_file=str(line_file))
    built = tmp_path / "firmware"
    build.build("sim", built)
    environment = {"MICROPYPATH": f"{built}:{runtime.BOARDS / 'sim'}:.frozen"}
    (tmp_path / "data").mkdir()
    with HttpServer([Answer(500)] * 2) as server, VictoriaMetrics(tmp_path / "data") as database:
        settings = {"wifi_ssid": "home", "wifi_password": "password", "ntp_server": "127.0.0.1:9",
                    "meter_line": str(meter.line), "meter_protocol": meter.protocol, "http_url": server.url, "http_interval_s": 0,
                    "influx_url": database.url + "/api/v2/write?org=o&bucket=b", "influx_interval_s": 0}  # fmt: skip
        dongle = Dongle(tmp_path / "dongle", wire.path, settings, line_file, heap=HEAP, main=built / "main.py", env=environment)
        try:
            with dongle, Player(Live(meter), wire):
                server.wait(lambda s: len(readings_of(s.requests)) >= 5, timeout=40)
        finally:
            wire.close()
        assert not dongle.crashes, list(dongle.log)
        readings = {r["seq"]: r for r in readings_of(server.requests)}
        assert sorted(readings) == list(range(1, max(readings) + 1)), "none was lost by two refusals"
        labels, points = database.export("meter_energy_import_wh")
        assert labels["meter_id"] == readings[1]["meter_id"]
        stored = {ms // 1000: value for ms, value in points}
        both = [r for r in readings.values() if unix(r["time"]) in stored]
        assert len(both) >= 4
        assert all(stored[unix(r["time"])] == r["energy_import_wh"] for r in both)
