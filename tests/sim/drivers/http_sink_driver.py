"""Runs an HttpSink on MicroPython with readings made on command: one JSON command per line in (the methods of Driver), one answer out.

The store is a plain list that the test fills and cuts at will, or the firmware's own.
"""

import asyncio
import gc

from commands import serve

from bridge.config import table
from bridge.core.clock import Clock
from bridge.core.log import Log
from bridge.push.http_sink import HttpSink
from bridge.push.sink import Context, Identity
from bridge.reading import quantities
from bridge.reading.reading import EXPONENT_ZERO, Meter, Reading, Schemas
from bridge.store.journal import Journal
from bridge.store.store import Store


class ListStore:
    """Readings of sequence numbers oldest..next-1, all kept exactly. `cut(n)` overwrites the n oldest."""

    def __init__(self):
        self.readings = []
        self.oldest = 0
        self.live = None
        self._news = asyncio.Event()

    @property
    def next(self):
        return self.oldest + len(self.readings)

    def append(self, reading):
        self.readings.append(reading)
        self.live = reading
        self._news.set()

    async def wait(self, seq):
        while self.next <= seq:
            self._news.clear()
            await self._news.wait()

    def cut(self, count):
        self.readings = self.readings[count:]
        self.oldest += count

    def cursor(self, seq=None):
        return ListCursor(self)


class ListCursor:
    def __init__(self, store):
        self._store = store
        self._next = 0
        self._lost = 0

    def _move(self):
        gap = self._store.oldest - self._next
        if gap > 0:
            self._lost += gap
            self._next = self._store.oldest

    @property
    def next(self):
        self._move()
        return self._next

    @property
    def lost(self):
        self._move()
        return self._lost

    @property
    def backlog(self):
        return self._store.next - self.next

    def batch(self, limit):
        at = self.next - self._store.oldest
        return self._store.readings[at : at + limit]

    def ack(self, seq):
        self._next = max(self._next, seq + 1)


class Driver:
    def __init__(self):
        self.store = ListStore()
        self.clock = Clock()
        self.schemas = Schemas()
        self.meter = Meter(id="E0001")
        self.sink = None
        self.task = None
        self.log = Log(write=lambda line: None)

    async def open(self, name="http", slow_ms=None, backoff_ms=None, **settings):
        values = {row[0]: row[1] for row in table.SETTINGS}
        values.update(settings)
        identity = Identity("mb-a1b2c3", "0.1.0", "sim", 17)
        self.sink = HttpSink(name, Context(self.store, self.clock, self.log, values, identity, dict))
        if slow_ms is not None:
            self.sink.slow_ms = slow_ms
        if backoff_ms is not None:
            self.sink.backoff._first = self.sink.backoff._step = self.sink.backoff._last = backoff_ms
        self.task = asyncio.create_task(self.sink.run())
        return {}

    async def real_store(self, kb):
        """The firmware's own store from now on."""
        self.store = Store(Journal(kb * 1024, 60))
        return {}

    async def set_clock(self, utc):
        return {"taken": self.clock.set(utc, "ntp")}

    async def append(self, count=1, time=0, step=1, source=0, **values):
        """`count` readings from `time` on; a value is an integer or [integer, power of ten]; power_w rises by one each."""
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
            self.store.append(Reading(self.meter, seq, time + n * step, source, self.schemas.of(form), ordered))
            if n % 500 == 499:
                await asyncio.sleep_ms(0)
        return {"next": self.store.next}

    async def cut(self, count):
        self.store.cut(count)
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
