"""Readings in, records of a block out (see `records` for their bytes)."""

from micropython import const

from bridge.core.lists import changed, spread
from bridge.reading.quantities import COUNTERS
from bridge.reading.reading import EXPONENT_ZERO, Reading, whole
from bridge.store.records import RANK, WORK, State

_AT_ONCE = const(30)  # columns in a mask of small integers
_TIME, _ORIGIN, _COLUMNS, _MAIN, _DETAILS = const(1), const(2), const(4), const(8), const(16)
_HEAD = const(224)
_MOST = const(32)  # no counter grows by as much in a record without a mask
_ENERGIES = const(10)  # ids below are counters of energy


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
        control = usual = 0
        same = schema is self._schema  # then nothing comes or goes
        if not same and self._adapt(schema):
            control = _COLUMNS
        if details and len(self.ids) > self.main:
            control |= _DETAILS
        step = reading.time - self.time
        if step != self.every:
            control |= _TIME
        if reading.time_source != self.source or meter != self.meter:
            control |= _ORIGIN
            self.source = reading.time_source
            self.meter = meter
        spread(WORK, reading.values, schema.ids)
        for id, exponent in self._rounded:
            WORK[id] = whole(WORK[id], exponent, id < COUNTERS)
        self.predict(WORK, -1)
        mask = self._changed(0, self.main)
        if mask and same:
            mask = self._usual(mask)
            usual = self.usual
        if mask:
            control |= _MAIN
        if control:
            self._block[self.at] = _HEAD | control
            self.at += 1
            if control & (_TIME | _ORIGIN | _COLUMNS):
                self._control(control, step - self.every)
        if usual < 2048 and usual & 31 < 2:
            usual = usual >> 4 | usual & 1
        else:
            usual += (usual // 96 << 5) + 128
        self._varint(usual)
        if mask:
            self._write(mask, 0)
        if control & _DETAILS:
            self._write(self._changed(self.main, len(self.ids)), self.main)
        self.advance(step)

    def _usual(self, mask: int) -> int:
        """Puts what needs no mask into `usual`, as p * 32 + n, and into the state; the rest of `mask`."""
        value, id = self.value, self.ids[0]
        usual = 0
        if mask & 1:
            usual = WORK[id] - value[id] << 6
            if usual < 0:
                usual = -32 - usual
            value[id] = WORK[id]
            mask ^= 1
        column = self.moved
        if mask >> column & 1:  # bit 0 is gone
            id = self.ids[column]
            more = WORK[id] - value[id]
            if 0 < more < _MOST:
                usual |= more
                value[id] = WORK[id]
                mask ^= 1 << column
        self.usual = usual
        return mask

    def _control(self, control: int, drift: int) -> None:
        if control & _TIME:
            self._signed(drift)
        if control & _ORIGIN:
            self._varint(self.source)
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
        self._varint(mask)
        while mask:
            if mask & 1:
                id = self.ids[column]
                if id < _ENERGIES:
                    self.moved = column
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
        self._varint(number << 1 if number >= 0 else ~(number << 1))

    def _varint(self, number: int) -> None:
        block, at = self._block, self.at
        while number > 127:
            block[at] = number & 127 | 128
            at += 1
            number >>= 7
        block[at] = number
        self.at = at + 1
