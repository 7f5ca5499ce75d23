"""What is rare in P1 telegrams, and all of it where there is no machine code: one object of the text in, its registers emitted.

Imported when first needed. Work array: see p1.py; keys of units: see p1_units.py.
"""

from array import array

from micropython import const

from bridge.core.errors import DecodeError
from bridge.decoding.register import Register, Views

_CR = const(13)
_LF = const(10)
_OPEN = const(40)
_CLOSE = const(41)
_STAR = const(42)
_MINUS = const(45)
_DOT = const(46)
_MAX_DIGITS = const(20)  # no register is longer; a longer run of digits is text
_MAX_GROUPS = const(8)  # (..) of one object that are read one by one; DSMR 2 gas has 7
_MAX_PLAIN = const(40)  # registers of a telegram without CRC: DSMR 2.2 and 3.0 have 20
_LONGEST_UNIT = const(5)
_HOURLY = const(24 << 16 | 3 << 8)  # 24.3.0: gas of DSMR 2 and 3
# Lists handed on as they are: month peaks and the log of power failures.
_MONTH_PEAKS = const(98 << 16 | 1 << 8)
_FAILURES = const(99 << 16 | 97 << 8)
_UNKNOWN = const(-1)
_STRICT, _SEEN = const(9), const(10)
_SEEN_CDE, _SEEN_AB, _UNIT_TABLE = const(16), const(56), const(96)


