"""Runs an HttpSink on MicroPython with readings made on command: one JSON command per line in (the methods of Driver), one answer out.

The store is a plain list that the test fills and makes holes in at will, or the firmware's own. Events: {"made": sequence number, "at": wall
clock} for each reading of `feed`.
"""

import asyncio
import gc
import json
import time as wall

from commands import serve
from list_store import ListStore

from bridge.config import table
from bridge.core.clock import Clock
from bridge.core.log import Log
from bridge.push.http_sink import HttpSink
from bridge.push.sink import Context, Identity
from bridge.reading import quantities
from bridge.reading.reading import EXPONENT_ZERO, Meter, Reading, Schemas
from bridge.store.journal import Journal
from bridge.store.keeper import Keeper
from bridge.store.segments import Segments
from bridge.store.store import Store


class Driver:
    def __init__(self):
        self.store = ListStore(first=0)
        self.boot = 17
        self.clock = Clock()
        self.schemas = Schemas()
        self.meter = Meter(id="E0001")
        self.sink = None
        self.task = None
        self.log = Log(write=lambda line: None)

    async def open(self, name="http", slow_ms=None, backoff_ms=None, **settings):
        values = {row[0]: row[1] for row in table.SETTINGS}
        values["backlog_per_s"] = 10000
        values.update(settings)
        identity = Identity("mb-a1b2c3", "0.1.0", "sim", self.boot)
        self.sink = HttpSink(name, Context(self.store, self.clock, self.log, values, identity, dict))
        if slow_ms is not None:
            self.sink.slow_ms = slow_ms
        if backoff_ms is not None:
            self.sink.backoff._first = self.sink.backoff._step = self.sink.backoff._last = backoff_ms
        self.task = asyncio.create_task(self.sink.run())
        return {}

    async def real_store(self, kb, flash=None, flash_kb=256, boot=17):
        """The firmware's own store from now on, which goes on in the folder `flash`."""
        self.boot = boot
        self.store = Store(Journal(kb * 1024, 60, archive=Segments(flash, flash_kb * 1024, boot) if flash else None))
        return {}

    async def save(self):
        """Writes to the flash what is not there yet."""
        Keeper(self.store, (), self.clock).save()
        return {"problem": self.store.journal.archive.problem}

    async def set_clock(self, utc):
        return {"taken": self.clock.set(utc, "ntp")}

    async def append(self, count=1, time=0, step=1, source=0, boot=0, **values):
        """`count` readings from `time` on, of an earlier start if `boot`; a value is an integer or [integer, power of ten]; power_w rises by one each."""
        for n in range(count):
            form = bytearray(quantities.COUNT)
            by_id = {}
            for name, value in values.items():
                number, exponent = value if isinstance(value, list) else (value, 0)
                id = quantities.quantity(name)
                form[id] = EXPONENT_ZERO + exponent
                by_id[id] = number + n if name == "power_w" else number
            seq = self.store.next
            ordered = [by_id[id] for id in sorted(by_id)]
            reading = Reading(self.meter, seq, time + n * step, source, self.schemas.of(form), ordered)
            if boot:
                reading.boot = boot
            self.store.append(reading)
            if n % 500 == 499:
                await asyncio.sleep_ms(0)
        return {"next": self.store.next}

    async def feed(self, count, time, every_ms, **values):
        """Readings that keep coming in the background."""
        asyncio.create_task(self._feed(count, time, every_ms, values))
        return {}

    async def _feed(self, count, time, every_ms, values):
        for n in range(count):
            print(json.dumps({"made": self.store.next, "at": wall.time()}))
            await self.append(time=time + n, **values)
            await asyncio.sleep_ms(every_ms)

    async def drop(self, first, last):
        """These readings are kept no more."""
        self.store.drop(first, last)
        return {}

    async def state(self):
        gc.collect()
        result = self.sink.status()
        result.update({"log": self.log.lines(), "heap": gc.mem_alloc(), "died": self.task.done()})
        return result

    async def until(self, **wanted):
        """Waits until the sink's status has these values."""
        while True:
            status = self.sink.status()
            if all(status[name] == value for name, value in wanted.items()):
                return status
            await asyncio.sleep_ms(5)

    async def until_error(self, words):
        while words not in self.sink.last_error:
            await asyncio.sleep_ms(5)
        return self.sink.status()


serve(Driver)
