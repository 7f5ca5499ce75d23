"""Decodes DLMS data-notifications: a Frame with an APDU, plain or encrypted, in, a call of `emit` with a Register for each value out.

A notification is 0F, four octets of id, a date-time, one value: structures, arrays and numbers nested at will (dlms_walk). Values
without OBIS codes are named by dlms_lists, scalers and units that are not sent by dlms_scales. Floating-point values are
passed over: no meter is known that pushes any.
"""

from micropython import const

from bridge.core.civil import is_summer, seconds
from bridge.core.errors import DecodeError, SecurityError
from bridge.core.unload import unload
from bridge.decoding.dlms_walk import SCALER_ROW, Walk

_NOTIFICATION, _CIPHERED, _SLASH = const(0x0F), const(0xDB), const(0x2F)
_FIRST_CIPHERED, _LAST_CIPHERED, _SIGNED = const(0xC8), const(0xD7), const(0xDF)  # other APDUs that are encrypted
_OCTETS, _TYPED = const(9), const(25)  # types that a time in the head may have
_CELL, _NOTHING_KNOWN, _STRIDE, _LAST = const(1), const(999), const(10), const(12)  # of the work array, see dlms_walk
_DATE_TIME = const(12)  # octets
_TIME = const(1 << 16)  # 0-0:1.0.0 as C.D.E: the meter's clock
_ID = const(96 << 16 | 1 << 8)  # 0-0:96.1.0: the meter's number
_LETTERS = b"0xx1x44xxooxoxx1212x441xxtxx"  # of the types of A-XDR, as in dlms_lists; x: in none
_SIZES = b"\x00\x00\x00\x01\x00\x04\x04\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x01\x02\x00\x08\x08\x01\x00\x00\x0c\x00\x00"  # of their values
_TEXT, _DATED, _UNKNOWN = const(111), const(116), const(120)
_LISTS = const(8)  # a meter sends three in turn
_FIRST_YEAR, _LAST_YEAR = const(2015), const(2068)  # no meter of these means another; other clocks are unset
_OLDEST, _NEWEST = const(7), const(8)  # first octet of a date-time, years from 1792 on: no text begins so
_UNSPECIFIED = const(0x8000)  # deviation from UTC that is not told
_MOST_DEVIATION = const(840)  # minutes


