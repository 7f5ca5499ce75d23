"""Registers of one telegram in, one Reading out: OBIS tables applied, times in UTC, counters checked, missing sums derived.

`add` is what a decoder calls for each register; it notes where usual ones go, so that next time the decoder can put their
numbers there itself (`values`, see decoding/register.py). What is rare is in functions of its own.
"""

from micropython import const

from bridge.core.counters import Counters
from bridge.core.unload import unload
from bridge.reading import obis_tables
from bridge.reading.plausibility import absurd, believed_time
from bridge.reading.reading import Reading, Schemas
from bridge.reading.submeters import CHANNELS, Submeters
from bridge.reading.texts import Texts
from bridge.reading.timestamp import Clockwork, digits, utc
from bridge.reading.values import Values

_rows = obis_tables.rows()
del obis_tables
unload("bridge.reading.obis_tables")
# A << 8 | B to the upper part of a key of the table; electricity's B is 1 where a meter counts its channels.
_MEDIA = {0x100: 0, 0x101: 0, 0: 1 << 24, 0x103: 2 << 24, 0x8181: 3 << 24}
_OTHER_F = const(4 << 24)  # 1-0:96.50.1*1, the only one with a field F
_MONTH_PEAKS = const(1 << 24 | 98 << 16 | 1 << 8)  # 0-0:98.1.0
_PEAKS_TEXT = const(13)  # key of that text in Texts
_IDS_END = const(8)
_COUNTERS = const(26)  # these and more numbers of slots: see values.py
_POWER, _REACTIVE, _ABSOLUTE = const(26), const(32), const(61)  # powers are before reactive power, and from _ABSOLUTE to _TIME
_PEAK = const(48)
_FUSE = const(50)
_PEAK_TIME = const(54)
_TIME = const(68)
_STATUS = const(69)
_TARIFFS = const(70)  # of reactive energy: helpers that count
_ZERO = const(32)  # EXPONENT_ZERO
_METER, _UPTIME = const(0), const(2)  # as in reading.py
_RULE_LIMIT, _RULE_STAMP, _RULE_CLOCK, _RULE_STATUS = const(1), const(2), const(3), const(4)
_AMPERE = const(33)
_NO_LIMIT = const(999)  # kW or A
_POINT = const(46)
_MAX_DIGITS = const(9)  # of a number without unit
_LOCAL = const(1)  # in the place of an exponent: the time is of such a clock
_DOUBTED = ("p1", "d0")  # text: of these, what came in the clear with no checksum or a weak one may be misread
_WEAK = ("none", "bcc")


