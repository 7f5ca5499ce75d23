"""Registers of one telegram in, one Reading out: OBIS tables applied, times in UTC, counters checked, missing sums derived.

`add` is what a decoder calls for each register. Its usual path, a number that `obis_tables` knows, allocates nothing; what
is rare is in functions of its own.
"""

from micropython import const

from bridge.core.counters import Counters
from bridge.reading.derive import derive
from bridge.reading.obis_tables import (
    ELECTRICITY,
    METER,
    RULE_CLOCK,
    RULE_LIMIT,
    RULE_STAMP,
    RULE_STATUS,
    slot,
    table,
)
from bridge.reading.plausibility import Values, absurd
from bridge.reading.quantities import COUNTERS
from bridge.reading.reading import EXPONENT_ZERO, Reading, Schemas
from bridge.reading.reading import METER as METER_TIME
from bridge.reading.reading import UPTIME
from bridge.reading.submeters import CHANNELS, Submeters
from bridge.reading.texts import Texts
from bridge.reading.timestamp import Clockwork, digits, utc

_ELECTRICITY = table(ELECTRICITY)
_METER = table(METER)
_MONTH_PEAKS = const(98 << 16 | 1 << 8)  # 0-0:98.1.0
_TIME = slot("_time")
_STATUS = slot("_status")
_FUSE = slot("fuse_limit_ma")
_PEAK = slot("power_peak_month_w")
_PEAK_TIME = slot("power_peak_month_time")
_AMPERE = const(33)
_ZERO = const(32)  # EXPONENT_ZERO and COUNTERS, folded into the code where it counts
_COUNTERS = const(26)
_NO_LIMIT = const(999)  # kW or A
_MAX_DIGITS = const(9)  # of a number without unit
_MAX_CLOCK_ERROR_S = const(86400)  # further from the dongle's own clock than this, a meter's clock is not believed


