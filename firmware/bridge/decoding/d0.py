"""Decodes D0 telegrams (IEC 62056-21): a Frame with text in, a call of `emit` with a Register for each value out.

    A-B:C.D.E*F(value*unit)     any number of data sets on a line; 1.8.0, 6.8*01, F.F, C.1 are codes too
    C.D.E(value*unit)(text)     one register for each bracket

A code without medium and channel counts as 1-0 (electricity), C, F, L, P as 96 to 99, an E of 255 as 0; what is not a whole
A-B:C.D.E*F is in `register.code` as sent. Date and time (0.9.2, 0.9.1) are also given as 0-0:1.0.0, at the end.
A BCC forgives a data set that makes no sense. Without one all must be well formed.
"""

from micropython import const

from bridge.core.errors import DecodeError
from bridge.core.unload import unload
from bridge.decoding import p1_units
from bridge.decoding.register import UNIT_KILO, UNIT_MEGA, Register, Views

_CODE_MAX = const(24)  # characters of a code: the standard allows 16
_MAX_DIGITS = const(20)  # of a number
_GROUPS = const(8)  # brackets of one data set that are read; load profiles have more
_LONGEST_UNIT = const(5)
_UNIT_MAX = const(8)  # characters of one that is not in the table
_SHORT = const(0x100)  # A-B of a code without: 1-0
_NO_CODE = const(0xFFFF)  # A-B of what no register has
_ENERGY = const(8)  # D
_TIME, _DATE = const(9 << 8 | 1), const(9 << 8 | 2)  # 0.9.1, 0.9.2
_CLOCK = const(1 << 16)  # 0-0:1.0.0 as C.D.E
_LF, _CR, _BLANK, _AND, _OPEN, _STAR, _PLUS, _COMMA = const(10), const(13), const(32), const(38), const(40), const(42), const(43), const(44)
_MINUS, _DOT, _SLASH, _COLON = const(45), const(46), const(47), const(58)
_ABSTRACT = const(96 << 16)  # C from here on: nothing that was measured
_LETTERS = b"CFLP"  # stand for 96 to 99
_ODD = const(999)  # other letters: no number of a code

# Manufacturer, unit of the counters that it sends without one, source
_IMPLIED = ((b"HAG", UNIT_KILO | 30, "protocols 5.2; the display counts kWh"),)

_key = p1_units.key
_units = p1_units.table()
_UNITS = {_units[i]: _units[i + 1] for i in range(0, len(_units) - 1, 2)}
for _name, _unit in ((b"MWh", UNIT_MEGA | 30), (b"Deg", 8), (b"h", 5)):
    _UNITS[_key(_name, 0, len(_name))] = _unit
del _units, p1_units
unload("bridge.decoding.p1_units")

_register = Register()
_views = Views()
_stamp = bytearray(12)  # YYMMDDhhmmss of 0.9.2 and 0.9.1


def decode(frame, emit, known=None) -> None:
    """Calls `emit(register)` for each value of a D0 Frame, in the telegram's order; the register is valid during the call.

    Raises DecodeError when there is no data set, or one that is not well formed in a telegram without BCC. `known` is not used.
    """
    buffer = frame.buffer
    at = frame.start
    end = frame.end - 1  # of the '!'
    strict = frame.checksum == "none"
    unit = 0
    _views.rewind(buffer)
    _register.time = None
    _stamp[0] = _stamp[6] = 0
    found = False
    if buffer[at] == _SLASH:
        for row in _IMPLIED:
            maker = row[0]
            if maker[0] == buffer[at + 1] and maker[1] == buffer[at + 2] and maker[2] == buffer[at + 3] & 0xDF:
                unit = row[1]
        at = buffer.find(b"\n", at, end) + 1 or end
    while at < end:
        octet = buffer[at]
        if octet == _CR or octet == _LF:
            at += 1
            continue
        bracket = buffer.find(b"(", at, end)
        after = _groups(buffer, bracket, end, strict, unit, emit) if bracket > at and _code(buffer, at, bracket) else 0
        if after:
            found = True
        elif strict:
            raise DecodeError("D0: odd data set in a telegram without checksum")
        else:
            after = buffer.find(b"\n", at, end) + 1 or end
        at = after
    if not found:
        raise DecodeError("D0: no data set")
    if _stamp[0] and _stamp[6]:
        register = _register
        register.ab = register.scaler = register.unit = 0
        register.cde = _CLOCK
        register.f = 255
        register.code = None
        register.value = _stamp
        emit(register)


