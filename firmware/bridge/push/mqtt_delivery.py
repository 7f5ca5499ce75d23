"""Which reading goes to the broker next, and what the broker has: the store's readings in, publishes out; one object per connection.

The newest reading goes first, to <base>/state. What was not delivered goes in batches, oldest first, to <base>/backlog. Nothing is
waited for: acknowledgements are collected by `settle`, several publishes are on their way at once.
"""

import time

from micropython import const

from bridge.push.payload import batch_pieces, state_json, time_of
from bridge.push.sequences import Sequences

# A batch is a piece per reading, sent one after the other: this much together is had from a heap that is nearly full.
_BATCH_BYTES = const(3000)
_FIRST_BATCH = const(8)  # readings; the next batches follow from the size of this one
_MOST_IN_BATCH = const(40)
# Fewer than the client's window, so that the newest reading always finds a place.
_BACKLOG_IN_FLIGHT = const(5)


class Delivered:
    """What the broker has, kept from one connection to the next. `next`: the first reading that it may lack."""

    def __init__(self, first: int):
        self.next = first
        self.ahead = Sequences()  # acknowledged, beyond `next`

    def add(self, first: int, last: int) -> int:
        """Notes first..last; returns `next`, which moves over all that is complete."""
        self.ahead.add(first, last)
        self.next = self.ahead.missing(self.next)
        self.ahead.forget_below(self.next)
        return self.next


class Delivery:
    """`sink`: whose cursor moves; `delivered`: its Delivered; `base`: the topics' start; `live_interval_ms`: between two live readings."""

    def __init__(self, sink, client, delivered: Delivered, base: str, live_interval_ms: int):
        self._sink = sink
        self._context = sink.context
        self._store = sink.context.store
        self._client = client
        self._delivered = delivered
        self._state_topic = base + "/state"
        self._backlog_topic = base + "/backlog"
        self._interval = live_interval_ms
        self._sent = Sequences(delivered.ahead)  # acknowledged or on its way
        self._pending = []  # (packet id, first, last); first is None where a live reading had no time yet
        self._reader = None  # reads ahead of the sink's own cursor
        self._live = -1  # sequence number of the last reading sent live
        self._live_ms = 0
        self._limit = _FIRST_BATCH
        self._undated = False  # the backlog begins with a reading whose time cannot be told yet
        self.repeat_live = False  # somebody asks for the state once more

    def live_due(self) -> bool:
        """Whether there is a newer reading than the last one sent, and its turn has come."""
        newest = self._store.live
        if newest is None:
            return False
        if self._live < 0 or self.repeat_live:
            return True
        return newest.seq > self._live and time.ticks_diff(time.ticks_ms(), self._live_ms) >= self._interval

    async def send_live(self) -> None:
        """Publishes the newest reading, retained. One without a time yet counts as not delivered: it stays in the backlog."""
        newest = self._store.live
        dated = time_of(newest, self._context.clock) is not None
        first = newest.seq
        self.repeat_live = False
        self._live = first
        self._live_ms = time.ticks_ms()
        if dated:
            self._sent.add(first, first)
        packet_id = await self._client.publish(self._state_topic, state_json(newest, self._context), 1, True)
        self._pending.append((packet_id, first if dated else None, first))

    def backlog_due(self) -> bool:
        """Whether an older reading than the last live one was not sent, its time is known, and the way is not full."""
        if self._client.in_flight >= _BACKLOG_IN_FLIGHT or (self._undated and not self._context.clock.synced):
            return False
        return self._first() < self._end()

    def _first(self) -> int:
        return self._sent.missing(self._delivered.next)

    def _end(self) -> int:
        """One behind the last reading that is backlog: newer ones than the last live one wait for their own turn."""
        return self._store.next if self._store.live is None else self._live + 1

    async def send_batch(self) -> None:
        """Publishes the oldest readings that were not sent."""
        first = self._first()
        stop = self._sent.next_after(first) or self._end()
        readings = self._read(first, min(stop - first, self._limit))
        if not readings or readings[0].seq >= stop:
            self._overwritten(first, stop)
            return
        readings = self._dated(readings, stop)
        self._undated = not readings
        if self._undated:
            return
        begin, last = readings[0].seq, readings[-1].seq
        missing = (first, begin - 1, begin - first) if begin > first else None
        pieces = batch_pieces(readings, self._context, True, missing)
        size = sum([len(piece) for piece in pieces])
        self._limit = max(1, min(_MOST_IN_BATCH, len(readings) * _BATCH_BYTES // size))
        self._sent.add(first, last)
        self._pending.append((await self._client.publish(self._backlog_topic, (size, pieces)), first, last))

    def _read(self, first: int, count: int) -> list:
        if self._reader is None or self._reader.next > first:
            self._reader = self._store.cursor(first)
        elif self._reader.next < first:
            self._reader.ack(first - 1)
        return self._reader.batch(count)

    def _dated(self, readings: list, stop: int) -> list:
        """The readings from the first on whose time is known, none of them from `stop` on."""
        for index, reading in enumerate(readings):
            if reading.seq >= stop or time_of(reading, self._context.clock) is None:
                return readings[:index]
        return readings

    def _overwritten(self, first: int, stop: int) -> None:
        """All of first..stop-1 has gone from the store; the sink's cursor counts them as lost."""
        self._sent.add(first, stop - 1)
        self._settled(first, stop - 1)

    def settle(self) -> None:
        """Collects the broker's acknowledgements."""
        for entry in [e for e in self._pending if self._client.is_acknowledged(e[0])]:
            self._pending.remove(entry)
            if entry[1] is None:
                self._sink.delivered(entry[2])
            else:
                self._settled(entry[1], entry[2])

    def _settled(self, first: int, last: int) -> None:
        done = self._delivered.add(first, last)
        self._sent.forget_below(done)
        if done > self._sink.cursor.next:
            self._sink.acknowledge(done - 1)
        self._sink.delivered(last)

    @property
    def waiting(self) -> bool:
        """Whether an acknowledgement is outstanding."""
        return bool(self._pending)
