"""Every reading in order, in bounded memory: readings in, readings out by cursors; the oldest overwritten and counted.

History is whole numbers in the units of the vocabulary; `columns.DETAIL_IDS` (phases, voltages, ...) are kept every `detail_s`
seconds only. What the bytes mean is the encoder's and the decoder's business.
"""

from micropython import const

from bridge.reading.reading import UPTIME, Reading, Schemas
from bridge.store.decoder import Decoder
from bridge.store.encoder import Encoder

_BLOCK = const(1024)  # bytes: a first record takes 60 to 130, and overwriting drops a block whole: between the two
_SMALLEST = const(256)
_METERS = const(3)  # meters (by their ids and those of their sub-meters) with readings in one block; one more starts the next


class Journal:
    """`oldest`: sequence number of the oldest reading kept; `next`: the one that the next reading will have.

    `overwritten`: readings that gave way to newer ones since the start; `dropped`: readings that could not be kept at all; `undated`: whether there
    were readings before the clock was set. `archive`: Segments, where older readings are, or None. What is here is written there by others.
    Blocks are numbered for ever, those from `first` to `last` exist; block b lies in place b % places of `data`, a bytearray of
    `capacity_bytes` that may be given.
    """

    def __init__(self, capacity_bytes: int, detail_s: int = 60, data=None, archive=None):
        self._size = _BLOCK if capacity_bytes >= 4 * _BLOCK else max(_SMALLEST, capacity_bytes // 4)
        self._places = max(2, capacity_bytes // self._size)
        self.data = data or bytearray(self._places * self._size)
        self.archive = archive
        self.next = archive.next if archive else 1
        # By place: number of the first reading, how many there are, bytes written, meters.
        self._seqs = [self.next] * self._places
        self._counts = [0] * self._places
        self._lengths = [0] * self._places
        self._meters = [()] * self._places
        self.first = 0
        self.last = -1
        self.schemas = Schemas()
        self.overwritten = 0
        self.dropped = 0
        self.undated = False
        self._detail_s = detail_s
        self._detail_time = 0
        self._detail_source = -1
        self._encoder = Encoder()
        self._meter = None

    @property
    def oldest(self) -> int:
        oldest = self.next if self.last < self.first else self.first_seq(self.first)
        return min(oldest, self.archive.oldest) if self.archive else oldest

    @property
    def filling(self) -> bool:
        """Whether half of the room here is taken by what could be in the archive but is not."""
        block = self.last - (self._places >> 1)
        archive = self.archive
        return bool(archive) and block >= self.first and archive.next < self.end(block) and not archive.problem

    def append(self, reading: Reading) -> None:
        """Keeps a reading. Its number must be `next` or higher (then those between are missing); one that is lower is dropped."""
        seq = reading.seq
        if seq < self.next:
            self.dropped += 1
            return
        if reading.meter is not self._meter:
            self._renew(reading.meter)
        since = reading.time - self._detail_time
        details = reading.time_source != self._detail_source or not 0 <= since < self._detail_s
        if self.last < self.first or seq != self.next or not self._write(reading, details):
            self._open(seq)
            if not self._write(reading, details):
                self.dropped += 1
                details = False
                self._seqs[self.last % self._places] = seq + 1  # nothing is in the block
        if details:
            self._detail_time = reading.time
            self._detail_source = reading.time_source
            if reading.time_source == UPTIME:
                self.undated = True
        self.next = seq + 1

    def _renew(self, meter) -> None:
        """A meter with the same ids is the same: the newest stands for all its readings."""
        self._meter = meter
        for place in range(self._places):
            self._meters[place] = tuple([meter if _same(one, meter) else one for one in self._meters[place]])

    def _open(self, seq: int) -> None:
        """Starts a block whose first reading will be `seq`, in place of the oldest where there is no other."""
        if self.last < self.first or self._counts[self.last % self._places]:
            self.last += 1
        place = self.last % self._places
        if self.last - self.first == self._places:
            count = self._counts[place]
            if self.archive:
                begin, archive = self._seqs[place], self.archive
                count -= max(0, min(begin + count, archive.next) - max(begin, archive.oldest))
            self.overwritten += count
            self.first += 1
        self._seqs[place] = seq
        self._counts[place] = self._lengths[place] = 0
        self._meters[place] = ()
        self._encoder.open(self.view(self.last))

    def _write(self, reading: Reading, details: bool) -> bool:
        """Adds a record to the last block; False when there is no room."""
        place = self.last % self._places
        meters = self._meters[place]
        if reading.meter not in meters:
            if len(meters) == _METERS:
                return False
            meters += (reading.meter,)
        try:
            self._encoder.encode(reading, meters.index(reading.meter), details)
        except IndexError:
            return False
        self._meters[place] = meters
        self._lengths[place] = self._encoder.at
        self._counts[place] += 1
        return True

    def cursor(self, seq=None):
        """A cursor whose first reading is `seq`, by default the oldest."""
        return Cursor(self, self.oldest if seq is None else seq)

    def find(self, seq: int) -> int:
        """The block that holds `seq`, or the next one that holds anything later, or the last one."""
        for block in range(self.first, self.last):
            if self.end(block) > seq:
                return block
        return self.last

    def first_seq(self, block: int) -> int:
        """Sequence number of a block's first reading."""
        return self._seqs[block % self._places]

    def end(self, block: int) -> int:
        """Sequence number after a block's last reading."""
        return self._seqs[block % self._places] + self._counts[block % self._places]

    def length(self, block: int) -> int:
        """Bytes written to a block."""
        return self._lengths[block % self._places]

    def meters(self, block: int) -> tuple:
        """The meters of a block's readings."""
        return self._meters[block % self._places]

    def view(self, block: int):
        """All bytes of a block."""
        at = block % self._places * self._size
        return memoryview(self.data)[at : at + self._size]

    def erase(self) -> tuple:
        """Forgets all readings, here and in the archive; (files, bytes) that are gone there. Numbers go on."""
        self.first = self.last + 1
        for place in range(self._places):
            self._seqs[place] = self.next
            self._counts[place] = self._lengths[place] = 0
            self._meters[place] = ()
        gone = (0, 0)
        if self.archive:
            gone = self.archive.erase()
            self.archive.next = self.next
        return gone

    def bytes_used(self) -> int:
        """Bytes written to all blocks."""
        return sum(self._lengths)


class Cursor:
    """One consumer's place. `place`: the first reading it has not acknowledged, be it still kept or not."""

    def __init__(self, journal: Journal, seq: int):
        self._journal = journal
        self.place = min(seq, journal.next)
        self._lost = 0
        self._found = 0  # a batch began with it: between `next` then and this one nothing is kept
        # Where `next` is, and where the last batch ended: a batch that is acknowledged is not read twice. Made by the first batch.
        self._at = self._ahead = None

    @property
    def next(self) -> int:
        """The first reading not acknowledged that may still be kept."""
        return max(self.place, self._journal.oldest, self._found)

    @property
    def gap(self):
        """(from, to, count) of what is to come next but has been overwritten; None when nothing has."""
        count = self.next - self.place
        return (self.place, self.next - 1, count) if count else None

    @property
    def lost(self) -> int:
        """Readings that were overwritten before they were acknowledged."""
        return self._lost + self.next - self.place

    @property
    def backlog(self) -> int:
        """Readings that are not acknowledged."""
        return self._journal.next - self.next

    def batch(self, limit: int) -> list:
        """Up to `limit` readings from `next` on, oldest first, ending where one is missing; the cursor stays where it is."""
        if self._at is None:
            self._at, self._ahead = Decoder(self._journal), Decoder(self._journal)
        seq = self.next
        self._at.seek(seq)
        ahead = self._ahead
        ahead.copy(self._at)
        found = []
        while len(found) < limit and ahead.step():
            seq += 1
            if ahead.seq != seq:
                if found:
                    break
                seq = ahead.seq
                self._found = seq - 1
            found.append(ahead.reading())
        return found

    def ack(self, seq: int) -> None:
        """All up to and including `seq` have arrived. Numbers not given yet, or acknowledged before, do no harm."""
        seq = min(seq + 1, self._journal.next)
        if seq <= self.place:
            return
        self._lost += min(seq, self.next) - self.place
        self.place = seq
        if self._ahead is not None and self._ahead.seq == seq:
            self._at, self._ahead = self._ahead, self._at


def _same(one, meter) -> bool:
    return one.id == meter.id and one.gas_id == meter.gas_id and one.water_id == meter.water_id and one.heat_id == meter.heat_id
