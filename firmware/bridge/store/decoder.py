"""Records of the journal's blocks in (see `records` for their bytes), readings out."""

from micropython import const

from bridge.reading.quantities import COUNT
from bridge.reading.reading import EXPONENT_ZERO, Reading
from bridge.store.records import RANK, WORK, State

_TIME, _SOURCE, _METER, _COLUMNS, _DETAILS = const(1), const(2), const(4), const(8), const(16)
# What makes a place, beside `value` and `present`.
_PLACE = ("form", "ids", "main", "derived", "time", "every", "odd", "source", "meter", "block", "bytes", "at", "seq", "detailed", "schema", "schema_detailed")


class Decoder(State):
    """A place between two readings of the journal. `seq`: the number of the reading behind it."""

    def __init__(self, journal):
        super().__init__()
        self.journal = journal
        self.block = -1
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
        journal = self.journal
        if journal.last < 0 or self.seq == seq and self.block >= journal.first:
            return
        block = journal.find(seq)
        if block != self.block or seq < self.seq:
            self._enter(block)
        while self.seq < seq and self.step():
            pass

    def _enter(self, block: int) -> None:
        self.clear()
        self.block = block
        self.bytes = self.journal.view(block)
        self.at = 0
        self.seq = self.journal.first_seq(block)
        self.schema = self.schema_detailed = None

    def step(self) -> bool:
        """Passes one reading; False when there is none."""
        journal = self.journal
        if self.block < journal.first:
            return False
        while self.at == journal.length(self.block):
            if self.block == journal.last:
                return False
            self._enter(self.block + 1)
        if not self.at:
            self.seq = journal.first_seq(self.block)
        self.seq += 1
        head = self._varint()
        drift = self.detailed = 0
        if head & 1:
            control = self._varint()
            self.detailed = control & _DETAILS
            if control & _TIME:
                drift = self._signed()
            if control & _SOURCE:
                self.source = self._varint()
            if control & _METER:
                self.meter = self._varint()
            if control & _COLUMNS:
                self._read_columns()
        self._changes(head >> 1, 0)
        if self.detailed:
            self._changes(self._varint(), self.main)
        self.advance(self.every + drift)
        return True

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
        meter = self.journal.meters(self.block)[self.meter]
        return Reading(meter, self.seq - 1, self.time, self.source, schema, [values[id] for id in schema.ids])

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

    def _changes(self, mask: int, column: int) -> None:
        value, present = self.value, self.present
        while mask:
            if mask & 1:
                id = self.ids[column]
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
            form[id] = self._varint()
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
