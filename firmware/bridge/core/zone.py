"""Local time in Europe: UTC in (seconds since 2000), civil time of a zone out (likewise, as if it were UTC), and when its days begin.

The EU rule: summer time from the last Sunday of March to the last Sunday of October, changed at 01:00 UTC in every zone.
"""

from bridge.core.civil import seconds, weekday

_ZONES = "UTCWETCETEET"  # by their hours in winter, from WET on; UTC knows no summer


def is_summer(utc: int) -> bool:
    """Whether summer time is in force."""
    year = utc // 31556952 + 2000  # right but for a few hours around New Year, which are winter either way
    return _last_sunday(year, 3) <= utc - 3600 < _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> int:
    last = seconds(year, month, 31)
    return last - (weekday(last) + 1) % 7 * 86400


def local(utc: int, zone: str) -> int:
    """Civil time of `zone`: "CET", "WET", "EET" or "UTC"."""
    hours = _ZONES.find(zone) // 3 - 1
    return utc if hours < 0 else utc + (hours + is_summer(utc)) * 3600


def midnight(utc: int, zone: str) -> int:
    """When the local day began in which `utc` lies; the next one begins at midnight(that + 26 hours)."""
    start = utc - local(utc, zone) % 86400
    off = local(start, zone) % 86400  # the clocks were changed since: an hour past midnight, or short of it
    return start - (off + 43200) % 86400 + 43200
