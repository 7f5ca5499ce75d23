"""Which reading goes to the broker next: the store's readings in, publishes out.

The newest reading goes first, to <base>/state. What was not delivered goes in batches, oldest first, to <base>/backlog, as fast as the
owner allows; a batch ends where readings are missing, and the next one says so. Nothing is waited for: acknowledgements are collected by
`settle`, several publishes are on their way at once.
"""

import time

from micropython import const

from bridge.push.payload import batch_head, reading_pieces, state_pieces, time_of
from bridge.push.sequences import Sequences
from bridge.push.sink import Sink

# A batch is in small pieces, sent one after the other: this much together is had from a heap that is nearly full.
_BATCH_BYTES = const(2048)
_FIRST_BATCH = const(3)  # readings; the next batches follow from the size of this one
_MOST_IN_BATCH = const(40)
# Fewer than the client's window, so that the newest reading always finds a place.
_BACKLOG_IN_FLIGHT = const(5)


def sized(pieces: list) -> tuple:
    """(bytes of all of them, the pieces), as the client takes a payload."""
    size = 0
    for piece in pieces:
        size += len(piece)
    return size, pieces


class Delivery(Sink):
    """A sink's readings on the way to a broker. `base`: the topics' start; `client`: of the present connection."""

    def __init__(self, name: str, context):
        super().__init__(name, context)
        self.base = context.settings.get("mqtt_topic") or "meterbridge/" + context.identity.device
        self.sequences = Sequences(self.cursor.place)
        self.begin(None)

    def begin(self, client) -> None:
        """A new connection: what was on its way on the last one is sent again."""
        self.client = client
        self.sequences.forget()
        self._reader = None  # reads ahead of the sink's own cursor
        self._live = -1  # sequence number of the last reading sent live
        self._live_ms = 0
        self._limit = _FIRST_BATCH
        self._count = 0  # readings in the last batch
        self._undated = False  # the backlog begins with a reading whose time cannot be told yet

    def live(self):
        """The newest reading for `send`, to be retained, if its turn has come. One without a time yet counts as not delivered."""
        newest = self.context.store.live
        if newest is None:
            return None
        seq = newest.seq
        now = time.ticks_ms()
        if self._live >= 0:
            interval = self.context.settings.get("mqtt_live_interval_s") * 1000
            if seq <= self._live or time.ticks_diff(now, self._live_ms) < interval:
                return None
        self._live = seq
        self._live_ms = now
        dated = time_of(newest, self.context.clock) is not None
        return "/state", state_pieces(newest, self.context), True, seq, seq if dated else seq - 1

    async def send(self, topic: str, pieces: list, retain: bool, first: int, last: int) -> None:
        """Publishes below `base`; the broker's acknowledgement is that of the readings first..last."""
        payload = sized(pieces)
        if not retain:
            self._limit = max(1, min(_MOST_IN_BATCH, self._count * _BATCH_BYTES // payload[0]))
        packet_id = await self.client.publish(self.base + topic, payload, 1, retain)
        self.sequences.add(first, last, packet_id)

    def batch(self):
        """The oldest readings that were not sent for `send`, if any may be: their time is known and the way is not full."""
        context = self.context
        if len(self.client.waiting) >= _BACKLOG_IN_FLIGHT or self.pause() or (self._undated and not context.clock.synced):
            return None
        # Newer readings than the last live one wait for their own turn.
        first, stop = self.sequences.gap(context.store.next if context.store.live is None else self._live + 1)
        if first >= stop:
            return None
        if self._reader is None or self._reader.place > first:
            self._reader = context.store.cursor(None, first)
        else:
            self._reader.ack(first - 1)
        begin = end = stop
        pieces = []
        for reading in self._reader.batch(min(stop - first, self._limit, self.rate)):
            seq = reading.seq
            if seq >= stop:
                break
            if time_of(reading, context.clock) is None and not reading.boot:
                if not pieces:
                    self._undated = True
                    return None
                break
            if not pieces:
                begin = seq
            end = seq + 1
            pieces.append(b",")
            pieces.extend(reading_pieces(reading, context))
            pieces[-1] += b"}"
        self._undated = False
        self._count = end - begin
        self.pace(self._count)
        # For the first comma; without readings all of them have gone from the store.
        pieces[:1] = [batch_head(context, True, self.missing(first, begin))]
        pieces.append(b"]}")
        return "/backlog", pieces, False, first, end - 1

    def settle(self) -> None:
        """Collects the broker's acknowledgements."""
        newest = self.sequences.settle(self.client.waiting)
        if newest >= 0:
            self._settled(newest)

    def _settled(self, newest: int) -> None:
        done = self.sequences.next
        if done > self.cursor.place:
            self.acknowledge(done - 1)
        self.delivered(newest)

    @property
    def outstanding(self) -> bool:
        """Whether the broker has not acknowledged all that was sent."""
        for entry in self.sequences.ranges:
            if entry[2]:
                return True
        return False
