"""Every reading in order, in bounded memory: readings in, readings out by cursors; the oldest overwritten and counted.

History is whole numbers in the units of the vocabulary; `columns.DETAIL_IDS` (phases, voltages, ...) are kept every `detail_s`
seconds only. Where the bytes lie is the Ring's business, what they mean that of the encoder and the decoder.
"""

from micropython import const

from bridge.reading.reading import Reading, Schemas
from bridge.store.decoder import Decoder
from bridge.store.encoder import Encoder
from bridge.store.ring import Ring

_METERS = const(8)  # meters (by their ids and those of their sub-meters) with readings in the ring at once


class Journal:
    """`oldest`: sequence number of the oldest reading kept; `next`: the one that the next reading will have.

    `overwritten`: readings that gave way to newer ones; `dropped`: readings that could not be kept at all.
    """

    def __init__(self, capacity_bytes: int, detail_s: int = 60):
        self.ring = Ring(capacity_bytes)
        self.meters = [None] * _METERS
        self.schemas = Schemas()
        self.next = 1
        self.overwritten = 0
        self.dropped = 0
        self._detail_s = detail_s
        self._detail_time = 0
        self._detail_source = -1
        self._record = bytearray(self.ring.block_bytes)
        self._encoder = Encoder(self._record)
        self._meter = 0

    @property
    def oldest(self) -> int:
        ring = self.ring
        return self.next if ring.last < 0 else ring.first_seq(ring.first)

    def append(self, reading: Reading) -> None:
        """Keeps a reading. Its number must be `next` or higher (then those between are missing); one that is lower is dropped."""
        if reading.seq < self.next:
            self.dropped += 1
            return
        ring = self.ring
        meter = self._meter_index(reading.meter, reading.seq)
        since = reading.time - self._detail_time
        details = reading.time_source != self._detail_source or not 0 <= since < self._detail_s
        if ring.last < 0 or reading.seq != self.next or not self._write(reading, meter, details):
            self._open(reading.seq)
            if not self._write(reading, meter, details):
                self.dropped += 1
                self._encoder.clear()  # nothing is in the block: the next record starts it
                ring.restart(reading.seq + 1)
                self.next = reading.seq + 1
                return
        if details:
            self._detail_time = reading.time
            self._detail_source = reading.time_source
        self.next = reading.seq + 1

    def cursor(self, seq=None):
        """A cursor whose first reading is `seq`, by default the oldest."""
        return Cursor(self, self.oldest if seq is None else seq)

    def _open(self, seq: int) -> None:
        self._encoder.clear()
        ring = self.ring
        if ring.last >= 0 and ring.end_seq(ring.last) == ring.first_seq(ring.last):
            ring.restart(seq)
        else:
            self.overwritten += ring.open(seq)

    def _write(self, reading: Reading, meter: int, details: bool) -> bool:
        try:
            length = self._encoder.encode(reading, meter, details)
        except IndexError:  # longer than a block
            return False
        return self.ring.write(self._record, length, meter)

    def _meter_index(self, meter, seq: int) -> int:
        """Where `meter` is in the table; what has the same ids is the same, the newest stands for all.

        A meter too many makes room for itself: the oldest blocks go until one of the others is in none.
        """
        meters = self.meters
        if meters[self._meter] is meter:
            return self._meter
        for index in range(_METERS):
            if _same(meters[index], meter):
                meters[index] = meter
                self._meter = index
                return index
        self._meter = self._free_index(seq)
        meters[self._meter] = meter
        return self._meter

    def _free_index(self, seq: int) -> int:
        ring = self.ring
        while True:
            used = ring.meters()
            for index in range(_METERS):
                if not used & 1 << index:
                    return index
            if ring.first == ring.last:
                self._open(seq)
            self.overwritten += ring.drop_first()


class Cursor:
    """One consumer's place. `next`: the first reading it has not acknowledged; `gap`: what it lost last, (from, to, count)."""

    def __init__(self, journal: Journal, seq: int):
        self._journal = journal
        self._next = min(seq, journal.next)
        self._lost = 0
        self.gap = None
        # Where `next` is, and where the last batch ended: a batch that is acknowledged is not read twice.
        self._at = Position(journal)
        self._ahead = Position(journal)

    @property
    def next(self) -> int:
        self._catch_up()
        return self._next

    @property
    def lost(self) -> int:
        """Readings that were overwritten before they were acknowledged."""
        self._catch_up()
        return self._lost

    @property
    def backlog(self) -> int:
        """Readings that are not acknowledged."""
        self._catch_up()
        return self._journal.next - self._next

    def batch(self, limit: int) -> list:
        """Up to `limit` readings from `next` on, oldest first; the cursor stays where it is."""
        self._catch_up()
        self._at.seek(self._next)
        ahead = self._ahead
        ahead.copy(self._at)
        found = []
        while len(found) < limit and ahead.step():
            found.append(ahead.reading())
        return found

    def ack(self, seq: int) -> None:
        """All up to and including `seq` have arrived. Numbers not given yet, or acknowledged before, do no harm."""
        self._catch_up()
        seq = min(seq + 1, self._journal.next)
        if seq <= self._next:
            return
        self._next = seq
        if self._ahead.seq == seq:
            self._at, self._ahead = self._ahead, self._at

    def _catch_up(self) -> None:
        """Jumps to the oldest reading when what came next has been overwritten."""
        oldest = self._journal.oldest
        if oldest > self._next:
            count = oldest - self._next
            self._lost += count
            self.gap = (self._next, oldest - 1, count)
            self._next = oldest


class Position:
    """A place between two readings of the journal. `seq`: the number of the reading behind it."""

    def __init__(self, journal: Journal):
        self._journal = journal
        self._decoder = Decoder(journal.ring.data, journal.schemas)
        self._block = -1
        self.seq = 0

    def copy(self, other) -> None:
        self._block = other._block
        self.seq = other.seq
        self._decoder.copy(other._decoder)

    def seek(self, seq: int) -> None:
        """Goes to `seq`; forward within a block it reads on, otherwise from the block's beginning."""
        ring = self._journal.ring
        if ring.last < 0 or self.seq == seq and self._block >= ring.first:
            return
        block = ring.find(seq)
        if block != self._block or seq < self.seq:
            self._enter(block)
        while self.seq < seq and self.step():
            pass

    def step(self) -> bool:
        """Passes one reading; False when there is none."""
        ring = self._journal.ring
        if self._block < ring.first:
            return False
        while self._decoder.at == ring.end(self._block):
            if self._block == ring.last:
                return False
            self._enter(self._block + 1)
        if self._decoder.at == ring.start(self._block):
            self.seq = ring.first_seq(self._block)
        self._decoder.step()
        self.seq += 1
        return True

    def reading(self) -> Reading:
        """The reading just passed."""
        return self._decoder.reading(self.seq - 1, self._journal.meters)

    def _enter(self, block: int) -> None:
        ring = self._journal.ring
        self._block = block
        self.seq = ring.first_seq(block)
        self._decoder.clear(ring.start(block))


def _same(kept, meter) -> bool:
    if kept is None:
        return False
    return kept.id == meter.id and kept.gas_id == meter.gas_id and kept.water_id == meter.water_id and kept.heat_id == meter.heat_id