class Plain:
    """Reads single objects; the register, the views and the work array are the decoder's."""

    def __init__(self, register: Register, views: Views, work: array):
        self._register = register
        self._views = views
        self._work = work
        self._starts = array("H", [0] * _MAX_GROUPS)
        self._ends = array("H", [0] * _MAX_GROUPS)

    def begin(self, buffer: bytearray, end: int, emit) -> None:
        """A telegram in `buffer` whose '!' is at `end`."""
        self._buffer = buffer
        self._end = end
        self._emit = emit
        self._strict = self._work[_STRICT] != 0

    def object(self, at: int) -> int:
        """Reads the object at `at`; the index after it, 0 when there is none."""
        buffer = self._buffer
        register = self._register
        field = value = digits = ab = cde = 0
        register.f = 255
        while True:
            octet = buffer[at]
            at += 1
            if 48 <= octet <= 57:
                value = value * 10 + octet - 48
                digits += 1
                if digits > 3:
                    return 0
                continue
            if not digits or value > 255:
                return 0
            if field < 2:
                if octet != (58 if field else _MINUS):  # A-B:
                    return 0
                ab = ab << 8 | value
            elif field < 5:
                if octet != _DOT if field < 4 else octet != _OPEN and octet != _STAR:
                    return 0
                cde = cde << 8 | value
            elif octet == _OPEN:
                register.f = value
            else:
                return 0
            field += 1
            if octet == _OPEN:
                break
            value = digits = 0
        register.ab = ab
        register.cde = cde
        if self._strict:
            self._once(ab, cde)
        if cde == _MONTH_PEAKS or cde == _FAILURES:
            return self._list(at - 1)
        return self._groups(at)

    def _once(self, ab: int, cde: int) -> None:
        work = self._work
        seen = work[_SEEN]
        for i in range(seen):
            if work[_SEEN_CDE + i] == cde and work[_SEEN_AB + i] == ab:
                raise DecodeError("P1: the same object twice in a telegram without CRC")
        if seen == _MAX_PLAIN:
            raise DecodeError("P1: too many objects for a telegram without CRC")
        work[_SEEN_CDE + seen] = cde
        work[_SEEN_AB + seen] = ab
        work[_SEEN] = seen + 1

    def _list(self, at: int) -> int:
        """A list on one line, brackets and all, is one text."""
        buffer = self._buffer
        after = buffer.find(b"\n", at, self._end)
        if after < 0:
            after = self._end
        end = after
        while buffer[end - 1] == _CR or buffer[end - 1] == _LF:
            end -= 1
        if buffer[end - 1] != _CLOSE:
            return 0
        self._text(at, end, None)
        return after

    def _groups(self, at: int) -> int:
        """Emits what the groups say; `at` is behind the first '('. Gives the index after the last ')', 0 without one."""
        buffer = self._buffer
        end = self._end
        after = buffer.find(b")", at, end) + 1
        if not after or buffer.find(b"\n", at, after) >= 0:
            return 0
        if buffer[after] != _OPEN and (after + 2 >= end or buffer[after + 2] != _OPEN and buffer[after + 1] != _OPEN):
            return after if self._value(at, after - 1, None) else 0  # one group, as most objects have
        starts = self._starts
        ends = self._ends
        count = 0
        while True:
            if count == _MAX_GROUPS:
                return 0
            starts[count] = at
            ends[count] = after - 1
            count += 1
            at = after
            while at < end and (buffer[at] == _CR or buffer[at] == _LF):
                at += 1
            if at >= end or buffer[at] != _OPEN:
                break
            at += 1
            behind = buffer.find(b")", at, end) + 1
            if not behind or buffer.find(b"\n", at, behind) >= 0:
                break
            after = behind
        return after if self._several(count) else 0

    def _several(self, count: int) -> bool:
        """Emits the registers of an object with `count` groups; False when one makes no sense."""
        starts = self._starts
        ends = self._ends
        time = None
        first = 0
        if count > 1 and self._is_time(starts[0], ends[0]):
            time = self._views.get(starts[0], ends[0])
            first = 1
            if self._register.cde == _HOURLY and count > 2:
                last = count - 1
                return self._number(starts[last], ends[last], self._unit(starts[last - 1], ends[last - 1]), time)
        for i in range(first, count):
            if not self._value(starts[i], ends[i], time):
                return False
        return True

    def _is_time(self, start: int, end: int) -> bool:
        """YYMMDDhhmmss, with or without a season's letter?"""
        buffer = self._buffer
        if end - start == 13:
            end -= 1
            if buffer[end] not in b"SWsw":
                return False
        if end - start != 12:
            return False
        for i in range(start, end):
            if not 48 <= buffer[i] <= 57:
                return False
        return True

    def _value(self, start: int, end: int, time) -> bool:
        """Emits one value; False when it cannot be one."""
        star = self._buffer.find(b"*", start, end)
        if star < 0:
            self._text(start, end, time)
            return True
        unit = self._unit(star + 1, end)
        if self._number(start, star, unit, time):
            return True
        if not self._strict:
            self._text(start, end, time)
        return not self._strict

    def _text(self, start: int, end: int, time) -> None:
        register = self._register
        register.value = self._views.get(start, end)
        register.scaler = register.unit = 0
        register.time = time
        self._emit(register)

    def _number(self, start: int, end: int, unit: int, time) -> bool:
        """Emits the decimal number at start..end; False when it is none."""
        buffer = self._buffer
        value = 0
        point = -1
        negative = buffer[start] == _MINUS
        first = start + 1 if negative else start
        if not 0 < end - first <= _MAX_DIGITS:
            return False
        for i in range(first, end):
            octet = buffer[i]
            if 48 <= octet <= 57:
                value = value * 10 + octet - 48
            elif octet == _DOT and point < 0 and i > first:
                point = i
            else:
                return False
        if self._strict and unit == _UNKNOWN:
            return False
        register = self._register
        register.value = -value if negative else value
        register.scaler = point - end + 1 if point >= 0 else 0
        register.unit = unit if unit != _UNKNOWN else 0
        register.time = time
        self._emit(register)
        return True

    def _unit(self, start: int, end: int) -> int:
        """Code of the unit written at start..end."""
        if end - start > _LONGEST_UNIT:
            return _UNKNOWN
        wanted = 0
        for i in range(start, end):
            octet = self._buffer[i]
            wanted = wanted << 6 | (octet & 0xDF if octet > 64 else octet) - 48 & 63
        row = _UNIT_TABLE
        while self._work[row]:
            if self._work[row] == wanted:
                return self._work[row + 1]
            row += 2
        return _UNKNOWN
