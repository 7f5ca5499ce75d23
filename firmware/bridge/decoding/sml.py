"""Decodes SML files: a Frame with the body out of the transport in, a call of `emit` with a Register for each list entry out.

Body: messages, each a list of six [transaction, group, abort, [tag, payload], CRC, end]; a GetListResponse is the list
[client, server, name, sensor time, entries, ..], an entry [OBIS, status, time, unit, scaler, value, signature]. The file's
checksum was verified, so those of the messages are not looked at. Nothing here recurses: depth costs nothing.
"""

from array import array

from micropython import const

from bridge.core.errors import DecodeError
from bridge.decoding.register import Register, Views
from bridge.decoding.sml_quirks import unsigned_row

try:
    from bridge.decoding.sml_viper import payload, run, skip
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    from bridge.decoding.sml_plain import payload, run, skip

_OCTETS = const(0x00)
_BOOLEAN = const(0x40)
_SIGNED = const(0x50)
_UNSIGNED = const(0x60)
_LIST = const(0x70)
_TYPE = const(0x70)
_MORE = const(0x80)  # the length goes on in the next octet
_MAX_LENGTH = const(0xFFF)  # of an element: nothing longer fits a file
_MAX_ENTRIES = const(256)  # of a value list: the fullest seen has 38
_MAX_WIDTH = const(8)  # octets of an integer
_LIST_RESPONSE = const(0x0701)
_NONE = const(255)  # unit code of "no unit"
# 2000-01-01T00:00:00Z in Unix seconds, in halves: a Unix time as a whole is no small integer on a 32-bit machine.
_EPOCH_HIGH = const(0x386D)
_EPOCH_LOW = const(0x4380)
_TIME = const(1 << 16)  # 0-0:1.0.0 as C.D.E: the meter's clock
# The work array, shared with sml_viper: 0 entries left, 1 A-B, 2 C.D.E, 3 F, 4 status, 5 unit, 6 scaler, 7 and 8 the octets'
# place or the value's high and low part, 9 and 10 C.D.E and width of fields that are unsigned in truth, 11 kind of value,
# 12 the last status word that was one, 13 and 14 its bits that are looked at and what they are where a field is unsigned.
_LEFT, _ODD, _SEEN, _WORK = const(0), const(9), const(12), const(15)
_STATUS_BITS = const(0xFFFF)  # of the status word are kept