class DlmsDecoder(Walk):
    """`security`: opens what is encrypted; `text(frame, emit, known)`: decodes a P1 telegram that was inside."""

    def __init__(self, security, text):
        super().__init__()
        self._security = security
        self._text = text
        self._row_of = None  # of dlms_scales, when it was needed
        self._stamp = b""  # the clock's date and hour, read last; deviation and status behind it; whose it was; its UTC
        self._stamp_end = b""
        self._maker = b""
        self._hour = 0
        self._lists = {}  # of bare values: types to what dlms_lists says of it

    def decode(self, frame, emit, known=None) -> None:
        """Calls `emit(register)` for each value; the register is valid during the call. Raises DecodeError, SecurityError.

        The meter's clock comes as 0-0:1.0.0 with seconds since 2000 (UTC) as its value and time, at the end when only the head
        of the notification has it. What is encrypted and not authenticated must parse to its last octet.
        """
        start = frame.start
        buffer = self._buffer = frame.buffer
        self._id_at = -1
        tag = buffer[start] if start < frame.end else 0
        ciphered = tag == _CIPHERED or tag == _SLASH
        if ciphered:
            if tag == _SLASH:
                from bridge.decoding.p1_sealed import open_lines

                open_lines(frame, self._security)
            else:
                self._security.open(frame)
            if buffer[start + 1] == 8:
                self._id_at = start + 2  # system title: the maker's three letters first
            if buffer[frame.start] == _SLASH:
                self._text(frame, emit, known)
                self._security.accept()
                return
            if buffer[frame.start] != _NOTIFICATION:
                raise SecurityError("key_wrong")
        else:
            frame.security = "plain"
        self._end = frame.end
        self._emit = emit
        self._known = known
        self._work[_CELL] = 1 if known else _NOTHING_KNOWN
        self._views.rewind(buffer)
        self._row = None
        self._type_at = self._time_at = -1
        self._numbers = self._emitted = 0
        unproved = frame.security == "unauthenticated"
        try:
            body = self._head(frame.start)
            if self._walk(body, None) != self._end and unproved:
                raise DecodeError("DLMS: more than a notification")
        except DecodeError:
            if unproved:
                raise SecurityError("key_wrong")
            raise
        if ciphered:
            self._security.accept()
        if not self._numbers:
            self._positional(body)
        if self._time_at >= 0:
            time = self._clock(self._time_at)
            if time is not None:
                self._meter_value(_TIME, time).time = time
                self._emit(self._register)

    def _head(self, at: int) -> int:
        """Reads a notification up to its body; gives where that is."""
        buffer = self._buffer
        body = at + 6
        if body >= self._end or buffer[at] != _NOTIFICATION:
            if at < self._end and (_FIRST_CIPHERED <= buffer[at] <= _LAST_CIPHERED or _CIPHERED < buffer[at] <= _SIGNED):
                raise SecurityError("cipher_unknown")
            raise DecodeError("DLMS: no data-notification")
        size = buffer[at + 5]
        if size == _OCTETS and buffer[body] == _DATE_TIME:  # Kaifa's in Norway has a type
            size = _DATE_TIME
            body += 1
        elif size == _TYPED:
            size = _DATE_TIME
        if size and size != _DATE_TIME or body + size >= self._end:
            raise DecodeError("DLMS: head of the notification is none")
        if size:
            self._time_at = body
        return body + size

    def scale(self) -> None:
        """Gives the register the scaler and unit that the meter sends elsewhere, or not at all."""
        register = self._register
        if register.implied and self._buffer.find(SCALER_ROW, self._first, self._end) >= 0:
            from bridge.decoding.dlms_rare import scaler_at

            work = self._work
            if self._scaler_unit(scaler_at(self, self._buffer, self._first, self._end, work[_LAST] if work[_STRIDE] else 0)):
                register.implied = False
                return
        self._scales()
        self._apply(register, self._row)

    def _scales(self) -> None:
        """Finds the meter's row of dlms_scales."""
        if not self._row_of:
            from bridge.decoding.dlms_scales import apply, row_of

            self._row_of = row_of
            self._apply = apply
        if self._row is None:
            self._row = self._row_of(self._buffer, self._id_at, self._type_at)

    def _nameless(self, at: int, after: int, first: bool, last: bool) -> None:
        """Octets without a code: a date-time; first in a list its id; last, behind values, the meter's number."""
        if after - at == _DATE_TIME and _OLDEST <= self._buffer[at] <= _NEWEST:
            if self._time_at == -1:
                self._time_at = at
        elif first:
            self._id_at = at
        elif last and self._numbers:
            at = self._views.get(at, after)
            self._emit(self._meter_value(_ID, at))

    def _positional(self, body: int) -> None:
        """Emits the values of a list without codes, if that is what the body is."""
        buffer = self._buffer
        first = body + 2
        key = letters = self._letters(first, buffer[body + 1]) if 1 <= buffer[body] <= 2 and buffer[body + 1] < 128 else b""
        if letters and letters[0] == _TEXT:
            key += bytes(buffer[first + 2 : first + 5])  # lists of the same types may begin with other texts
        if key not in self._lists:
            if len(self._lists) == _LISTS:
                self._lists.clear()
            from bridge.decoding.dlms_lists import find

            self._lists[key] = find(letters, buffer, first) if letters else None
            unload("bridge.decoding.dlms_lists")
        found = self._lists[key]
        if found:
            if found[1]:
                self._scales()
                self._row = self._row_of(found[1], 0, -1)
            self._walk(body, found[0])
        elif not self._emitted:
            raise DecodeError("DLMS: list of values without codes that is not known")

    def _letters(self, at: int, count: int) -> bytes:
        """The types of `count` values from `at` on, a letter each as dlms_lists has them; nothing when one of them cannot be in a list."""
        buffer = self._buffer
        letters = bytearray(count)
        for index in range(count):
            tag = buffer[at] if at < self._end else _UNKNOWN
            letter = _LETTERS[tag] if tag < len(_LETTERS) else _UNKNOWN
            if letter == _UNKNOWN:
                return b""
            size = _SIZES[tag]
            if letter == _TEXT:
                at += 1
                size = buffer[at]
                if size & 128:
                    return b""
                if size == _DATE_TIME and _OLDEST <= buffer[at + 1] <= _NEWEST:
                    letter = _DATED
            letters[index] = letter
            at += 1 + size
        return bytes(letters)

    def _clock(self, at: int):
        """UTC of the date-time at `at`, seconds since 2000; None when it is unset or said to be wrong."""
        buffer = self._buffer
        second = buffer[at + 7]
        if second == 255:
            second = 0
        if not self._stamp or buffer[at + 6] > 59 or second > 59 or not self._known_hour(buffer, at, self._id_at):
            self._stamp = b""
            time = self._utc(at)
            if time is None:
                return None
            self._hour = time - 60 * buffer[at + 6] - second
            self._stamp = bytes(buffer[at : at + 6])
            self._stamp_end = bytes(buffer[at + 9 : at + 12])
            self._maker = bytes(buffer[self._id_at : self._id_at + 3]) if self._id_at >= 0 else b""
        return self._hour + 60 * buffer[at + 6] + second

    def _known_hour(self, buffer, at: int, maker: int) -> bool:
        """Whether the date-time at `at` is in the hour of the last one, and of a meter of the same maker."""
        if buffer.find(self._stamp, at, at + 6) != at or buffer.find(self._stamp_end, at + 9, at + 12) != at + 9:
            return False
        return not self._maker if maker < 0 else self._maker and buffer.find(self._maker, maker, maker + 3) == maker

    def _utc(self, at: int):
        """As `_clock`, read anew."""
        buffer = self._buffer
        status = buffer[at + 11]
        year = buffer[at] << 8 | buffer[at + 1]
        if status & 1 and status != 255 or not _FIRST_YEAR <= year <= _LAST_YEAR:
            return None
        second = buffer[at + 7]
        try:
            local = seconds(year, buffer[at + 2], buffer[at + 3], buffer[at + 5], buffer[at + 6], 0 if second == 255 else second)
        except ValueError:
            return None
        deviation = buffer[at + 9] << 8 | buffer[at + 10]
        if deviation != _UNSPECIFIED:
            deviation -= deviation << 1 & 0x10000
            return local + deviation * 60 if -_MOST_DEVIATION <= deviation <= _MOST_DEVIATION else None
        if status == 255:
            return local - 3600
        self._scales()
        if self._row[-1]:
            return local - 3600
        local -= 7200
        return local if status & 128 or is_summer(local) else local + 3600
