"""Records of the journal's blocks in (see `records` for their bytes), readings out."""

from micropython import const

from bridge.reading.quantities import COUNT
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, UPTIME, Reading
from bridge.store.records import RANK, WORK, State

_TIME, _ORIGIN, _COLUMNS, _MAIN, _DETAILS = const(1), const(2), const(4), const(8), const(16)
_HEAD = const(224)
_ENERGIES = const(10)  # ids below are counters of energy
_MOST = const(44)  # of a column's form: more than 10^12 of a unit is nonsense
_LATEST = const(0xFFFFFFFF)  # seconds, in the year 2136
# What makes a place, beside `value` and `present`.
_PLACE = ("form", "ids", "main", "moved", "derived", "time", "every", "odd", "source", "meter", "block", "found", "bytes", "at", "seq", "detailed", "schema", "schema_detailed")


class Decoder(State):
    """A place between two readings of the journal. `seq`: the number of the reading behind it."""

    def __init__(self, journal):
        super().__init__()
        self.journal = journal
        self.block = -1  # in RAM
        self.found = None  # the block as the archive gave it, when it is not in RAM
        self.bytes = None  # of the block
        self.at = 0  # offset in the block
        self.seq = 0
        self.detailed = 0  # whether the record just passed has details
        # Of readings without and with them; None where what is present has changed since one was made.
        self.schema = self.schema_detailed = None

    def copy(self, other) -> None:
        """Becomes as `other` is."""
        self.value[:] = other.value
        self.present[:] = other.present
        for name in _PLACE:
            setattr(self, name, getattr(other, name))

    def seek(self, seq: int) -> None:
        """Goes to `seq`; forward within a block it reads on, otherwise from the block's beginning."""
        journal, found = self.journal, self.found
        if self.seq == seq and (found or self.block >= journal.first):
            return
        inside = self.seq <= seq < found[2] if found else self.seq <= seq and journal.first <= self.block == journal.find(seq)
        if not inside and not self._enter(seq):
            self.block = -1
            self.found = None
        while self.seq < seq and self.step():
            pass

    def _enter(self, seq: int) -> bool:
        """Goes to the beginning of the block that holds `seq`, or of the next later one; False when there is none."""
        journal = self.journal
        block = journal.find(seq)
        first = journal.first_seq(block)
        found = None
        if journal.archive and (seq < first or block < journal.first):
            found = journal.archive.load(seq, self.found)
            if found and found[1] >= first and block >= journal.first:
                found = None
        if found:
            block = -1
            self.bytes, first = found[0], found[1]
        elif block < journal.first:
            return False
        else:
            self.bytes = journal.view(block)
        self.clear()
        self.block = block
        self.found = found
        self.at = 0
        self.seq = first
        self.schema = self.schema_detailed = None
        return True

    def step(self) -> bool:
        """Passes one reading; False when there is none."""
        journal = self.journal
        seq = self.seq
        while True:
            found = self.found
            if found:
                if self.at < found[3] and self._believed():
                    if self.seq > seq:
                        return True
                elif not self._enter(found[2]):
                    return False
            elif self.block < journal.first:
                return False
            elif self.at < journal.length(self.block):
                if not self.at:
                    self.seq = journal.first_seq(self.block)
                self._record()
                if self.seq > seq:  # a block that is on flash twice, or there in part, begins before
                    return True
            elif self.block == journal.last:
                return False
            else:
                self._enter(journal.first_seq(self.block + 1))

    def _believed(self) -> bool:
        """Passes a reading of flash, where anything may be written; False when that cannot be one."""
        found = self.found
        try:
            self._record()
        except (IndexError, ValueError):
            return False
        return self.seq <= found[2] and self.meter < len(found[6]) and self.source <= UPTIME and 0 <= self.time <= _LATEST

    def _record(self) -> None:
        self.seq += 1
        control = self.bytes[self.at]
        drift = self.detailed = 0
        if control < _HEAD:
            control = 0
        else:
            self.at += 1
            self.detailed = control & _DETAILS
            if control & _TIME:
                drift = self._signed()
            if control & _ORIGIN:
                self.source = self._varint()
                self.meter = self._varint()
            if control & _COLUMNS:
                self._read_columns()
        value = self.value
        number = self._varint()
        more = number & 31
        if number > 127:
            number >>= 5
            number -= (number >> 2) + 3
        else:
            more &= 1
            number >>= 1
        if number:
            value[self.ids[0]] += ~(number >> 1) if number & 1 else number >> 1
        if more:
            value[self.ids[self.moved]] += more
        if control & _MAIN:
            self._changes(0)
        if self.detailed:
            self._changes(self.main)
        self.advance(self.every + drift)

    def reading(self) -> Reading:
        """The reading just passed."""
        schema = self.schema_detailed if self.detailed else self.schema
        if schema is None:
            schema = self._make_schema()
        values = self.value
        if self.derived:
            WORK[:] = values
            values = WORK
            self.predict(values, 1)
        values = [values[id] for id in schema.ids]
        found = self.found
        if found:
            return _old(found, self.meter, self.seq - 1, self.time, self.source, schema, values)
        return Reading(self.journal.meters(self.block)[self.meter], self.seq - 1, self.time, self.source, schema, values)

    def _make_schema(self):
        form = bytearray(COUNT)
        for id in self.ids if self.detailed else self.ids[: self.main]:
            if self.present[id]:
                form[id] = self.form[id]
        schema = self.journal.schemas.of(form)
        if self.detailed:
            self.schema_detailed = schema
        else:
            self.schema = schema
        self.derive(self.present)
        return schema

    def _changes(self, column: int) -> None:
        value, present = self.value, self.present
        mask = self._varint()
        while mask:
            if mask & 1:
                id = self.ids[column]
                if id < _ENERGIES:
                    self.moved = column
                difference = self._signed()
                if not present[id] or not difference:
                    present[id] ^= 1
                    self.schema = self.schema_detailed = None
                value[id] += difference
            mask >>= 1
            column += 1

    def _read_columns(self) -> None:
        mask = self._varint()
        form = bytearray(COUNT)
        for id in RANK:
            if mask & 1:
                form[id] = EXPONENT_ZERO
            mask >>= 1
        for _ in range(self._varint()):
            id = self._varint()
            form[id] = min(self._varint(), _MOST)
        self.take_columns(bytes(form))
        self.schema = self.schema_detailed = None

    def _signed(self) -> int:
        number = self._varint()
        return ~(number >> 1) if number & 1 else number >> 1

    def _varint(self) -> int:
        block, at = self.bytes, self.at
        byte = block[at]
        at += 1
        number = byte & 127
        shift = 7
        while byte & 128:
            byte = block[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
        self.at = at
        return number


def _old(found: tuple, meter: int, seq: int, time: int, source: int, schema, values: list) -> Reading:
    """A reading of a block on flash; one of an earlier start knows its time as soon as that start did."""
    boot, offset = found[4], found[5]
    if boot and source == UPTIME and offset is not None:
        time += offset
        source = BRIDGE
    reading = Reading(found[6][meter], seq, time, source, schema, values)
    if boot:
        reading.boot = boot
    return reading
