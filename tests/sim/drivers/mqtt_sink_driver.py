"""Runs MqttSink on MicroPython with a store that a test fills: one JSON command per line in, one JSON answer per line out.

Events: {"state": ...} at each change of the sink's status, {"log": ...} for each line of the log, {"made": sequence number, "at": wall clock} for each reading of `feed`.
"""

import asyncio
import json
import time as wall

from commands import serve
from list_store import ListStore

from bridge.core.backoff import Backoff
from bridge.core.clock import Clock
from bridge.core.log import Log
from bridge.core.status import Status
from bridge.push import mqtt_client
from bridge.push.mqtt_sink import MqttSink
from bridge.push.sink import Context, Identity
from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, METER, UPTIME, Meter, Reading, Schemas
from bridge.store.journal import Journal
from bridge.store.keeper import Keeper
from bridge.store.segments import Segments
from bridge.store.store import Store

SETTINGS = {
    "device_name": "Test bridge", "meter_timeout_s": 60, "status_interval_s": 30, "mqtt_user": "", "mqtt_password": "",
    "mqtt_topic": "", "mqtt_ca": "", "mqtt_tls_verify": True, "mqtt_keepalive_s": 30, "mqtt_discovery": True,
    "mqtt_discovery_prefix": "homeassistant", "mqtt_live_interval_s": 0, "backlog_per_s": 10000, "mqtt_from": "oldest",
}  # fmt: skip
SOURCES = {"meter": METER, "bridge": BRIDGE, "uptime": UPTIME}


class Driver:
    def __init__(self):
        self.sink = self.task = self.store = self.clock = None
        self.schemas = Schemas()
        self.meter = Meter("E0000", "p1")

    async def start(self, settings, capacity=100000, answer_ms=None, utc=None, journal_bytes=None, first=1, saved=None, history=(), flash=None, flash_kb=256, boot=7):
        """`capacity`: readings in a store of our own, numbered from `first`, with the cursors that were `saved`; with `journal_bytes` the
        firmware's store instead, which goes on in the folder `flash`. `history`: calls of `readings` before the sink begins.
        """
        if answer_ms:
            mqtt_client.ANSWER_MS = mqtt_client.CONNECT_MS = answer_ms
        self.clock = Clock()
        if utc:
            self.clock.set(utc, "ntp")
        archive = Segments(flash, flash_kb * 1024, boot) if flash else None
        self.store = Store(Journal(journal_bytes, archive=archive)) if journal_bytes else ListStore(capacity, first, saved)
        for call in history:
            await self.readings(**call)
        self.store.live = None if history else self.store.live
        merged = dict(SETTINGS)
        merged.update(settings)
        log = Log(write=lambda line: print(json.dumps({"log": line})))
        status = Status()
        status.add("uptime_s", self.clock.uptime_s)
        status.add("meter", lambda: {"frames": self.store.next})
        status.add("wifi", {"rssi": -60})
        status.add("problems", [])
        self.sink = MqttSink("mqtt", Context(self.store, self.clock, log, merged, Identity("mb-a1b2c3", "0.1.0", "sim", boot), status.document))
        self.sink.backoff = Backoff(100, 300)
        self.task = asyncio.create_task(self.sink.run())
        asyncio.create_task(self._report())
        return {"key": list(self.store.cursors)[0]}

    async def _report(self):
        before = None
        while True:
            now = self.sink.status()
            now.pop("last_ack_age_s")
            if now != before:
                before = dict(now)
                print(json.dumps({"status": now}))
            await asyncio.sleep_ms(20)

    async def reading(self, values, time, source="meter", boot=0):
        """`values`: name to [integer, power of ten]."""
        form = bytearray(COUNT)
        ids = {quantity(name): pair for name, pair in values.items()}
        for key, pair in ids.items():
            form[key] = EXPONENT_ZERO + pair[1]
        schema = self.schemas.of(form)
        found = [ids[key][0] for key in schema.ids]
        seq = self.store.next
        reading = Reading(self.meter, seq, time, SOURCES[source], schema, found)
        if boot:
            reading.boot = boot
        self.store.append(reading)
        return {"seq": seq}

    async def readings(self, count, time, step=1, source="meter", boot=0):
        """`count` readings, `step` seconds apart, whose import counter is 1000 + their number."""
        first = self.store.next
        for n in range(count):
            await self.reading({"energy_import_wh": [(1000 + self.store.next) * 10 + 5, -1], "power_w": [500, 0]}, time + n * step, source, boot)
        return {"first": first, "last": self.store.next - 1}

    async def feed(self, count, time, every_ms):
        """Readings that keep coming in the background."""
        asyncio.create_task(self._feed(count, time, every_ms))
        return {}

    async def _feed(self, count, time, every_ms):
        for n in range(count):
            print(json.dumps({"made": self.store.next, "at": wall.time()}))
            await self.readings(1, time + n)
            await asyncio.sleep_ms(every_ms)

    async def drop(self, first, last):
        """These readings are kept no more."""
        self.store.drop(first, last)
        return {}

    async def save(self):
        """Writes to the flash what is not there yet."""
        Keeper(self.store, (), self.clock).save()
        return {"problem": self.store.journal.archive.problem}

    async def set_clock(self, utc):
        return {"taken": self.clock.set(utc, "ntp")}

    async def now(self):
        return {"now": self.clock.now()}

    async def stop(self):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass
        return {}


serve(Driver)
