"""Readings in, records of a block out (see `records` for their bytes)."""

from micropython import const

from bridge.reading.quantities import COUNT, COUNTERS
from bridge.reading.reading import EXPONENT_ZERO, Reading, whole
from bridge.store.columns import MASK_BYTES, RANK, Columns, form_mask, predict
from bridge.store.records import State

_TIME, _SOURCE, _METER, _COLUMNS, _DETAILS = const(1), const(2), const(4), const(8), const(16)
_ABSENT = const(255)  # in a plan: the reading does not have this column


class Encoder:
    """Writes records into `out`, a bytearray; a longer record is an IndexError, after which only `clear` makes sense."""

    def __init__(self, out: bytearray):
        self._out = out
        self._at = 0
        self._state = State()
        self._schema = None
        self._plan = bytearray(COUNT)
        self._rounded = ()
        self._work = [0] * COUNT
        self._changed = bytearray(COUNT)

    def clear(self) -> None:
        """The next record starts a block."""
        self._state.clear()
        self._schema = None

    def encode(self, reading: Reading, meter: int, details: bool) -> int:
        """Writes one record and returns its length. `meter`: index in the table of meters; `details`: whether to keep those too."""
        state = self._state
        control = 0
        if reading.schema is not self._schema and self._adapt(reading.schema):
            control = _COLUMNS
        main = state.columns.main
        if details and len(state.columns.ids) > main:
            control |= _DETAILS
        step = reading.time - state.time
        if step != state.step:
            control |= _TIME
        if reading.time_source != state.source:
            control |= _SOURCE
        if meter != state.meter:
            control |= _METER
        self._at = 0
        self._gather(reading.values, 0, main)
        if state.predictions:
            predict(state.predictions, self._work, -1)
        count = self._differences(0, main)
        head = 1 if control else 0
        for index in range(count):
            head |= 2 << self._changed[index]
        self._varint(head)
        if control:
            self._control(control, reading, meter, step - state.step)
            state.source = reading.time_source
            state.meter = meter
        self._write(count)
        if control & _DETAILS:
            self._write_details(reading.values, main)
        state.advance(step)
        return self._at

    def _write_details(self, values: list, main: int) -> None:
        end = len(self._state.columns.ids)
        self._gather(values, main, end)
        count = self._differences(main, end)
        mask = 0
        for index in range(count):
            mask |= 1 << self._changed[index] - main
        self._varint(mask)
        self._write(count)

    def _control(self, control: int, reading: Reading, meter: int, drift: int) -> None:
        self._byte(control)
        if control & _TIME:
            self._varint(drift << 1 if drift >= 0 else (-drift << 1) - 1)
        if control & _SOURCE:
            self._byte(reading.time_source)
        if control & _METER:
            self._varint(meter)
        if control & _COLUMNS:
            columns = self._state.columns
            for byte in columns.mask:
                self._byte(byte)
            powers = [c for c in range(len(columns.ids)) if columns.exponents[c] != EXPONENT_ZERO]
            self._byte(len(powers))
            for column in powers:
                self._byte(column)
                self._byte(columns.exponents[column])

    def _adapt(self, schema) -> bool:
        """Makes the plan for readings of `schema`; whether columns must be added or changed for it."""
        state = self._state
        form = schema.form
        columns = state.columns
        new = False
        mask = form_mask(form)
        for index in range(MASK_BYTES):
            if mask[index] & ~columns.mask[index]:
                new = True
            mask[index] |= columns.mask[index]
        exponents = bytearray(bytes([EXPONENT_ZERO]) * COUNT)  # by quantity
        for column, id in enumerate(columns.ids):
            exponents[id] = columns.exponents[column]
        for id in schema.ids:
            power = max(form[id], EXPONENT_ZERO)
            if power != exponents[id]:
                exponents[id] = power
                new = True
        if new:
            ids = [id for index, id in enumerate(RANK) if mask[index >> 3] & 1 << (index & 7)]
            columns = Columns(bytes(mask), [exponents[id] for id in ids])
            state.take_columns(columns)
        self._schema = schema
        rounded = []
        for column, id in enumerate(columns.ids):
            self._plan[column] = schema.slots[id] if form[id] else _ABSENT
            if 0 < form[id] < EXPONENT_ZERO:
                rounded.append((column, form[id] - EXPONENT_ZERO, id < COUNTERS))
        self._rounded = tuple(rounded)
        state.predictions = columns.predictions([place != _ABSENT for place in self._plan])
        return new

    def _gather(self, values: list, first: int, end: int) -> None:
        """Whole values of the columns first..end-1 into the work list; what is absent keeps nothing there."""
        plan, work = self._plan, self._work
        for column in range(first, end):
            if plan[column] != _ABSENT:
                work[column] = values[plan[column]]
        for column, exponent, floor in self._rounded:
            if first <= column < end:
                work[column] = whole(work[column], exponent, floor)

    def _differences(self, first: int, end: int) -> int:
        """Lists in `changed` the columns that differ from the state; how many."""
        plan, work, changed = self._plan, self._work, self._changed
        value, present = self._state.value, self._state.present
        count = 0
        for column in range(first, end):
            if plan[column] == _ABSENT:
                if not present[column]:
                    continue
            elif present[column] and work[column] == value[column]:
                continue
            changed[count] = column
            count += 1
        return count

    def _write(self, count: int) -> None:
        state = self._state
        for index in range(count):
            column = self._changed[index]
            if self._plan[column] == _ABSENT:
                state.present[column] = 0
                self._byte(0)
                continue
            difference = self._work[column] - state.value[column]
            state.value[column] = self._work[column]
            state.present[column] = 1
            self._varint(difference << 1 if difference >= 0 else (-difference << 1) - 1)

    def _byte(self, byte: int) -> None:
        self._out[self._at] = byte
        self._at += 1

    def _varint(self, number: int) -> None:
        out, at = self._out, self._at
        while number > 127:
            out[at] = number & 127 | 128
            at += 1
            number >>= 7
        out[at] = number
        self._at = at + 1
