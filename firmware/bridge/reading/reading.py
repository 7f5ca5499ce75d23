"""A reading: what the meter said at one instant, in the vocabulary of `quantities`; exact decimals, no floats.

Readings of one meter mostly have the same quantities with the same number of decimals: that is their Schema, shared by
them, so that a reading itself is little more than a list of integers.
"""

from micropython import const

from bridge.core.lists import inside, pick
from bridge.reading.quantities import COUNT, COUNTERS, GAUGES_END
from bridge.reading.plausibility import most

METER = 0  # the meter's own clock
BRIDGE = 1  # the dongle's clock, set
UPTIME = 2  # seconds since the dongle started: its clock was not set yet
TIME_SOURCE_NAMES = ("meter", "bridge", "uptime")

EXPONENT_ZERO = const(32)  # in a form: 0 is "absent", otherwise the power of ten of the value plus this
_SCHEMAS_KEPT = const(8)  # more kinds of telegrams than a meter sends in turn


class Meter:
    """What a telegram says that is no measurement: texts, "" where there is none; made anew only when something changed.

    `protocol` "p1", "sml", ...; `security`: of a DLMS meter's telegrams, see framing's Frame; `month_peaks`: tuple of (the month, "2024-11";
    UTC of its peak or None where the meter has none; W), oldest first.
    """

    def __init__(self, id="", protocol="", identification="", version="", manufacturer="", message="", month_peaks=()):
        self.id = id
        self.protocol = protocol
        self.identification = identification
        self.version = version
        self.manufacturer = manufacturer
        self.gas_id = ""
        self.water_id = ""
        self.heat_id = ""
        self.message = message
        self.security = ""
        self.month_peaks = month_peaks


class Schema:
    """Which quantities, and with how many decimals: `form[id]` is 0 or EXPONENT_ZERO + power of ten of the value.

    `ids`: the quantities there are, ascending, as bytes; `slots[id]`: where in a reading's values one is.
    """

    def __init__(self, form):
        self.form = bytes(form)
        self.ids = bytes([id for id in range(COUNT) if form[id]])
        slots = bytearray(COUNT)
        for index, id in enumerate(self.ids):
            slots[id] = index
        self.slots = bytes(slots)
        self._first = len([id for id in self.ids if id < COUNTERS])
        self._most = [most(id, form[id]) for id in self.ids if COUNTERS <= id < GAUGES_END]

    def pick(self, values: list):
        """Of values by id, those of the quantities there are; None when one of the gauges cannot be."""
        found = values[: len(self.ids)]  # a list of the right length
        pick(found, values, self.ids)
        return found if inside(found, self._first, self._most) else None


class Schemas:
    """The few schemas in use, found again by their form."""

    def __init__(self):
        self._kept = []

    def of(self, form) -> Schema:
        """The schema of `form` (COUNT bytes), made when it is not among the last used."""
        kept = self._kept
        for schema in kept:
            if schema.form == form:
                return schema
        schema = Schema(form)
        if len(kept) == _SCHEMAS_KEPT:
            kept.pop(0)
        kept.append(schema)
        return schema


class Reading:
    """Never changed after it is made. `time`: UTC in seconds since 2000, or uptime seconds with `time_source` UPTIME.

    `boot`: the start of the device (its count) in which it was made, 0 for the present one.

    `values[i]` belongs to `schema.ids[i]` and is that integer times ten to the power that the schema's form tells.
    """

    boot = 0

    def __init__(self, meter: Meter, seq: int, time: int, time_source: int, schema: Schema, values: list):
        self.meter = meter
        self.seq = seq
        self.time = time
        self.time_source = time_source
        self.schema = schema
        self.values = values

    def items(self):
        """The ids of the quantities there are, ascending."""
        return iter(self.schema.ids)

    def get(self, quantity: int):
        """The whole number in the unit of the quantity's name, None when absent: counters rounded down, others half away from zero."""
        form = self.schema.form[quantity]
        if not form:
            return None
        return whole(self.values[self.schema.slots[quantity]], form - EXPONENT_ZERO, quantity < COUNTERS)

    def text(self, quantity: int) -> str:
        """The exact decimal number as the meter sent it, in the unit of the quantity's name. KeyError when absent."""
        form = self.schema.form[quantity]
        if not form:
            raise KeyError(quantity)
        return decimal(self.values[self.schema.slots[quantity]], form - EXPONENT_ZERO)


def whole(value: int, exponent: int, floor: bool) -> int:
    """value x 10^exponent without its fraction: rounded down, or to the nearest with halves away from zero."""
    if exponent >= 0:
        return value * 10**exponent if exponent else value
    divisor = 10**-exponent
    if floor:
        return value // divisor
    if value < 0:
        return -((-value * 2 + divisor) // (2 * divisor))
    return (value * 2 + divisor) // (2 * divisor)


def decimal(value: int, exponent: int) -> str:
    """value x 10^exponent as decimal text, every digit kept: (35, -1) is "3.5"."""
    if exponent == 0 or value == 0 and exponent > 0:
        return str(value)
    if exponent > 0:
        return str(value) + "0" * exponent
    digits = str(abs(value))
    if len(digits) <= -exponent:
        digits = "0" * (1 - exponent - len(digits)) + digits
    return ("-" if value < 0 else "") + digits[:exponent] + "." + digits[exponent:]