class Builder:
    """Reused for every telegram: `begin`, `add` per register, `finish`. `values`: for the decoder, see there.

    `careful`: a telegram without a good checksum has to agree with another one (see doubt.py), a sub-meter's first value is not 0;
    False for captures. Counts into `counters` (a core Counters): counter_falls, ignored_values (unit or size does not fit the
    code), malformed_peaks, doubted_telegrams.
    """

    def __init__(self, counters=None, careful: bool = False):
        self._careful = careful
        self._doubt = None
        self._doubted = False
        self.counters = Counters() if counters is None else counters
        values = self.values = Values()
        self._value = values.value
        self._exponent = values.exponent
        self._form = values.form
        self._texts = Texts()
        self._submeters = Submeters(_rows, self._texts, values, careful)
        self._schemas = Schemas()
        self._schema = None
        self._clock = Clockwork()
        self._peak_raw = b""
        self._peak_time = None

    def begin(self, frame=None) -> None:
        """A new telegram; `frame` (as a framer gives it) names the protocol and has P1's identification line."""
        self.values.begin()
        self._submeters.begin()
        self._texts.begin(frame)
        self._doubted = self._careful and frame and frame.checksum in _WEAK and not frame.security and frame.protocol in _DOUBTED
        if self._doubted:
            if self._doubt is None:
                from bridge.reading.doubt import Doubt

                self._doubt = Doubt(self.values)
            self._doubt.begin(frame)

    def add(self, register) -> None:
        """Takes one register; it is not kept."""
        key = register.ab
        if 0 < key <= CHANNELS:
            self._submeters.add(register)
            return
        key = _MEDIA.get(key)
        if key is None:
            return
        if register.f != 255:
            if register.f != 1:
                return
            key = _OTHER_F
        row = _rows.get(key | register.cde)
        value = register.value
        if row is None or row < 0:
            if row is not None or key | register.cde == _MONTH_PEAKS:
                self._add_text(_PEAKS_TEXT if row is None else -1 - row, value)
            return
        exponent = register.unit
        if row & 0xF000 or exponent & 0xFEFF != row >> 16 or not isinstance(value, int):
            self._add_special(register, row)
            return
        exponent = register.scaler + (row >> 8 & 15) + (_ZERO + 3 if exponent & 0x100 else _ZERO)
        row &= 255
        if exponent == self._exponent[row] and 0 <= value < (1000000000 if row < _COUNTERS else 1000000):
            if row >= _COUNTERS or value >= self._value[row]:
                self._form[row] = exponent
                self._value[row] = value
            else:
                self.values.put(row, value, exponent)
        elif not self._put(row, value, exponent):
            return
        if self.values.rows[0]:
            self._note(register, row)
        elif row < _COUNTERS and (register.status or register.time is not None):
            self._set_status(register)  # of SML's counters they speak for the whole telegram

    def finish(self, seq: int, now: int, now_source: int):
        """The Reading number `seq`, None when no register was a quantity. `now`: the dongle's clock, `now_source` BRIDGE or UPTIME."""
        values = self.values
        if self._doubted and not self._doubt.believes(self._texts.get(0, _IDS_END), now):
            self.counters.add("doubted_telegrams")
            return None
        self._texts.end()
        if self._texts.changed and self._texts.is_other_meter():  # whose counters start where they are
            self._submeters.forget()
            values.accept_all()
        if self._submeters.channels:
            self._submeters.resolve()
        if self._texts.changed or self._submeters.changed:
            self._submeters.changed = False
            self._texts.make_meter(self._submeters.ids)
        values.settle()
        values.derive()
        values.settle()
        schema = self._schema
        if schema is None or schema.form != values.quantities:
            schema = self._schema = self._schemas.of(values.quantities)
        picked = schema.pick(self._value)
        if picked is None:
            from bridge.reading.falls import drop

            drop(values)
            schema = self._schema = self._schemas.of(values.quantities)
            picked = schema.pick(self._value)
        if values.falls:
            self.counters.add("counter_falls", values.falls)
            values.falls = 0
        if values.ignored:
            self.counters.add("ignored_values", values.ignored)
            values.ignored = 0
        if not picked:
            return None
        if self._form[_TIME]:
            time = self._value[_TIME]
            if now_source != _UPTIME:
                time = believed_time(time, now, self._form[_TIME] == _LOCAL)
            if time is not None:
                now = time
                now_source = _METER
        return Reading(self._texts.meter, seq, now, now_source, schema, picked)

    def _note(self, register, slot: int) -> None:
        """Notes for the decoder where a register that was as usual goes (see decoding/register.py for the cells)."""
        if register.time is None and register.f == 255 and -32 < register.scaler <= 0:
            rows = self.values.rows
            at = rows[0]
            rows[at] = register.cde
            rows[at + 1] = register.ab << 16 | register.unit << 5 | -register.scaler
            rows[at + 2] = slot | self._exponent[slot] << 8 | (1 << 16 if slot < _COUNTERS or slot >= _TARIFFS else 0)

    def _add_text(self, key: int, raw) -> None:
        if isinstance(raw, int):
            return
        try:
            self._texts.put(key, raw)
        except ValueError:
            self.counters.add("malformed_peaks")

    def _put(self, target: int, value: int, exponent: int) -> bool:
        """Takes a value that may be large, negative, lower than before or of other decimals than before; whether it is taken."""
        if not (_POWER <= target < _REACTIVE or _ABSOLUTE <= target < _TIME) or not 20 <= exponent <= 44:  # powers make sums: finish judges them
            if absurd(target, value, exponent):
                self.values.ignored += 1
                return False
        self.values.put(target, value, exponent)
        return True

    def _add_special(self, register, row: int) -> None:
        """A register with a rule, without a unit, or whose value or unit is not simply what its row says."""
        if row >> 12 & 15 == _RULE_CLOCK:
            self._set_time(row & 255, register.time if register.time is not None else register.value)
        else:
            self._add_odd(register, row)

    def _add_odd(self, register, row: int) -> None:
        rule = row >> 12 & 15
        target = row & 255
        value = register.value
        point = 0
        unit = register.unit & 0xFAFF
        exponent = register.scaler + (row >> 8 & 15) + _ZERO + (3 if register.unit & 0x100 else 6 if register.unit & 0x400 else 0)
        if not isinstance(value, int):
            if not len(value):
                return
            try:
                if len(value) > _MAX_DIGITS:
                    value = None
                elif rule == _RULE_STATUS:  # D0 sends it in hex
                    value = int(bytes(value), 16)
                else:
                    while point < len(value) and value[point] != _POINT:
                        point += 1
                    point = (point + 1) % (len(value) + 1)
                    if point and len(value) > 1:  # a power factor
                        exponent += point - len(value)
                        value = bytes(value[: point - 1]) + bytes(value[point:])
                    value = digits(value, 0, len(value))
            except ValueError:
                value = None
        if value is None or unit != row >> 16 and (unit != 255 or row >> 16):
            if value is None or rule != _RULE_LIMIT or unit != _AMPERE:
                self.values.ignored += 1
                return
            target = _FUSE
            exponent += 3
        if rule == _RULE_STATUS:
            self._set_time(target, value)
        elif rule == _RULE_LIMIT and register.scaler <= 0 and value // 10**-register.scaler == _NO_LIMIT:
            return
        elif self._put(target, value, exponent):
            if rule == _RULE_STAMP and register.time is not None:
                self._set_peak_time(register.time)
            elif not rule and self.values.rows[0] and not register.unit and not point:
                self._note(register, target)

    def _set_status(self, register) -> None:
        if register.status:
            self._set_time(_STATUS, register.status)
        if register.time is not None:
            self._set_time(_TIME, register.time)

    def _set_time(self, target: int, stamp) -> None:
        """`stamp`: TST or a whole number (UTC, a status); what is no time leaves the slot empty."""
        time = stamp if isinstance(stamp, int) else self._clock.utc(stamp)
        if time is not None:
            self._form[target] = _ZERO if isinstance(stamp, int) or len(stamp) > 12 else _LOCAL
            self._value[target] = time

    def _set_peak_time(self, stamp) -> None:
        """The peak's stamp changes once a month or so: it is read again only then."""
        if self._peak_raw != stamp:
            self._peak_raw = stamp if isinstance(stamp, int) else bytes(stamp)
            self._peak_time = utc(stamp)
        if self._peak_time is None:
            self._form[_PEAK] = 0  # unset: the month has no peak yet
        else:
            self.values.put(_PEAK_TIME, self._peak_time, _ZERO)
