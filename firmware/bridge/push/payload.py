"""Readings in, JSON out: names of the vocabulary, exact decimals as the meter sent them, times in UTC (ISO 8601).

Texts are put together from the readings' own decimals: no float is made, so a single-precision chip loses no digit.
"""

import json

from bridge.core.civil import iso
from bridge.reading.quantities import QUANTITIES, TIME
from bridge.reading.reading import TIME_SOURCE_NAMES, UPTIME


def time_of(reading, clock):
    """UTC of a reading (seconds since 2000), None while only its uptime is known."""
    return clock.resolve(reading.time, reading.time_source == UPTIME)


def _parts(reading, context) -> list:
    utc = time_of(reading, context.clock)
    parts = [
        '"boot":%d,"seq":%d,"time":%s,"time_source":"%s"'
        % (context.identity.boot, reading.seq, "null" if utc is None else '"%s"' % iso(utc), TIME_SOURCE_NAMES[reading.time_source])
    ]
    if reading.meter.id:
        parts.append('"meter_id":' + json.dumps(reading.meter.id))
    for quantity in reading.items():
        row = QUANTITIES[quantity]
        if row[1] == TIME:
            parts.append('"%s":"%s"' % (row[0], iso(reading.get(quantity))))
        else:
            parts.append('"%s":%s' % (row[0], reading.text(quantity)))
    return parts


def reading_json(reading, context) -> str:
    """One reading as an object."""
    return "{" + ",".join(_parts(reading, context)) + "}"


def state_json(reading, context) -> str:
    """The newest reading, with what the meter says beside numbers: its message, month peaks, sub-meters' ids."""
    parts = _parts(reading, context)
    meter = reading.meter
    for name in ("gas_id", "water_id", "heat_id", "message"):
        text = getattr(meter, name)
        if text:
            parts.append('"%s":%s' % (name if name == "message" else name[:-2] + "meter_id", json.dumps(text)))
    if meter.month_peaks:
        rows = []
        for month, when, watts in meter.month_peaks:
            rows.append('{"month":"%s","time":%s,"power_w":%d}' % (month, "null" if when is None else '"%s"' % iso(when), watts))
        parts.append('"month_peaks":[' + ",".join(rows) + "]")
    return "{" + ",".join(parts) + "}"


def batch_json(readings, context, backlog: bool, missing=None) -> str:
    """A batch, oldest first. `missing` (from, to, count): readings that were overwritten before this destination had them."""
    head = '{"device":"%s","backlog":%s' % (context.identity.device, "true" if backlog else "false")
    if missing:
        head += ',"missing":{"from":%d,"to":%d,"count":%d}' % missing
    return head + ',"readings":[' + ",".join([reading_json(r, context) for r in readings]) + "]}"
