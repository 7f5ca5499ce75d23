"""Readings in, InfluxDB line protocol out (bytes, one point a line): measurement `meter`, tags device and meter_id, UTC times.

A field keeps one type for ever, as InfluxDB refuses a point whose type changed: everything measured is a plain number with exactly the
digits that the reading has (live "12345678.9", from the history "12345678"; databases keep both as 64-bit floats), states such as the
tariff are integers with suffix `i`. A sub-meter's value that has a time of its own (gas, water, heat) is a point of its own at that
time in the same measurement, so it is drawn when it was measured, and is sent once per change of that time, not with each reading.
"""

from bridge.core.civil import unix_text
from bridge.push.payload import time_of
from bridge.reading.quantities import COUNTERS, QUANTITIES, STATE, TIME

# Which value has which time, and back: by the vocabulary's names, "gas_time" is the time of "gas_l".
_PARTNER = {}
for _time, _row in enumerate(QUANTITIES):
    for _value in range(COUNTERS):
        if _row[1] == TIME and QUANTITIES[_value][0].startswith(_row[0][:-4]):
            _PARTNER[_time] = _value
            _PARTNER[_value] = _time


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
        head = ("meter,device=" + escape(self._context.identity.device) + (",meter_id=" + escape(id) if id else "")).encode()
        fields = []
        out = b""
        for quantity in reading.schema.ids:
            kind = QUANTITIES[quantity][1]
            partner = _PARTNER.get(quantity)
            has_partner = partner is not None and reading.schema.form[partner]
            if kind == TIME and partner is not None:
                seen = (id, reading.get(quantity))
                if has_partner and self._pending.get(partner) != seen:
                    self._pending[partner] = seen
                    out += self._point(head, [_field(reading, partner)], seen[1])
            elif kind == TIME:
                fields.append(_field(reading, quantity, unix_text(reading.get(quantity)), b"i"))
            elif not has_partner:
                fields.append(_field(reading, quantity, suffix=b"i" if kind == STATE else b""))
        if fields:
            out += self._point(head, fields, utc)
        return out

    def _point(self, head: bytes, fields: list, utc: int) -> bytes:
        return b"%s %s %s%s" % (head, b",".join(fields), unix_text(utc).encode(), self.tail)


def _field(reading, quantity: int, text: str = "", suffix: bytes = b"") -> bytes:
    return b"%s=%s%s" % (QUANTITIES[quantity][0].encode(), (text or reading.text(quantity)).encode(), suffix)
