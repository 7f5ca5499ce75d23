"""Figures of delivery: from the telegram's last byte to the push, and how long six hours of 1 s readings take to deliver.

The backlog goes at the rate that the settings have when nobody changes them, while a new reading comes each second. What its readings cost
the chip is counted apart, from the journal on flash to the bytes of the batches, without the network's own work.
"""

import pathlib
import tempfile
import time
from collections.abc import Iterator

from bench import callgrind, samples
from tests.brokers import available, make_broker
from tests.http_servers import HttpServer
from tests.sim.mqtt_help import Driver

BACKLOG = 21600
JOURNAL = 128 * 1024  # holds the backlog: two changing values at 1 s take about 3 bytes each
START = 803_000_000  # seconds since 2000, in 2025
RATE = 480  # readings of the backlog per second: the setting's default
TIMEOUT_S = 120
GATHER_MS = 10  # at most so long a chunk waits in the UART before the reader fetches it (uart/reader.py)


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for protocol, (meter, _) in samples.SAMPLES.items():
            path = samples.write(meter, folder / protocol)
            count = callgrind.instructions("live.py", 64, protocol, str(path))
            milliseconds = round(callgrind.esp32_ms(count) + GATHER_MS, 1)
            yield f"live.latency.{protocol}.esp32_ms", milliseconds, "ms"
            if protocol == "p1":
                yield "live.latency.esp32_ms", milliseconds, "ms"
        for broker_name in available():
            seconds = backlog(broker_name, folder)
            yield f"backlog.{BACKLOG}.{broker_name}.seconds", seconds, "s"
            if broker_name == available()[-1]:
                yield f"backlog.{BACKLOG}.seconds", seconds, "s"
        yield f"backlog.{BACKLOG}.http.seconds", backlog_by_http(folder), "s"
    for sink in ("mqtt", "http", "influx"):
        milliseconds = callgrind.esp32_ms(callgrind.instructions("backlog.py", 100, sink, "flash"))
        yield f"backlog.reading.{sink}.esp32_ms", round(milliseconds, 2), "ms"
        yield f"backlog.{BACKLOG}.{sink}.esp32_s", round(milliseconds * BACKLOG / 1000, 1), "s"


def backlog(broker_name: str, folder: pathlib.Path) -> float:
    """Seconds of this computer from the connection until the broker has acknowledged all of the backlog."""
    settings = {"mqtt_discovery": False, "backlog_per_s": RATE}
    with make_broker(broker_name, folder) as broker, Driver("mqtt_sink_driver", folder, heap="8m") as driver:
        broker.kill()
        driver.ok("start", settings={"mqtt_url": broker.url, **settings}, journal_bytes=JOURNAL, utc=START + BACKLOG)
        last = driver.ok("readings", count=BACKLOG, time=START)["last"]
        broker.start()
        connected = driver.event(lambda event: event.get("status", {}).get("state") == "connected", TIMEOUT_S)
        started = time.monotonic()
        driver.ok("feed", count=TIMEOUT_S, time=START + BACKLOG, every_ms=1000)
        driver.event(lambda event: event.get("status", {}).get("backlog") == 0 and event["status"]["acknowledged"] > last, TIMEOUT_S)
        return _checked(started, connected["status"]["lost"])


def backlog_by_http(folder: pathlib.Path) -> float:
    """Seconds of this computer from the first request until the server has acknowledged all of the backlog."""
    with HttpServer() as server, Driver("http_sink_driver", folder, heap="8m") as driver:
        driver.ok("set_clock", utc=START + BACKLOG)
        driver.ok("real_store", kb=JOURNAL // 1024)
        driver.ok("append", count=BACKLOG, time=START, energy_import_wh=1000, power_w=0)
        driver.ok("open", http_url=server.url, http_interval_s=0, backlog_per_s=RATE)
        server.wait(lambda s: s.requests)
        started = time.monotonic()
        driver.ok("feed", count=TIMEOUT_S, time=START + BACKLOG, every_ms=1000, power_w=0)
        status = driver.ok("until", timeout=TIMEOUT_S, backlog=0)
        return _checked(started, status["lost"])


def _checked(started: float, lost: int) -> float:
    if lost:
        raise RuntimeError(f"{lost} readings did not fit the journal")
    return round(time.monotonic() - started, 2)
