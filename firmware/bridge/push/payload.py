"""Readings in, JSON out: names of the vocabulary, exact decimals as the meter sent them, times in UTC (ISO 8601).

Texts are put together from the readings' own decimals: no float is made, so a single-precision chip loses no digit.
"""

import json

from micropython import const

from bridge.core.civil import civil, iso
from bridge.reading.quantities import GAUGES_END, QUANTITIES, STATE
from bridge.reading.reading import EXPONENT_ZERO, TIME_SOURCE_NAMES, UPTIME

_SOURCES = tuple([b',"time_source":"' + name.encode() + b'"' for name in TIME_SOURCE_NAMES])
_FIRST_TIME = GAUGES_END + len([row for row in QUANTITIES if row[1] == STATE])  # ids from here on are times
_labels = {}  # quantity id to the bytes in front of its value, made when first needed
_minutes = {}  # minute to the text of its times but their seconds: readings of one minute and sub-meter times repeat it
_MINUTES = const(6)
_ids = {}  # the last meter's id to its member of the object


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


def _meter_id(id: str) -> bytes:
    text = _ids.get(id)
    if text is None:
        _ids.clear()
        text = _ids[id] = b',"meter_id":' + json.dumps(id).encode() if id else b""
    return text


def _label(quantity: int) -> bytes:
    label = _labels.get(quantity)
    if label is None:
        label = _labels[quantity] = b',"' + QUANTITIES[quantity][0].encode() + b'":'
    return label


def _parts(reading, context) -> list:
    """All of a reading's object but its end, in bytes: each new str is looked up among all names, which costs more than all else."""
    utc = time_of(reading, context.clock)
    parts = [
        b'{"boot":%d,"seq":%d,"time":' % (context.identity.boot, reading.seq),
        b"null" if utc is None else _time(utc),
        _SOURCES[reading.time_source],
        _meter_id(reading.meter.id),
    ]
    form = reading.schema.form
    values = reading.values
    for index, quantity in enumerate(reading.schema.ids):
        parts.append(_labels.get(quantity) or _label(quantity))
        if quantity >= _FIRST_TIME:
            parts.append(_time(reading.get(quantity)))
        elif form[quantity] == EXPONENT_ZERO:
            parts.append(b"%d" % values[index])
        else:
            parts.append(reading.text(quantity).encode())
    return parts


def reading_bytes(reading, context) -> bytes:
    """One reading as an object."""
    parts = _parts(reading, context)
    parts.append(b"}")
    return b"".join(parts)


def reading_json(reading, context) -> str:
    """One reading as an object."""
    return reading_bytes(reading, context).decode()


def state_json(reading, context) -> str:
    """The newest reading, with what the meter says beside numbers: its message, month peaks, sub-meters' ids."""
    parts = _parts(reading, context)
    meter = reading.meter
    for name in ("gas_id", "water_id", "heat_id", "message"):
        text = getattr(meter, name)
        if text:
            parts.append((',"%s":%s' % (name if name == "message" else name[:-2] + "meter_id", json.dumps(text))).encode())
    if meter.month_peaks:
        rows = []
        for month, when, watts in meter.month_peaks:
            rows.append('{"month":"%s","time":%s,"power_w":%d}' % (month, "null" if when is None else '"%s"' % iso(when), watts))
        parts.append((',"month_peaks":[' + ",".join(rows) + "]").encode())
    parts.append(b"}")
    return b"".join(parts).decode()


def batch_pieces(readings, context, backlog: bool, missing=None) -> list:
    """A batch as bytes to be sent one after the other, oldest reading first.

    `missing` (from, to, count): readings that were overwritten before this destination had them.
    """
    head = '{"device":"%s","backlog":%s' % (context.identity.device, "true" if backlog else "false")
    if missing:
        head += ',"missing":{"from":%d,"to":%d,"count":%d}' % missing
    pieces = [(head + ',"readings":[').encode()]
    for reading in readings:
        if len(pieces) > 1:
            pieces.append(b",")
        pieces.append(reading_bytes(reading, context))
    pieces.append(b"]}")
    return pieces


def batch_json(readings, context, backlog: bool, missing=None) -> str:
    """A batch in one string; see batch_pieces."""
    return b"".join(batch_pieces(readings, context, backlog, missing)).decode()
