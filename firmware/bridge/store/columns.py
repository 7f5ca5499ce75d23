"""Which quantities a block of the journal holds, in which order and with what power of ten; what one says of another.

Columns come in RANK order: what changes at nearly every reading first, so that its bit is in the first byte of a record.
Details (DETAIL_IDS) are kept once in a while, the others with each reading.
"""

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO

_FIRST = (
    "power_w energy_import_t1_wh energy_import_t2_wh energy_export_t1_wh energy_export_t2_wh gas_l energy_import_wh energy_export_wh "
    "gas_time power_import_w power_export_w energy_import_t3_wh energy_import_t4_wh"
)
_DETAILS = (
    "power_l1_w power_l2_w power_l3_w voltage_l1_mv voltage_l2_mv voltage_l3_mv current_l1_ma current_l2_ma current_l3_ma "
    "power_demand_w reactive_power_import_var reactive_power_export_var frequency_mhz power_factor_permille "
    "angle_u2_u1_deg angle_u3_u1_deg angle_i1_u1_deg angle_i2_u2_deg angle_i3_u3_deg"
)


def _ids(names: str) -> list:
    return [quantity(name) for name in names.split(" ")]


def _rank() -> bytes:
    first, details = _ids(_FIRST), _ids(_DETAILS)
    rest = [id for id in range(COUNT) if id not in first and id not in details]
    return bytes(first + rest + details)


RANK = _rank()
MASK_BYTES = (COUNT + 7) // 8
DETAIL_IDS = bytes(_ids(_DETAILS))
_FIRST_DETAIL = COUNT - len(DETAIL_IDS)  # index in RANK
_POWER, _IMPORT, _EXPORT = _ids("power_w power_import_w power_export_w")
_TOTALS = tuple(_ids("energy_import_wh energy_export_wh"))  # T1 to T4 follow each

PLUS = 0  # the target is about the base where that is positive, else about 0
MINUS = 1  # the target is about the base's negative where that is positive
SUM = 2  # the target is about the sum of the bases


class Columns:
    """The columns of a block. `ids[c]` is a quantity, `exponents[c]` its power of ten (0 or more) plus EXPONENT_ZERO.

    `main`: how many come with each reading; the others are details. `mask`: bit i is RANK[i].
    """

    def __init__(self, mask: bytes, exponents):
        self.mask = mask
        ids = [RANK[i] for i in range(COUNT) if mask[i >> 3] & 1 << (i & 7)]
        self.ids = bytes(ids)
        self.main = len([i for i in range(_FIRST_DETAIL) if mask[i >> 3] & 1 << (i & 7)])
        self.exponents = bytes(exponents) if exponents is not None else bytes([EXPONENT_ZERO]) * len(ids)

    def predictions(self, present) -> tuple:
        """Rows (target column, PLUS or MINUS or SUM, base columns) for the columns that `present` marks.

        What a meter sends of a thing twice (net and import, total and tariffs) then costs nothing the second time.
        """
        at = {}
        for column in range(self.main):
            if present[column]:
                at[self.ids[column]] = column
        rows = []
        for target, bases, kind in _candidates():
            columns = [at[base] for base in bases if base in at]
            if target in at and columns and not [c for c in columns if self.exponents[c] != self.exponents[at[target]]]:
                rows.append((at[target], kind, tuple(columns)))
        return tuple(rows)


def _candidates() -> tuple:
    return (
        (_IMPORT, (_POWER,), PLUS),
        (_EXPORT, (_POWER,), MINUS),
        (_TOTALS[0], range(_TOTALS[0] + 1, _TOTALS[0] + 5), SUM),
        (_TOTALS[1], range(_TOTALS[1] + 1, _TOTALS[1] + 5), SUM),
    )


def predict(rows: tuple, values: list, sign: int) -> None:
    """Adds to each target `sign` times what is predicted for it; bases are never targets."""
    for target, kind, bases in rows:
        if kind == SUM:
            about = 0
            for base in bases:
                about += values[base]
        else:
            about = values[bases[0]]
            if kind == MINUS:
                about = -about
            if about < 0:
                about = 0
        values[target] += sign * about


def form_mask(form) -> bytearray:
    """Mask in RANK order of the quantities of a schema's form."""
    mask = bytearray(MASK_BYTES)
    for index in range(COUNT):
        if form[RANK[index]]:
            mask[index >> 3] |= 1 << (index & 7)
    return mask