class Builder:
    """Reused for every telegram: `begin`, `add` per register, `finish`. Counts into `counters` (a core Counters):

    counter_falls, ignored_values (unit or size does not fit the code), malformed_peaks.
    """

    def __init__(self, counters=None):
        self.counters = Counters() if counters is None else counters
        self._values = Values()
        self._value = self._values.value
        self._exponent = self._values.exponent
        self._form = self._values.form
        self._texts = Texts()
        self._submeters = Submeters()
        self._schemas = Schemas()
        self._schema = None
        self._numbers = {}  # row: (text, number) of values that come as text
        self._clock = Clockwork()
        self._peak_raw = b""
        self._peak_time = None

    def begin(self, frame=None) -> None:
        """A new telegram; `frame` (as a framer gives it) names the protocol and has P1's identification line."""
        self._values.begin()
        self._submeters.begin()
        self._texts.begin(frame)

    def add(self, register) -> None:
        """Takes one register; it is not kept."""
        ab = register.ab
        if ab == 0x100 or ab == 0x101:
            row = _ELECTRICITY.get(register.cde)
        elif ab == 0:
            row = _METER.get(register.cde)
        elif ab <= CHANNELS:
            self._submeters.add(register)
            return
        else:
            row = None
        if row is None or register.f != 255:
            if not self._texts.add(register) and register.cde == _MONTH_PEAKS and not self._texts.add_peaks(register):
                self.counters.add("malformed_peaks")
            return
        value = register.value  # few locals from here on: their frame then needs no heap
        if row < 0x10000:  # without a unit: digits as text, mostly those of the telegram before
            ab = self._numbers.get(row)
            if ab is None or ab[0] != value:
                self._add_special(register, row)
                return
            value = ab[1]
            exponent = (row >> 8 & 15) + _ZERO
        else:
            ab = register.unit
            exponent = register.scaler + (row >> 8 & 15) + _ZERO
            if ab & 0x100:
                exponent += 3
                ab &= 255
            if row & 0xF000 or ab != row >> 16 or not isinstance(value, int):
                self._add_special(register, row)
                return
        row &= 255
        if exponent != self._exponent[row] or not 0 <= value < (1000000000 if row < _COUNTERS else 1000000):
            if not self._unusual(row, value, exponent):
                return
        elif row < _COUNTERS and value < self._value[row]:
            self._values.doubt(row)
        self._value[row] = value
        self._exponent[row] = self._form[row] = exponent
        if row < _COUNTERS and (register.status or register.time is not None):
            self._set_status(register)  # of SML's counters they speak for the whole telegram

    def finish(self, seq: int, now: int, now_source: int):
        """The Reading number `seq`, None when no register was a quantity. `now`: the dongle's clock, `now_source` BRIDGE or UPTIME."""
        values = self._values
        if self._texts.changed:
            self._check_meter()
        self._submeters.resolve(values)
        if self._texts.changed or self._submeters.changed:
            self._submeters.changed = False
            self._texts.make_meter(self._submeters.ids)
        values.settle()
        derive(values)
        values.settle()
        if values.falls or self._submeters.ignored:
            self._count()
        schema = self._schema
        if schema is None or schema.form != values.quantities:
            schema = self._schema = self._schemas.of(values.quantities)
        if not schema.ids:
            return None
        kept = schema.blank.copy()
        index = 0
        value = self._value
        for quantity in schema.ids:
            kept[index] = value[quantity]
            index += 1
        time = self._meter_time(now, now_source)
        if time is None:
            return Reading(self._texts.meter, seq, now, now_source, schema, kept)
        return Reading(self._texts.meter, seq, time, METER_TIME, schema, kept)

    def _count(self) -> None:
        if self._values.falls:
            self.counters.add("counter_falls", self._values.falls)
        if self._submeters.ignored:
            self.counters.add("ignored_values", self._submeters.ignored)
        self._values.falls = self._submeters.ignored = 0

    def _meter_time(self, now: int, now_source: int):
        if not self._form[_TIME]:
            return None
        time = self._value[_TIME]
        if now_source != UPTIME and not -_MAX_CLOCK_ERROR_S <= time - now <= _MAX_CLOCK_ERROR_S:
            return None
        return time

    def _ignore(self) -> bool:
        self.counters.add("ignored_values")
        return False

    def _unusual(self, target: int, value: int, exponent: int) -> bool:
        """Whether to take a value that is large, negative, lower than before or of other decimals than before."""
        if exponent > EXPONENT_ZERO or not 20 <= exponent or not 0 <= value < 1000000000:
            if absurd(target, value, exponent):
                return self._ignore()
        if exponent != self._exponent[target] or target < COUNTERS and value < self._value[target]:
            self._values.doubt(target)
        return True

    def _put(self, target: int, value: int, exponent: int) -> bool:
        if not self._unusual(target, value, exponent):
            return False
        self._value[target] = value
        self._exponent[target] = self._form[target] = exponent
        return True

    def _add_special(self, register, row: int) -> None:
        """A register with a rule, or whose value or unit is not simply what its row says."""
        rule = row >> 12 & 15
        target = row & 255
        value = register.value
        unit = register.unit & 0xFEFF
        exponent = register.scaler + (row >> 8 & 15) + EXPONENT_ZERO + (3 if register.unit & 0x100 else 0)
        if rule == RULE_CLOCK:
            self._set_time(target, register.time if register.time is not None else value)
            return
        if not isinstance(value, int):
            value = self._number(row, value)
            if value is None:
                return
        if unit != row >> 16 and not (unit == 255 and row >> 16 == 0):
            if rule != RULE_LIMIT or unit != _AMPERE:
                self._ignore()
                return
            target = _FUSE
            exponent += 3
        if rule == RULE_STATUS:
            self._form[target] = EXPONENT_ZERO
            self._value[target] = value
            return
        if rule == RULE_LIMIT and _units(value, register.scaler) == _NO_LIMIT:
            return
        if self._put(target, value, exponent):
            if rule == RULE_STAMP and register.time is not None:
                self._set_peak_time(register.time)

    def _set_status(self, register) -> None:
        if register.status:
            self._form[_STATUS] = EXPONENT_ZERO
            self._value[_STATUS] = register.status
        if register.time is not None:
            self._set_time(_TIME, register.time)

    def _set_time(self, target: int, stamp) -> None:
        """`stamp`: TST or UTC; what is no time leaves the slot empty."""
        time = stamp if isinstance(stamp, int) else self._clock.utc(stamp)
        if time is not None:
            self._form[target] = EXPONENT_ZERO
            self._value[target] = time

    def _set_peak_time(self, stamp) -> None:
        """The peak's stamp changes once a month or so: it is read again only then."""
        if self._peak_raw != stamp:
            self._peak_raw = bytes(stamp)
            self._peak_time = utc(stamp)
        if self._peak_time is None:
            self._form[_PEAK] = 0  # unset: the month has no peak yet
        else:
            self._values.put(_PEAK_TIME, self._peak_time, EXPONENT_ZERO)

    def _number(self, row: int, text):
        """The number that digits without a unit stand for; None when they are none."""
        if not len(text):
            return None
        try:
            if len(text) > _MAX_DIGITS:
                raise ValueError
            number = digits(text, 0, len(text))
        except ValueError:
            self._ignore()
            return None
        if row < 0x10000 and not row & 0xF000:
            self._numbers[row] = (bytes(text), number)
        return number

    def _check_meter(self) -> None:
        """Another id is another meter, whose counters start where they are."""
        if self._texts.is_other_meter():
            self._submeters.forget()
            self._values.accept_all()


def _units(value: int, scaler: int) -> int:
    """Whole units of a limit."""
    if scaler >= 0:
        return value * 10 ** min(scaler, 9)
    return value // 10 ** min(-scaler, 9)
