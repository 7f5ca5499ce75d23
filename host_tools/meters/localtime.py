"""Civil time of western Europe (UTC+1, summer time by the EU rule): unix seconds in, local date, clock and season letter out.

The rule is here and not taken from a time-zone database, which a fresh machine may lack: summer time runs from 01:00 UTC of the last
Sunday of March to 01:00 UTC of the last Sunday of October (directive 2000/84/EC).
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta, timezone
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1)
HOUR = 3600


@lru_cache(maxsize=8)
def _summer(year: int) -> tuple[int, int]:
    """First second of summer time and first second after it, unix seconds."""
    edges = []
    for month in (3, 10):
        last = datetime(year, month, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        edges.append(calendar.timegm((sunday.year, sunday.month, sunday.day, 1, 0, 0)))
    return edges[0], edges[1]


def is_summer(unix: int) -> bool:
    start, end = _summer((_EPOCH + timedelta(seconds=unix)).year)
    return start <= unix < end


def local(unix: int) -> datetime:
    """Local civil time as a naive datetime."""
    return _EPOCH + timedelta(seconds=unix + (2 if is_summer(unix) else 1) * HOUR)


def stamp(unix: int) -> str:
    """Local time as P1 writes it: YYMMDDhhmmssX, X = S in summer, W in winter."""
    return local(unix).strftime("%y%m%d%H%M%S") + ("S" if is_summer(unix) else "W")


def unix_of(naive: datetime, summer: bool) -> int:
    """Unix seconds of a local time whose season is known."""
    return calendar.timegm(naive.timetuple()) - (2 if summer else 1) * HOUR


def month_start(naive: datetime) -> int:
    """Unix seconds of the first instant of the local month of `naive` (no change of season falls on the first of a month)."""
    first = naive.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return unix_of(first, 3 < first.month < 11)


def iso(unix: int) -> str:
    """UTC as `2025-03-30T01:01:00Z`."""
    return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
