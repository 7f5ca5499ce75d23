"""Readings in, JSON out (bytes): names of the vocabulary, exact decimals as the meter sent them, times in UTC (ISO 8601).

Texts are put together from the readings' own decimals: no float is made, so a single-precision chip loses no digit. They are bytes:
each new str is looked up among all names that MicroPython knows, which costs more than all else.
"""

import json

from micropython import const

from bridge.core.civil import civil, iso
from bridge.reading.quantities import GAUGES_END, QUANTITIES, STATE
from bridge.reading.reading import EXPONENT_ZERO, TIME_SOURCE_NAMES, UPTIME

_FIRST_TIME = GAUGES_END + len([row for row in QUANTITIES if row[1] == STATE])  # ids from here on are times
_HEAD = const(3)  # values in front of the quantities': boot, seq, time
# The newest readings have one schema, those of the history two more; each form is some 400 bytes.
_MOST_FORMS = const(3)
_forms = {}  # schema to (meter id, time source, object with % for each value, places of the values that %d does not show)
_minutes = {}  # minute to the text of its times but their seconds: readings of one minute and sub-meter times repeat it
_MINUTES = const(4)


def time_of(reading, clock):
    """UTC of a reading (seconds since 2000), None while only its uptime is known."""
    return clock.resolve(reading.time, reading.time_source == UPTIME)


def _time(utc: int) -> bytes:
    minute = utc // 60
    start = _minutes.get(minute)
    if start is None:
        if len(_minutes) == _MINUTES:
            _minutes.clear()
        start = _minutes[minute] = b'"%04d-%02d-%02dT%02d:%02d:' % civil(utc)[:5]
    return start + b'%02dZ"' % (utc % 60)


def _form(schema, id: str, source: int) -> tuple:
    text = '{"boot":%%d,"seq":%%d,"time":%%s,"time_source":"%s"' % TIME_SOURCE_NAMES[source]
    if id:
        text += ',"meter_id":' + json.dumps(id).replace("%", "%%")
    places = []
    for quantity in schema.ids:
        exponent = schema.form[quantity] - EXPONENT_ZERO
        is_text = quantity >= _FIRST_TIME or exponent < 0
        if is_text or exponent:
            places.append(_HEAD + schema.slots[quantity])
        text += ',"%s":%s' % (QUANTITIES[quantity][0], "%s" if is_text else "%d")
    if len(_forms) == _MOST_FORMS:
        _forms.clear()
    found = _forms[schema] = (id, source, (text + "}").encode(), bytes(places))
    return found


def reading_bytes(reading, context) -> bytes:
    """One reading as an object."""
    schema = reading.schema
    id = reading.meter.id
    form = _forms.get(schema)
    if not form or form[0] != id or form[1] != reading.time_source:
        form = _form(schema, id, reading.time_source)
    utc = time_of(reading, context.clock)
    values = [context.identity.boot, reading.seq, b"null" if utc is None else _time(utc)] + reading.values
    for place in form[3]:
        quantity = schema.ids[place - _HEAD]
        if quantity >= _FIRST_TIME:
            values[place] = _time(values[place])
        elif schema.form[quantity] > EXPONENT_ZERO:
            values[place] = reading.get(quantity)
        else:
            values[place] = reading.text(quantity).encode()
    return form[2] % tuple(values)


def state_pieces(reading, context) -> list:
    """The newest reading, with what the meter says beside numbers: its message, month peaks, sub-meters' ids; bytes to be joined."""
    pieces = [reading_bytes(reading, context)]
    meter = reading.meter
    more = b""
    for name in ("gas_id", "water_id", "heat_id", "message"):
        text = getattr(meter, name)
        if text:
            more += (',"%s":%s' % (name.replace("_id", "_meter_id"), json.dumps(text))).encode()
    if meter.month_peaks:
        rows = []
        for month, when, watts in meter.month_peaks:
            rows.append('{"month":"%s","time":%s,"power_w":%d}' % (month, '"%s"' % iso(when) if when is not None else "null", watts))
        more += (',"month_peaks":[' + ",".join(rows) + "]").encode()
    if more:
        pieces = [pieces[0][:-1], more, b"}"]
    return pieces


def batch_pieces(readings: list, context, backlog: bool, missing=None) -> list:
    """A batch of what `reading_bytes` made, oldest first, as bytes to be sent one after the other.

    `missing` (from, to, count): readings that were overwritten before this destination had them.
    """
    head = '{"device":"%s","backlog":%s' % (context.identity.device, "true" if backlog else "false")
    if missing:
        head += ',"missing":{"from":%d,"to":%d,"count":%d}' % missing
    pieces = [(head + ',"readings":[').encode()]
    for reading in readings:
        if len(pieces) > 1:
            pieces.append(b",")
        pieces.append(reading)
    pieces.append(b"]}")
    return pieces
