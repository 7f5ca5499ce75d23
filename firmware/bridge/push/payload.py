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
# The newest readings have one schema, those of the history two more; each form is some 400 bytes.
_MOST_FORMS = const(3)
# A form, and what it makes, is in pieces of about this many bytes: a fragmented heap has no room for a whole one.
_PIECE = const(200)
_forms = {}  # schema to (meter id, time source, start, piece, places, piece, places, ...): see _form
_minutes = {}  # minute to the text of its times but their seconds: readings of one minute and sub-meter times repeat it
_MINUTES = const(4)


def time_of(reading, clock):
    """UTC of a reading (seconds since 2000), None while only its uptime is known: of an earlier start (`reading.boot`) for ever."""
    is_uptime = reading.time_source == UPTIME
    return None if is_uptime and reading.boot else clock.resolve(reading.time, is_uptime)


def _time(utc: int) -> bytes:
    minute = utc // 60
    start = _minutes.get(minute)
    if start is None:
        if len(_minutes) == _MINUTES:
            _minutes.clear()
        start = _minutes[minute] = b'"%04d-%02d-%02dT%02d:%02d:' % civil(utc)[:5]
    return start + b'%02dZ"' % (utc % 60)


def _form(schema, id: str, source: int) -> tuple:
    """The start with %s for boot, seq and time; then, in turn, bytes with % for each value, and where among all values these are:
    their first, how many, and the ones that %d does not show.
    """
    text = '{"boot":%%d,"seq":%%d,"time":%%s,"time_source":"%s"' % TIME_SOURCE_NAMES[source]
    if id:
        text += ',"meter_id":' + json.dumps(id).replace("%", "%%")
    form = [id, source, text.encode()]
    text = b""
    first = 0
    places = []
    for place, quantity in enumerate(schema.ids):
        exponent = schema.form[quantity] - EXPONENT_ZERO
        is_text = quantity >= _FIRST_TIME or exponent < 0
        if is_text or exponent:
            places.append(place - first)
        text += b',"%s":%s' % (QUANTITIES[quantity][0].encode(), b"%s" if is_text else b"%d")
        if len(text) > _PIECE or place + 1 == len(schema.ids):
            form.append(text)
            form.append(bytes([first, place + 1] + places))
            text = b""
            first = place + 1
            places = []
    if len(_forms) == _MOST_FORMS:
        _forms.clear()
    found = _forms[schema] = tuple(form)
    return found


def reading_pieces(reading, context) -> list:
    """One reading as an object, without its closing brace: bytes to be joined, 300 at most."""
    schema = reading.schema
    id = reading.meter.id
    form = _forms.get(schema)
    if not form or form[0] != id or form[1] != reading.time_source:
        form = _form(schema, id, reading.time_source)
    utc = time_of(reading, context.clock)
    pieces = [form[2] % (reading.boot or context.identity.boot, reading.seq, b"null" if utc is None else _time(utc))]
    for at in range(3, len(form), 2):
        places = form[at + 1]
        first = places[0]
        values = reading.values[first : places[1]]
        for place in places[2:]:
            quantity = schema.ids[first + place]
            if quantity >= _FIRST_TIME:
                values[place] = _time(values[place])
            elif schema.form[quantity] > EXPONENT_ZERO:
                values[place] = reading.get(quantity)
            else:
                values[place] = reading.text(quantity).encode()
        pieces.append(form[at] % tuple(values))
    return pieces


def reading_bytes(reading, context) -> bytes:
    """One reading as an object."""
    pieces = reading_pieces(reading, context)
    pieces.append(b"}")
    return b"".join(pieces)


def state_pieces(reading, context) -> list:
    """The newest reading, with what there is beside numbers: the meter's message, month peaks, sub-meters' ids, whether encrypted
    telegrams were authenticated; bytes to be joined.
    """
    pieces = reading_pieces(reading, context)
    meter = reading.meter
    for name in ("gas_id", "water_id", "heat_id", "message"):
        text = getattr(meter, name)
        if text:
            pieces.append((',"%s":%s' % (name.replace("_id", "_meter_id"), json.dumps(text))).encode())
    if meter.security and meter.security != "plain":
        pieces.append((',"security":"%s"' % meter.security).encode())
    before = ',"month_peaks":['
    for month, when, watts in meter.month_peaks:
        row = before + '{"month":"%s","time":%s,"power_w":%d}' % (month, '"%s"' % iso(when) if when is not None else "null", watts)
        pieces.append(row.encode())
        before = ","
    pieces.append(b"]}" if meter.month_peaks else b"}")
    return pieces


def batch_head(context, backlog: bool, missing=None) -> bytes:
    """How a batch begins: readings follow, commas between them, then "]}".

    `missing` (from, to, count): readings that were overwritten before this destination had them.
    """
    head = '{"device":"%s","backlog":%s' % (context.identity.device, "true" if backlog else "false")
    if missing:
        head += ',"missing":{"from":%d,"to":%d,"count":%d}' % missing
    return (head + ',"readings":[').encode()


def batch_pieces(readings: list, context, backlog: bool, missing=None) -> list:
    """A batch of what `reading_bytes` made, oldest first, as bytes to be sent one after the other; `missing` as for `batch_head`."""
    pieces = [batch_head(context, backlog, missing)]
    for reading in readings:
        if len(pieces) > 1:
            pieces.append(b",")
        pieces.append(reading)
    pieces.append(b"]}")
    return pieces
