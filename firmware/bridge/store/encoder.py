"""Readings in, records of a block out (see `records` for their bytes)."""

from micropython import const

from bridge.core.lists import changed, spread
from bridge.reading.quantities import COUNTERS
from bridge.reading.reading import EXPONENT_ZERO, Reading, whole
from bridge.store.records import RANK, WORK, State

_AT_ONCE = const(30)  # columns in a mask of small integers
_TIME, _SOURCE, _METER, _COLUMNS, _DETAILS = const(1), const(2), const(4), const(8), const(16)


class Encoder(State):
    """Writes records one behind the other into a block; one that does not fit is an IndexError, after which only `open` makes sense."""

    def open(self, block) -> None:
        """The next record starts `block`, a writable memoryview. `at`: how many of its bytes are written."""
        self.clear()
        self._schema = None
        self._block = block
        self.at = 0

    def encode(self, reading: Reading, meter: int, details: bool) -> None:
        """Writes one record. `meter`: index in the block's list of meters; `details`: whether to keep those too."""
        schema = reading.schema
        control = 0
        if schema is not self._schema and self._adapt(schema):
            control = _COLUMNS
        if details and len(self.ids) > self.main:
            control |= _DETAILS
        step = reading.time - self.time
        if step != self.every:
            control |= _TIME
        if reading.time_source != self.source:
            control |= _SOURCE
        if meter != self.meter:
            control |= _METER
        spread(WORK, reading.values, schema.ids)
        for id, exponent in self._rounded:
            WORK[id] = whole(WORK[id], exponent, id < COUNTERS)
        self.predict(WORK, -1)
        mask = self._changed(0, self.main)
        self._varint(mask << 1 | (1 if control else 0))
        if control:
            self.source = reading.time_source
            self.meter = meter
            self._control(control, step - self.every)
        self._write(mask, 0)
        if control & _DETAILS:
            mask = self._changed(self.main, len(self.ids))
            self._varint(mask)
            self._write(mask, self.main)
        self.advance(step)

    def _control(self, control: int, drift: int) -> None:
        self._varint(control)
        if control & _TIME:
            self._signed(drift)
        if control & _SOURCE:
            self._varint(self.source)
        if control & _METER:
            self._varint(self.meter)
        if control & _COLUMNS:
            form = self.form
            mask = 0
            for id in reversed(RANK):
                mask = mask << 1 | (1 if form[id] else 0)
            self._varint(mask)
            powers = [id for id in self.ids if form[id] != EXPONENT_ZERO]
            self._varint(len(powers))
            for id in powers:
                self._varint(id)
                self._varint(form[id])

    def _adapt(self, schema) -> bool:
        """Gets ready for readings of `schema`; whether columns must be added or changed for it."""
        form = bytearray(self.form)
        rounded = []
        for id in schema.ids:
            power = schema.form[id]
            if power < EXPONENT_ZERO:
                rounded.append((id, power - EXPONENT_ZERO))
                power = EXPONENT_ZERO
            form[id] = power
        self._schema = schema
        self._rounded = rounded
        new = form != self.form
        if new:
            self.take_columns(bytes(form))
        self.derive(schema.form)
        return new

    def _changed(self, first: int, end: int) -> int:
        """Mask of the columns `first` .. `end` - 1 that differ from the state."""
        if end - first > _AT_ONCE:
            return self._changed(first, first + _AT_ONCE) | self._changed(first + _AT_ONCE, end) << _AT_ONCE
        return changed(WORK, self.value, self.present, self._schema.form, self.ids, first, end)

    def _write(self, mask: int, column: int) -> None:
        form = self._schema.form
        while mask:
            if mask & 1:
                id = self.ids[column]
                if form[id]:
                    difference = WORK[id] - self.value[id]
                    self.value[id] = WORK[id]
                    self.present[id] = 1
                    self._signed(difference)
                else:
                    self.present[id] = 0
                    self._varint(0)
            mask >>= 1
            column += 1

    def _signed(self, number: int) -> None:
        self._varint(number << 1 if number >= 0 else (-number << 1) - 1)

    def _varint(self, number: int) -> None:
        block, at = self._block, self.at
        while number > 127:
            block[at] = number & 127 | 128
            at += 1
            number >>= 7
        block[at] = number
        self.at = at + 1
