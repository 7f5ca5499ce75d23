"""Walks through an A-XDR value of DLMS: octets in, a call of `_emit` with a Register for each value that has a name out.

Each OBIS code is taken with the value behind it, and the scaler and unit behind that, whatever structures they are in. A list of
push objects that comes first names the values that follow it; a layout (see dlms_lists) names those of a list of bare values.
Every length is checked, nothing recurses, each step uses at least one octet.
"""

from array import array

from micropython import const

from bridge.core.errors import DecodeError
from bridge.decoding.register import Register, Views

try:
    from bridge.decoding.dlms_viper import run
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    run = None

# The work array, shared with dlms_viper: 0 values left, 1 cell of the next known register, 2 A-B, 3 C.D.E, 4 F, 5 scaler as sent, 6
# unit or 256, 7 and 8 high and low part of the number, 9 kind of it, 10 octets of a row of codes or 0, 11 the next one, 12 their
# end, 13 whether scalers that are not sent count as implied, 14 how many values must be left for scaler and unit to be behind the number.
_LEFT, _STRIDE, _PLACE, _LAST, _IMPLIED, _FEWEST, _WORK = const(0), const(10), const(11), const(12), const(13), const(14), const(15)
_STRUCTURE, _OCTETS, _INTEGER, _UNSIGNED_16, _ENUM = const(2), const(9), const(15), const(18), const(22)
# Per type: octets in the low nibble; a number, a signed one, a length follows, elements follow; 4F: rare or not known.
KINDS = b"\x00\x80\x80\x11\x40\x24\x14\x4f\x4f\x40\x40\x4f\x40\x01\x4f\x21\x22\x11\x12\x4f\x28\x18\x11\x04\x08\x0c\x05\x04"
_NUMBER, _SIGNED, _LENGTH, _CONTAINER, _UNKNOWN = const(0x30), const(0x20), const(0x40), const(0x80), const(0x4F)
_BITS = const(4)  # the bit string, whose length counts bits
_DEEPEST = const(8)  # nested structures: four are the most seen
_OBJECT = const(18)  # octets of a push object: structure of class, OBIS, attribute, index
_CODE, _ATTRIBUTE = const(7), const(7)  # where in it the code is, and behind that the attribute
SCALER_ROW = b"\xff\x0f\x03"  # of a push object: end of the code, attribute 3
_NEVER = const(0x10000)  # more values than there can be
_PUSH_SETUP = const(40)  # class whose value is the list of push objects itself
_ROW = const(8)  # octets of a row of a layout: code, 0, attribute
_DATE_TIME = const(12)  # octets
_TIME = const(1 << 16)  # 0-0:1.0.0 as C.D.E: the meter's clock
_TYPE = const(96 << 16 | 1 << 8 | 1)  # 96.1.1: Kamstrup's kind of meter
_NAME = const(42 << 16)  # 42.0.0: logical device name, the maker's three letters first
_LIST_ID = const(2 << 8 | 129)  # 0.2.129: list id of the Nordic countries


