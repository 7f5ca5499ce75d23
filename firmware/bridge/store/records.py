"""The records of a block, and what encoder and decoder both know after each. Values are whole numbers in the
unit of their quantity's name.

A block is a run of records that needs nothing from outside it but the table of meters; its first record starts from nothing.

    record   head [control] main.. [detail]
    head     varint: bit 0 a control byte follows; bit 1 + c: main column c changed
    control  1 time off the step: zigzag varint (a step seen twice in a row of those is the new step)
             2 time source: byte   4 meter: varint
             8 columns: MASK_BYTES of mask, count, and so many pairs (column, exponent)   16 details: varint mask, at the end
    main     for each changed column a varint: 0 it is absent from now on; else the zigzag of its difference
             (for one that was absent the zigzag of the difference to the last it had, also 0)

Varints have seven bits per byte, low ones first, bit 7: more follow. A reading is normally head, power, a counter: 3 to 5 bytes.
"""

from bridge.reading.quantities import COUNT
from bridge.store.columns import MASK_BYTES, Columns

_EMPTY = Columns(bytes(MASK_BYTES), None)


class State:
    """What encoder and decoder both know after a record."""

    def __init__(self):
        self.value = [0] * COUNT
        self.present = bytearray(COUNT)
        self.clear()

    def clear(self) -> None:
        """The beginning of a block."""
        self.columns = _EMPTY
        for column in range(COUNT):
            self.value[column] = self.present[column] = 0
        self.predictions = ()
        self.time = 0
        self.step = 0  # seconds from one reading to the next, mostly
        self.odd_step = 0  # the last one that was different
        self.source = 0
        self.meter = 0

    def advance(self, step: int) -> None:
        """Time passes, `step` seconds of it."""
        self.time += step
        if step != self.step:
            if step == self.odd_step:
                self.step = step
            self.odd_step = step

    def take_columns(self, columns: Columns) -> None:
        """Changes the columns; those that stay keep value and presence."""
        before = {}
        for column, id in enumerate(self.columns.ids):
            before[id] = (self.value[column], self.present[column])
        for column, id in enumerate(columns.ids):
            self.value[column], self.present[column] = before.get(id, (0, 0))
        self.columns = columns
