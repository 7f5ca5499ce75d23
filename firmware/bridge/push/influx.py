"""Readings in, InfluxDB line protocol out (bytes, one point a line): measurement `meter`, tags device and meter_id, UTC times.

A field keeps one type for ever, as InfluxDB refuses a point whose type changed: everything measured is a plain number with exactly the
digits that the reading has (live "12345678.9", from the history "12345678"; databases keep both as 64-bit floats), states such as the
tariff are integers with suffix `i`. A sub-meter's value that has a time of its own (gas, water, heat) is a point of its own at that
time in the same measurement, so it is drawn when it was measured, and is sent once per change of that time, not with each reading.
"""

from bridge.core.civil import seconds
from bridge.push.payload import time_of
from bridge.reading.quantities import COUNTERS, QUANTITIES, STATE, TIME
from bridge.reading.reading import EXPONENT_ZERO

_UNIX = -seconds(1970, 1, 1)  # over 31 bits: what it is added to is made once and only where it leaves the device
# Which value has which time, and back: by the vocabulary's names, "gas_time" is the time of "gas_l".
_PARTNER = {}
for _time, _row in enumerate(QUANTITIES):
    for _value in range(COUNTERS):
        if _row[1] == TIME and QUANTITIES[_value][0].startswith(_row[0][:-4]):
            _PARTNER[_time] = _value
            _PARTNER[_value] = _time
_rows = {}  # (name, kind) of the quantities that were written: looking one up in the vocabulary takes long


def _row(quantity: int) -> tuple:
    if quantity not in _rows:
        name, kind = QUANTITIES[quantity]
        _rows[quantity] = name.encode(), kind
    return _rows[quantity]


def escape(text: str) -> str:
    """`text` as a tag's value: comma, space and equals sign escaped, control characters left out.

    A backslash becomes "_": databases disagree on whether one at the end of a value escapes what follows.
    """
    out = []
    for char in text:
        if char in ", =":
            out.append("\\" + char)
        elif char == "\\":
            out.append("_")
        elif char >= " " and char != "\x7f":
            out.append(char)
    return "".join(out)


class LineFormat:
    """Points of the device that `context` names. Per request `begin()`, `piece(reading)` for each, and `accepted()` once the
    server has it. `tail`: what follows whole seconds in the unit that the URL names, and the end of the line.
    """

    def __init__(self, context):
        self._context = context
        self.tail = b"000000000\n"
        self._accepted = {}
        self._pending = {}
        self._id = None  # the meter whose lines begin with `_head`
        self._head = b""

    def begin(self) -> None:
        """A new request: what an earlier one that failed held is written again."""
        self._pending = dict(self._accepted)

    def accepted(self) -> None:
        """The request since `begin()` is stored: its sub-meter values need not be sent again."""
        self._accepted = self._pending

    def piece(self, reading) -> bytes:
        """The points of one reading, each line with its end; b"" when it has nothing that was not sent yet, None when nobody knows its time."""
        utc = time_of(reading, self._context.clock)
        if utc is None:
            return None
        # In bytes: MicroPython compares each new str with all the names that it knows, which here costs more than all else.
        id = reading.meter.id
        if id != self._id:
            self._id = id
            self._head = ("meter,device=" + escape(self._context.identity.device) + (",meter_id=" + escape(id) if id else "")).encode()
        fields = []
        out = b""
        for quantity in reading.schema.ids:
            kind = _row(quantity)[1]
            partner = _PARTNER.get(quantity)
            has_partner = partner is not None and reading.schema.form[partner]
            if kind == TIME and partner is not None:
                seen = (id, reading.get(quantity))
                if has_partner and self._pending.get(partner) != seen:
                    self._pending[partner] = seen
                    out += self._point([_field(reading, partner)], seen[1])
            elif kind == TIME:
                fields.append(_field(reading, quantity, b"i", _UNIX))
            elif not has_partner:
                fields.append(_field(reading, quantity, b"i" if kind == STATE else b""))
        if fields:
            out += self._point(fields, utc)
        return out

    def _point(self, fields: list, utc: int) -> bytes:
        return b"%s %s %d%s" % (self._head, b",".join(fields), utc + _UNIX, self.tail)


def _field(reading, quantity: int, suffix: bytes = b"", more: int = 0) -> bytes:
    name = _row(quantity)[0]
    if reading.schema.form[quantity] < EXPONENT_ZERO:
        return b"%s=%s%s" % (name, reading.text(quantity).encode(), suffix)
    return b"%s=%d%s" % (name, reading.get(quantity) + more, suffix)
