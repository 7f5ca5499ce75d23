"""Records of a block in (see `records` for their bytes), readings out."""

from micropython import const

from bridge.reading.quantities import COUNT
from bridge.reading.reading import Reading
from bridge.store.columns import MASK_BYTES, Columns, predict
from bridge.store.records import State

_TIME, _SOURCE, _METER, _COLUMNS, _DETAILS = const(1), const(2), const(4), const(8), const(16)


class Decoder:
    """Reads records from `data` (the whole ring) at `at`. `schemas`: a reading.Schemas to share what it makes."""

    def __init__(self, data: bytearray, schemas):
        self._data = data
        self._schemas = schemas
        self._state = State()
        self._work = [0] * COUNT
        self.clear(0)

    def clear(self, at: int) -> None:
        """A block begins at `at`."""
        self._state.clear()
        self.at = at
        self._drift = 0
        self._layouts = [None, None]  # without and with details
        self._stale = False  # what is present has changed: layouts and predictions are to be made anew
        self._details = False

    def copy(self, other) -> None:
        """Becomes as `other` is."""
        mine, its = self._state, other._state
        mine.value[:] = its.value
        mine.present[:] = its.present
        for name in ("columns", "predictions", "time", "step", "odd_step", "source", "meter"):
            setattr(mine, name, getattr(its, name))
        self.at = other.at
        self._layouts[:] = other._layouts
        self._stale = other._stale

    def step(self) -> None:
        """Reads one record, after which `reading` makes it whole."""
        state = self._state
        head = self._varint()
        control = self._drift = 0
        if head & 1:
            control = self._control()
        self._details = control & _DETAILS
        head >>= 1
        self._changes(head, 0)
        if self._details:
            self._changes(self._varint(), state.columns.main)
        state.advance(state.step + self._drift)

    def reading(self, seq: int, meters: list) -> Reading:
        """The record just read as a Reading number `seq`; `meters`: the table of meters."""
        state = self._state
        if self._stale:
            self._stale = False
            self._layouts[0] = self._layouts[1] = None
            state.predictions = state.columns.predictions(state.present)
        index = 1 if self._details else 0
        if self._layouts[index] is None:
            self._layouts[index] = self._layout()
        schema, order = self._layouts[index]
        value = state.value
        if state.predictions:
            self._work[:] = value
            value = self._work
            predict(state.predictions, value, 1)
        return Reading(meters[state.meter], seq, state.time, state.source, schema, [value[column] for column in order])

    def _layout(self) -> tuple:
        """(schema of the record just read, its columns in the order of the schema's ids)."""
        columns, present = self._state.columns, self._state.present
        form = bytearray(COUNT)
        at = bytearray(COUNT)
        for column in range(len(columns.ids) if self._details else columns.main):
            if present[column]:
                form[columns.ids[column]] = columns.exponents[column]
                at[columns.ids[column]] = column
        schema = self._schemas.of(form)
        return schema, bytes([at[id] for id in schema.ids])

    def _changes(self, mask: int, column: int) -> None:
        state = self._state
        value, present = state.value, state.present
        while mask:
            if mask & 1:
                number = self._varint()
                if present[column] and number == 0:
                    present[column] = 0
                    self._stale = True
                else:
                    value[column] += ~(number >> 1) if number & 1 else number >> 1
                    if not present[column]:
                        present[column] = 1
                        self._stale = True
            mask >>= 1
            column += 1

    def _control(self) -> int:
        state = self._state
        control = self._byte()
        if control & _TIME:
            number = self._varint()
            self._drift = ~(number >> 1) if number & 1 else number >> 1
        if control & _SOURCE:
            state.source = self._byte()
        if control & _METER:
            state.meter = self._varint()
        if control & _COLUMNS:
            self._read_columns()
        return control

    def _read_columns(self) -> None:
        at = self.at
        columns = Columns(bytes(self._data[at : at + MASK_BYTES]), None)
        self.at = at + MASK_BYTES
        exponents = bytearray(columns.exponents)
        for _ in range(self._byte()):
            column = self._byte()
            exponents[column] = self._byte()
        columns.exponents = bytes(exponents)
        self._state.take_columns(columns)
        self._stale = True

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        data, at = self._data, self.at
        byte = data[at]
        at += 1
        number = byte & 127
        shift = 7
        while byte & 128:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
        self.at = at
        return number