def _code(buffer: bytearray, start: int, end: int) -> bool:
    """Reads the code at start..end into the register; False when it cannot be one."""
    if end - start > _CODE_MAX:
        return False
    a = ab = -1
    cde = fields = number = digits = 0
    f = 255
    exact = True  # ab, cde and f say all that was sent
    known = True
    star = 0
    for i in range(start, end + 1):
        octet = buffer[i]
        if 48 <= octet <= 57:
            number = number * 10 + octet - 48
            digits += 1
            if digits > 1 and number < 10:
                exact = False  # a zero in front
            continue
        if 65 <= octet <= 90:
            number = _ODD
            if not digits and octet in _LETTERS:
                number = 96
                while _LETTERS[number - 96] != octet:
                    number += 1
            digits += 1
            exact = False
            continue
        if not 0 < digits <= 3:
            return False
        if number > 255:
            known = exact = False
        if octet == _MINUS or octet == _COLON:
            if fields or (a if octet == _MINUS else ab) >= 0 or octet == _COLON and a < 0:
                return False
            if octet == _MINUS:
                a = number
            else:
                ab = a << 8 | number
        elif star:
            if octet != _OPEN:
                return False
            f = number
        else:
            if fields == 3 or a >= 0 and ab < 0 or octet != _DOT and octet != _OPEN and octet != _STAR and octet != _AND:
                return False
            fields += 1
            cde = cde << 8 | number
            if octet != _DOT and octet != _OPEN:
                star = i
        number = digits = 0
    if cde & 255 == 255 and cde < _ABSTRACT and fields == 3:  # EasyMeter's 1.7.255: of no tariff, as good as 0
        cde -= 255
        exact = False
    if ab < 0 or fields < 3 or star and buffer[star] == _AND:
        exact = False
    _set(ab if ab >= 0 else _SHORT, cde << 8 * (3 - fields) if known else -1, f)
    _register.code = None if exact else _views.get(start, star if star and f == 255 else end)
    return True


def _set(ab: int, cde: int, f: int) -> None:
    register = _register
    register.ab = _NO_CODE if cde < 0 else ab
    register.cde = 0 if cde < 0 else cde
    register.f = f if cde >= 0 else 255


def _groups(buffer: bytearray, at: int, end: int, strict: bool, unit: int, emit) -> int:
    """Emits what the brackets from `at` on say; the index after the last, 0 when they are not well formed."""
    for count in range(end):
        close = buffer.find(b")", at, end)
        if close < 0 or buffer.find(b"(", at + 1, close) >= 0 or strict and buffer.find(b"\n", at, close) >= 0:
            return 0
        if count < _GROUPS and not _value(buffer, at + 1, close, strict, unit, emit):
            return 0
        at = close + 1
        behind = at
        while behind < end and (buffer[behind] == _CR or buffer[behind] == _LF):
            behind += 1
        if behind >= end or buffer[behind] != _OPEN:
            break
        at = behind
    return at


def _value(buffer: bytearray, start: int, end: int, strict: bool, implied: int, emit) -> bool:
    """Emits one value; False when it is a number that was damaged."""
    register = _register
    cde = register.cde
    if register.f == 255 and (cde == _TIME or cde == _DATE):
        _note(buffer, start, end, 6 if cde == _TIME else 0)
    star = buffer.find(b"*", start, end)
    if star < 0:
        star = buffer.find(b" ", start, end)  # as MT171 parts them
        unit = _unit(buffer, star + 1, end) if star > 0 else 0
        if unit > 0 and _number(buffer, start, star, unit, emit):
            return True
        if implied and cde >> 8 & 255 == _ENERGY and _number(buffer, start, end, implied, emit):
            return True
    else:
        unit = _unit(buffer, star + 1, end)
        if unit >= 0:
            if strict and not unit and cde < _ABSTRACT and not register.code and 7 <= (cde >> 8 & 255) <= 8:  # pushed: V, A, W, kWh, Hz
                return False
            if _number(buffer, start, star, unit, emit):
                return True
            if strict:
                return False
    register.value = _views.get(start, end)
    register.scaler = register.unit = 0
    emit(register)
    return True


def _number(buffer: bytearray, start: int, end: int, unit: int, emit) -> bool:
    """Emits the decimal number at start..end; False when it is none."""
    value = digits = scaler = 0
    negative = point = False
    for i in range(start, end):
        octet = buffer[i]
        if 48 <= octet <= 57:
            value = value * 10 + octet - 48
            digits += 1
            if point:
                scaler -= 1
        elif (octet == _DOT or octet == _COMMA) and digits and not point:
            point = True
        elif (octet == _MINUS or octet == _PLUS) and not digits and not negative:
            negative = octet == _MINUS
        elif octet != _BLANK or digits and i + 1 < end:
            return False
    if not 0 < digits <= _MAX_DIGITS:
        return False
    register = _register
    register.value = -value if negative else value
    register.scaler = scaler
    register.unit = unit
    emit(register)
    return True


def _unit(buffer: bytearray, start: int, end: int) -> int:
    """Code of the unit at start..end; 0 of one that is not known, -1 when it is no unit."""
    while start < end and buffer[start] == _BLANK:
        start += 1
    while start < end and buffer[end - 1] == _BLANK:
        end -= 1
    if not 0 < end - start <= _UNIT_MAX or buffer[start] < 58 and buffer[start] != 37:
        return -1
    for i in range(start, end):
        octet = buffer[i]
        if not (65 <= octet & 0xDF <= 90 or 47 <= octet <= 57 or octet == 37 or octet == 94):  # letters, digits, / % ^
            return -1
    return _UNITS.get(_key(buffer, start, end), 0) if end - start <= _LONGEST_UNIT else 0


def _note(buffer: bytearray, start: int, end: int, at: int) -> None:
    """Keeps hh:mm:ss, or [20]YY-MM-DD, with or without its separators, at index `at` of the stamp; forgets it when it is none."""
    count = 0
    first = start + 2 if not at and end - start in (8, 10) and buffer[start] == 50 and buffer[start + 1] == 48 else start
    for i in range(first, end):
        octet = buffer[i]
        if 48 <= octet <= 57:
            if count < 6:
                _stamp[at + count] = octet
            count += 1
        elif octet != _MINUS and octet != _COLON:
            count = 7
    if count != 6:
        _stamp[at] = 0