class Walk:
    """The subclass has _buffer, _end, _emit, _known, _id_at, _type_at, _time_at of the notification, the flags _numbers and _emitted, and the methods scale, _nameless, _clock."""

    def __init__(self):
        self._register = Register()
        self._views = Views()
        self._left = array("H", [0] * _DEEPEST)
        self._work = array("i", [0] * _WORK)
        self.nothing = None

    def _meter_value(self, code: int, value) -> Register:
        """The register, filled with a value of the meter itself (0-0)."""
        register = self._register
        register.ab = register.scaler = register.unit = 0
        register.cde = code
        register.f = 255
        register.value = value
        register.time = None
        register.implied = False
        return register

    def _walk(self, at: int, layout) -> int:
        """Passes over one value with all in it, emits registers; gives the place behind. `layout`: None, or a row of _ROW octets for each of bare values."""
        buffer = self._buffer
        end = self._end
        work = self._work
        codes = layout or buffer
        work[_IMPLIED] = codes is buffer
        work[_STRIDE] = _ROW if layout else 0
        work[_FEWEST] = 2
        work[_PLACE] = self._depth = 0
        code = self._first = -1
        work[_LEFT] = 1
        while True:
            while not work[_LEFT]:
                if not self._depth:
                    return at
                self._depth -= 1
                work[_LEFT] = self._left[self._depth]
                code = -1
            listed = work[_STRIDE] and self._depth == 1
            if run and code < 0 and (listed or not work[_STRIDE]):
                start = at
                at = run(codes, buffer, at, end, work, self._register, self, self._emit, self._known)
                if at != start:
                    self._numbers = self._emitted = 1
                    if not work[_LEFT]:
                        continue
            if at >= end:
                raise DecodeError("DLMS: notification ends within a value")
            start = at
            kind = KINDS[buffer[at]] if buffer[at] < len(KINDS) else _UNKNOWN
            at += 1
            work[_LEFT] -= 1
            size = kind & 15
            if kind & (_LENGTH | _CONTAINER):
                at = self._length(kind, buffer[start], at)
                size = self._size
            if kind & _CONTAINER:
                at = self._enter(start, at, size, code)
                code = self._code
                continue
            after = at + size
            if after > end:
                raise DecodeError("DLMS: value longer than the notification")
            if listed:
                code = work[_PLACE]
                work[_PLACE] = code + work[_STRIDE]
                if code >= work[_LAST] or codes[code + _ATTRIBUTE] != 2:
                    code = -1
            if code >= 0:
                at = self._take(codes, code, kind, at, size)
                code = -1
                continue
            if size == 6 and buffer[at] < 16 and buffer[start] == _OCTETS and not work[_STRIDE]:
                code = at
            elif size and (kind == _LENGTH or size == _DATE_TIME):
                self._nameless(at, after, start == self._first, self._depth == 1 and not work[_LEFT])
            at = after

    def _enter(self, start: int, at: int, size: int, code: int) -> int:
        """Enters the structure at `start` whose `size` values begin at `at`; gives where to go on, and in _code what is named there.

        `code`: of the value that the structure is.
        """
        work = self._work
        left = self._left
        depth = self._depth
        if depth == _DEEPEST or size > self._end - at:
            raise DecodeError("DLMS: structure with too much in it")
        self._code = -1
        if depth == 1:
            work[_PLACE] += work[_STRIDE]
        if code >= 0 and size == 2:
            if self._scaler_unit(start):  # before the value
                self._code = code
                return start + 6
            kind = self._buffer[at]
            if kind < len(KINDS) and self._scaler_unit(at + 1 + (KINDS[kind] & 15)):  # number, scaler and unit
                self._code = code
        left[depth] = work[_LEFT]
        work[_LEFT] = size
        if not depth:
            self._first = at
            work[_LAST] = _ROW * size
        elif start == self._first and left[1] and self._is_objects(at, size):
            work[_LEFT] = left[1]
            work[_STRIDE] = _OBJECT
            place = at + _CODE
            if self._buffer[at + 4] == _PUSH_SETUP and self._buffer[place + _ATTRIBUTE] == 2:  # whose value was this list
                place += _OBJECT
            work[_PLACE] = place
            at = work[_LAST] = at + _OBJECT * size
            work[_FEWEST] = 1
            place = self._buffer.find(SCALER_ROW, place, at)
            if place >= 0:
                for place in range(place - 3, place):
                    if self._buffer[place] != self._buffer[place - _OBJECT]:  # it does not follow its value
                        work[_FEWEST] = _NEVER
            return at
        if 4 <= size <= 6 and self._is_object(at):  # an object and its value, perhaps an index before and scaler and unit behind
            if self._buffer[at + 12] == 2:
                self._code = at + 5
            at += 13
            work[_LEFT] = size - 3
            if size > 4 and self._buffer[at] == _UNSIGNED_16 and not self._scaler_unit(at + 3):
                at += 3
                work[_LEFT] = size - 4
        self._depth = depth + 1
        return at

    def _length(self, kind: int, tag: int, at: int) -> int:
        """Reads a length of one to five octets into _size; gives the place behind it."""
        if at < self._end and self._buffer[at] < 128 and tag != _BITS and kind != _UNKNOWN:  # mostly
            self._size = self._buffer[at]
            return at + 1
        return self._odd_length(kind, tag, at)

    def _odd_length(self, kind: int, tag: int, at: int) -> int:
        buffer = self._buffer
        end = self._end
        if kind == _UNKNOWN:
            from bridge.decoding.dlms_rare import size_of

            self._size = size_of(self, buffer, at, end)
            return at
        size = buffer[at] if at < end else 0
        octets = 0
        at += 1
        if size & 128:
            octets = size & 127
            size = 0
        if at + octets > end or octets > 4:
            raise DecodeError("DLMS: length of a value is none")
        while octets:
            size = size << 8 | buffer[at]
            at += 1
            octets -= 1
        self._size = size + 7 >> 3 if tag == _BITS else size
        return at

    def _is_object(self, at: int) -> bool:
        """Whether class, OBIS code and attribute are at `at`."""
        buffer = self._buffer
        return at + 14 <= self._end and buffer[at] == _UNSIGNED_16 and buffer[at + 3] == _OCTETS and buffer[at + 4] == 6 and buffer[at + 11] == _INTEGER

    def _is_objects(self, at: int, count: int) -> bool:
        """Whether `count` push objects are at `at`, and nothing else."""
        buffer = self._buffer
        if not count or at + count * _OBJECT > self._end:
            return False
        while count:
            if buffer[at] != _STRUCTURE or buffer[at + 1] != 4 or buffer[at + 15] != _UNSIGNED_16 or not self._is_object(at + 2):
                return False
            at += _OBJECT
            count -= 1
        return True

    def _take(self, codes, code: int, kind: int, at: int, size: int) -> int:
        """Emits the value at `at` of the code codes[code:code + 6]; gives the place behind it, and behind its scaler and unit."""
        work = self._work
        after = at + size
        if self._value(codes, code, kind, at, size):
            if work[_LEFT] and work[_FEWEST] < _NEVER and self._scaler_unit(after):
                after += 6
                work[_LEFT] -= 1
                if self._depth == 1:
                    work[_PLACE] += work[_STRIDE]
            elif kind & _NUMBER and (work[_STRIDE] or not self._scaler_unit(at - 7)):
                self._register.implied = codes is self._buffer
                self.scale()
            self._emitted = 1
            self._emit(self._register)
        return after

    def _scaler_unit(self, at: int) -> bool:
        """Takes the structure of scaler and unit at `at` into the register, if it is one."""
        buffer = self._buffer
        if at + 6 > self._end or buffer[at] != _STRUCTURE or buffer[at + 1] != 2 or buffer[at + 2] != _INTEGER or buffer[at + 4] != _ENUM:
            return False
        scaler = buffer[at + 3]
        unit = buffer[at + 5]
        self._register.scaler = scaler - 256 if scaler & 128 else scaler
        self._register.unit = 0 if unit == 255 else unit
        return True

    def _value(self, codes, code: int, kind: int, at: int, size: int) -> bool:
        """Fills the register with the value at `at` of the code codes[code:code + 6]; False when there is nothing to emit."""
        cde = codes[code + 2] << 16 | codes[code + 3] << 8 | codes[code + 4]
        register = self._meter_value(cde, 0)
        register.ab = codes[code] << 8 | codes[code + 1]
        register.f = codes[code + 5]
        buffer = self._buffer
        if kind & _NUMBER:
            flip = 255 if kind & _SIGNED and buffer[at] & 128 else 0
            high = low = 0
            after = at + size
            while at < after - 3:
                high = high << 8 | buffer[at] ^ flip
                at += 1
            while at < after:
                low = low << 8 | buffer[at] ^ flip
                at += 1
            if high:
                low |= high << 24
            register.value = ~low if flip else low
            self._numbers = 1
            return True
        if cde == _TIME and size == _DATE_TIME:
            register.time = register.value = self._clock(at)
            if register.time is None:
                return False
            if not register.ab:
                self._time_at = -2  # said: the head's is not needed
            return True
        if kind != _LENGTH or not size:
            return False
        if cde == _TYPE:
            self._type_at = at
        elif cde == _NAME or cde == _LIST_ID:
            self._id_at = at
        register.value = self._views.get(at, at + size)
        return True

