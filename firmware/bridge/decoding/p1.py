"""Decodes P1 telegrams: a Frame with text lines in, a call of `emit` with a Register for each value out.

    A-B:C.D.E(value*unit)     number: value, scaler, unit
    A-B:C.D.E(text)           text as sent, also digits without a unit and nothing at all
    A-B:C.D.E(TST)(value)     the value with its own time
    A-B:C.D.E(v*u)(w*u)       one register each
    0-n:24.3.0(TST)..(unit)   DSMR 2 and 3: the value follows alone on the next line

What a CRC vouches for is read tolerantly: lines that make no sense are skipped. Without a CRC nothing may be odd.
Most objects are read by p1_viper; p1_plain reads what that leaves, and all where there is no machine code.
"""

from array import array

from micropython import const

from bridge.core.errors import DecodeError
from bridge.core.unload import unload
from bridge.decoding import p1_units
from bridge.decoding.register import Register, Views

try:
    from bridge.decoding.p1_viper import run
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    run = None

_LF = const(10)
_CR = const(13)

# The work array, shared with p1_viper and p1_plain: 0 A-B, 1 C.D.E, 2 F, 3 value, 4 decimals, 5 and 6 the group, 7 and 8 the
# time's group, 9 no CRC, 10 objects seen, 11 unit, 12 bits: 1 number, 2 with a time, 4 negative, 8 digits without a unit,
# 13 digits of a whole number, 14 cell of the next known register, 15 bits of the number read last;
# the objects seen in a telegram without CRC, C.D.E and A-B; key and code of each unit, with a 0 behind the last.
_STRICT, _SEEN, _NEXT = const(9), const(10), const(14)
_NOTHING_KNOWN = const(999)  # beyond all cells
_UNIT_TABLE = const(96)

_register = Register()
_views = Views()
_work = array("i", bytes(4 * _UNIT_TABLE))
_work.extend(array("i", p1_units.table()))
del p1_units
unload("bridge.decoding.p1_units")
_plain = None  # a p1_plain.Plain when one was needed


def decode(frame, emit, known=None) -> None:
    """Calls `emit(register)` for each value of a P1 Frame, in the telegram's order; the register is valid during the call.

    What `known` expects (see register.py) goes there instead of to `emit`. Raises DecodeError when the telegram has no
    lines, or has no CRC and is not exactly well formed.
    """
    global _plain
    buffer = frame.buffer
    end = frame.end - 1  # of the '!'
    strict = _work[_STRICT] = frame.checksum == "none"
    _work[_SEEN] = 0
    _work[_NEXT] = 1 if known else _NOTHING_KNOWN
    _views.rewind(buffer)
    at = (buffer.find(b"\n", frame.start, end) + 1) or (buffer.find(b"\r", frame.start, end) + 1)
    if not at:
        raise DecodeError("P1: no line after the identification")
    if strict and buffer[at] != _CR and buffer[at] != _LF:
        raise DecodeError("P1: no empty line after the identification")
    begun = False
    while True:
        if run:
            at = run(buffer, at, end, _work, _register, _views, emit, known)
        if at >= end:
            return
        octet = buffer[at]
        if octet == _CR or octet == _LF:
            at += 1
            continue
        if not begun:
            if _plain is None:
                from bridge.decoding.p1_plain import Plain

                _plain = Plain(_register, _views, _work)
            _plain.begin(buffer, end, emit)
            begun = True
        after = _plain.object(at)
        if not after or strict and after < end and buffer[after] != _CR and buffer[after] != _LF:
            if strict:
                raise DecodeError("P1: odd line in a telegram without CRC")
            after = buffer.find(b"\n", at, end) + 1 or end  # the line makes no sense
        at = after