class SmlDecoder:
    """One object for all files. `_at` is the cursor, `_kind` and `_size` are of the element whose head was just read."""

    def __init__(self):
        self._register = Register()
        self._views = Views()
        self._work = array("i", [0] * _WORK)

    def decode(self, frame, emit) -> None:
        """See the module's decode."""
        self._buffer = frame.buffer
        self._at = frame.start
        self._end = frame.end
        self._emit = emit
        self._quirk = None
        self._views.rewind(frame.buffer)
        lists = 0
        while self._at < self._end:
            if not self._buffer[self._at]:  # end of a message, fill bytes
                self._at += 1
            else:
                lists += self._message()
        if not lists:
            raise DecodeError("SML: no list of values in the file")

    def _head(self) -> None:
        """Reads a type-length field: _kind, and _size in octets that follow, or in elements of a list."""
        at = self._at
        if at >= self._end:
            raise DecodeError("SML: file ends within a message")
        octet = self._buffer[at]
        self._kind = octet & _TYPE
        size = octet & 15
        fields = 1
        while octet & _MORE:
            at += 1
            fields += 1
            if at >= self._end:
                raise DecodeError("SML: file ends within a length")
            octet = self._buffer[at]
            size = size << 4 | octet & 15
            if size > _MAX_LENGTH:
                raise DecodeError("SML: element longer than a file")
        at += 1
        self._at = at
        if self._kind != _LIST:
            size -= fields
            if size < 0 or at + size > self._end:
                raise DecodeError("SML: element ends outside of the file")
        self._size = size

    def _skip(self, count: int) -> None:
        """Passes over `count` elements, lists with all that is in them."""
        after = skip(self._buffer, self._at, self._end, count)
        if after:
            self._at = after
            return
        while count > 0:
            count -= 1
            self._head()
            if self._kind == _LIST:
                count += self._size
            else:
                self._at += self._size

    def _list(self, least: int, most: int) -> int:
        """Enters a list; gives its number of elements."""
        self._head()
        if self._kind != _LIST or not least <= self._size <= most:
            raise DecodeError("SML: not the list that belongs here")
        return self._size

    def _integer(self) -> int:
        """Reads an integer of 1 to 8 octets or a boolean; 0 when there is none."""
        self._head()
        kind = self._kind
        if kind == _OCTETS:
            self._at += self._size
            return 0
        if kind != _UNSIGNED and kind != _SIGNED and kind != _BOOLEAN:
            raise DecodeError("SML: no number where one belongs")
        return self._number(kind == _SIGNED)

    def _number(self, signed: bool) -> int:
        """The integer in the next _size octets. Made of two halves: of most registers only the low one is not 0."""
        buffer = self._buffer
        at = self._at
        size = self._size
        if not 0 < size <= _MAX_WIDTH:
            raise DecodeError("SML: number without a usable width")
        self._at = at + size
        flip = 255 if signed and buffer[at] & 128 else 0
        high = low = 0
        split = at + size - 3
        while at < split:
            high = high << 8 | buffer[at] ^ flip
            at += 1
        while at < self._at:
            low = low << 8 | buffer[at] ^ flip
            at += 1
        if high:
            low |= high << 24
        return ~low if flip else low

    def _message(self) -> int:
        """Reads one message; 1 when it was a list of values, else 0."""
        after = payload(self._buffer, self._at, self._end)
        if after:
            self._at = after
            self._response()
            self._skip(1)
            return 1
        size = self._list(4, 6)
        self._skip(3)
        self._list(2, 2)
        found = self._integer() == _LIST_RESPONSE
        if found:
            self._response()
        else:
            self._skip(1)
        self._skip(size - 4 if size < 6 else 1)
        return 1 if found else 0

    def _response(self) -> None:
        fields = self._list(5, 7)
        self._skip(1)
        self._head()
        if self._kind != _OCTETS:
            raise DecodeError("SML: server id is none")
        quirk = self._quirk = unsigned_row(self._buffer, self._at, self._at + self._size)
        work = self._work
        work[_ODD] = quirk[3] if quirk else 0
        work[_SEEN] = 0
        if quirk:
            work[_ODD + 1] = quirk[4]
            work[_SEEN + 1] = quirk[5]
            work[_SEEN + 2] = quirk[6]
        self._at += self._size
        self._skip(1)
        time = self._time()
        if time is not None:
            register = self._register
            register.ab = register.scaler = register.unit = register.status = 0
            register.cde = _TIME
            register.f = 255
            register.value = time
            register.time = None
            self._emit(register)
        work[_LEFT] = self._list(0, _MAX_ENTRIES)
        while work[_LEFT]:
            self._at = run(self._buffer, self._at, self._end, work, self._register, self._views, self._emit)
            if work[_LEFT]:
                self._entry()
                work[_LEFT] -= 1
        self._skip(fields - 5)

    def _time(self):
        """Reads a time: seconds since 2000 when it is absolute; None when it counts from power-up or is absent.

        Forms: absent, [1, index], [2, unix], [3, [unix, zone, summer]], a bare number (an index), a list of three.
        """
        self._head()
        if self._kind != _LIST:
            self._at += self._size
            return None
        count = self._size
        if not count:
            return None
        absolute = 2 <= self._integer() <= 3
        count -= 1
        if not absolute or not count:
            self._skip(count)
            return None
        self._head()
        count -= 1
        if self._kind == _LIST:
            count += self._size - 1
            self._head()
        time = None
        if self._kind == _UNSIGNED and self._size == 4:
            buffer = self._buffer
            at = self._at
            time = ((buffer[at] << 8 | buffer[at + 1]) - _EPOCH_HIGH << 16) + (buffer[at + 2] << 8 | buffer[at + 3]) - _EPOCH_LOW
        self._at += self._size
        self._skip(count)
        return time

    def _entry(self) -> None:
        """Reads one entry of the value list and emits its register, if it has a code and a value."""
        fields = self._list(6, 7)
        register = self._register
        self._head()
        at = self._at
        self._at += self._size
        if self._kind != _OCTETS or self._size != 6:
            self._skip(fields - 1)
            return
        buffer = self._buffer
        register.ab = buffer[at] << 8 | buffer[at + 1]
        register.cde = buffer[at + 2] << 16 | buffer[at + 3] << 8 | buffer[at + 4]
        register.f = buffer[at + 5]
        register.status = status = self._integer()
        if status:
            self._work[_SEEN] = status & _STATUS_BITS
        register.time = self._time()
        unit = self._integer()
        register.unit = 0 if unit == _NONE else unit
        register.scaler = self._integer()
        if unit & ~255 or not -128 <= register.scaler <= 127:  # one octet each; 10 ** scaler of more would not end
            raise DecodeError("SML: unit or scaler that is none")
        if self._value(register):
            self._emit(register)
        self._skip(fields - 6)

    def _value(self, register: Register) -> bool:
        """Reads the value; False when there is none, or a list."""
        self._head()
        kind = self._kind
        size = self._size
        if kind == _SIGNED or kind == _UNSIGNED or kind == _BOOLEAN:
            quirk = self._quirk
            odd = quirk is not None and quirk[3] == register.cde and size <= quirk[4] and self._work[_SEEN] & quirk[5] == quirk[6]
            register.value = self._number(kind == _SIGNED and not odd)
            return True
        if kind == _LIST:
            self._skip(size)
            return False
        if kind != _OCTETS:
            raise DecodeError("SML: value of an unknown type")
        at = self._at
        self._at = at + size
        if not size:
            return False
        register.value = self._views.get(at, at + size)
        return True


_decoder = SmlDecoder()


def decode(frame, emit, known=None) -> None:
    """Calls `emit(register)` for each entry of each value list of an SML Frame; the register is valid during the call.

    A sensor time that is absolute comes first, as 0-0:1.0.0 with seconds since 2000 as its value. Raises DecodeError when
    the file holds no value list or is not built as SML says. `known` is not used: all are emitted.
    """
    _decoder.decode(frame, emit)
