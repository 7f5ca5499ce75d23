"""The sink "influx" against a real time-series database (VictoriaMetrics): values and times are read back as the meter had them."""

import datetime

import pytest

from tests.http_servers import Answer, HttpServer, VictoriaMetrics, victoria_metrics_missing
from tests.sim.mqtt_help import Driver

MISSING = victoria_metrics_missing()
needs_database = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")

START = 733_622_400  # 2023-04-01T00:00:00Z in seconds since 2000: old readings must arrive at their own time
START_MS = int(datetime.datetime(2023, 4, 1, tzinfo=datetime.timezone.utc).timestamp() * 1000)
LABELS = {"device": "mb-a1b2c3", "meter_id": "E0001"}


@pytest.fixture
def sink(tmp_path):
    with Driver("http_sink_driver", tmp_path, heap="1m") as driver:
        driver.ok("set_clock", utc=840_000_000)
        yield driver


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with VictoriaMetrics(tmp_path_factory.mktemp("database")) as running:
        yield running


def test_the_test_counts_time_as_the_calendar_does():
    start = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=START)
    assert start.timestamp() * 1000 == START_MS


@needs_database
@pytest.mark.parametrize("path", ["/write", "/write?db=home&precision=s", "/api/v2/write?org=me&bucket=home", "/api/v2/write?precision=ms"])
def test_values_and_times_come_back(sink, tmp_path, path):
    with VictoriaMetrics(tmp_path) as database:
        sink.ok("append", count=50, time=START, step=10, power_w=-20, energy_import_wh=[123456789, -1], tariff=2)
        sink.ok("open", name="influx", influx_url=database.url + path)
        sink.ok("until", backlog=0, acknowledged=49)
        labels, points = database.export("meter_power_w")
        assert {name: labels[name] for name in LABELS} == LABELS
        assert points == [(START_MS + n * 10_000, n - 20) for n in range(50)]
        assert database.export("meter_energy_import_wh")[1] == [(START_MS + n * 10_000, 12345678.9) for n in range(50)]
        assert database.export("meter_tariff")[1][0] == (START_MS, 2)


@needs_database
def test_gas_is_at_its_own_time(sink, tmp_path):
    with VictoriaMetrics(tmp_path) as database:
        for hour in range(3):
            sink.ok("append", count=5, time=START + hour * 3600 + 300, power_w=1, gas_l=5000 + hour, gas_time=START + hour * 3600)
        sink.ok("open", name="influx", influx_url=database.url + "/write")
        sink.ok("until", backlog=0)
        assert database.export("meter_gas_l")[1] == [(START_MS + hour * 3_600_000, 5000 + hour) for hour in range(3)]
        assert len(database.export("meter_power_w")[1]) == 15


@needs_database
def test_outage_of_the_database_loses_nothing(sink, tmp_path):
    database = VictoriaMetrics(tmp_path)
    with database:
        sink.ok("append", count=10, time=START, power_w=0)
        sink.ok("open", name="influx", influx_url=database.url + "/write", influx_interval_s=0, backoff_ms=50)
        sink.ok("until", backlog=0)
        database.export("meter_power_w")  # what was written is on its disk
    sink.ok("append", count=300, time=START + 10, power_w=10)
    sink.ok("until_error", words="refused")
    with database:
        sink.ok("until", backlog=0)
        assert database.export("meter_power_w")[1] == [(START_MS + n * 1000, n) for n in range(310)]


@needs_database
def test_a_refused_path_is_shown(sink, database):
    sink.ok("append", time=START, power_w=1)
    sink.ok("open", name="influx", influx_url=database.url + "/nothing-here")
    status = sink.ok("until_error", words="40")
    assert status["backlog"] == 1 and "nothing-here" in status["last_error"], status


def test_token_is_sent_as_influxdb_wants_it(sink):
    with HttpServer() as server:
        sink.ok("append", time=START, power_w=1)
        sink.ok("open", name="influx", influx_url=server.url + "/api/v2/write?bucket=b", influx_token="abc==")
        [request] = server.wait(lambda s: s.requests)
        assert request.headers["Authorization"] == "Token abc=="
        assert request.path == "/api/v2/write?bucket=b"
        assert request.body.decode() == f"meter,device=mb-a1b2c3,meter_id=E0001 power_w=1 {START_MS}000000\n"


def test_gas_of_a_failed_request_is_sent_again_and_then_no_more(sink):
    with HttpServer([Answer(500)]) as server:
        sink.ok("append", time=START + 60, power_w=1, gas_l=5, gas_time=START)
        sink.ok("open", name="influx", influx_url=server.url, influx_interval_s=0, backoff_ms=10)
        sink.ok("until", backlog=0)
        sink.ok("append", time=START + 61, power_w=2, gas_l=5, gas_time=START)
        sink.ok("until", backlog=0, acknowledged=1)
        server.wait(lambda s: len(s.requests) == 3)  # noted when the answer is out
        assert [b"gas_l=5 " in request.body for request in server.requests] == [True, True, False]
