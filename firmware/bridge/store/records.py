"""The records of a block, and what encoder and decoder both know after each. Values are whole numbers in the
unit of their quantity's name.

A block is a run of records that needs nothing from outside it but its list of meters; its first record starts from nothing.

    record   [head [time] [origin] [columns]] usual [main] [details]
    head     224 + 1 time + 2 origin + 4 columns + 8 main + 16 details: those are there
    time     off the step: signed (a step seen twice in a row of those is the new step)
    origin   time source, meter
    columns  mask over RANK, count, and so many pairs (quantity, form)
    usual    p: difference of column 0 (the power), zigzag; n < 32: what the counter grew by that is expected to
             p * 2 + n where p < 64 and n < 2; else (p / 3 + 1) * 128 + p % 3 * 32 + n, whose first byte is 128 to 223
    main     mask over the main columns, and for each in it, signed: 0 it is absent from now on; else its difference
             (for one that was absent the difference to the last it had, also 0)
    details  the same with the other columns

Expected to grow: the counter of energy that was last in a `main`; none at first and after `columns`. What comes, goes, falls or
grows by more than 31 is in `main`. All numbers but head are varints: seven bits per byte, low ones first, bit 7: more follow;
signed ones zigzag. A reading is normally `usual` alone: one or two bytes.
"""

from bridge.core.unload import unload
from bridge.reading.quantities import COUNT
from bridge.store.columns import DERIVED, DETAIL_IDS, RANK

unload("bridge.store.columns")
WORK = [0] * COUNT  # a reading's values by id, while it is encoded or made


class State:
    """What encoder and decoder both know after a record.

    `form[id]`: power of ten (0 or more) plus EXPONENT_ZERO of a column, 0 where there is none; `ids`: the columns, in the order of RANK,
    `main` of them with each reading, the others details. `value`, `present`: by id. `moved`: the column that
    is expected to grow, 0 for none.
    """

    def __init__(self):
        self.value = [0] * COUNT
        self.present = bytearray(COUNT)
        self.clear()

    def clear(self) -> None:
        """The beginning of a block."""
        self.take_columns(bytes(COUNT))
        for id in range(COUNT):
            self.value[id] = self.present[id] = 0
        self.time = 0
        self.every = 0  # seconds from one reading to the next, mostly
        self.odd = 0  # the last step that was different
        self.source = 0
        self.meter = 0

    def advance(self, step: int) -> None:
        """Time passes, `step` seconds of it."""
        self.time += step
        if step != self.every:
            if step == self.odd:
                self.every = step
            self.odd = step

    def take_columns(self, form: bytes) -> None:
        """Changes the columns; those that stay keep value and presence."""
        self.form = form
        self.moved = 0
        self.derived = ()
        ids = bytearray()
        self.main = 0
        for id in RANK:
            if form[id]:
                ids.append(id)
                if id not in DETAIL_IDS:
                    self.main += 1
        self.ids = bytes(ids)

    def derive(self, present) -> None:
        """Notes which quantities follow from others among those that `present` marks: rows as in DERIVED."""
        form = self.form
        rows = []
        for id, sign, all_bases in DERIVED:
            bases = bytes([base for base in all_bases if present[base]])
            same = [base for base in bases if form[base] == form[id]]
            if present[id] and 0 < len(bases) == len(same):
                rows.append((id, sign, bases))
        self.derived = rows

    def predict(self, values: list, sign: int) -> None:
        """Adds `sign` times what is expected to each of `values` that follows from others; those never do."""
        for id, factor, bases in self.derived:
            about = 0
            for base in bases:
                about += values[base]
            about *= factor
            if about > 0:
                values[id] += sign * about
