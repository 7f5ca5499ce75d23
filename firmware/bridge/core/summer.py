"""Summer time in Central Europe: a local time in (seconds since 2000 as if it were UTC), whether it is summer time out.

The EU rule: from the last Sunday of March to the last Sunday of October, changed at 01:00 UTC; of the repeated hour the
first is taken. Only meters whose stamps have no letter (DSMR 2 and 3) need it.
"""

from bridge.core.civil import seconds, weekday


def is_summer(local: int) -> bool:
    """Whether a local time of Central Europe is summer time by the EU rule."""
    year = local // 31556952 + 2000  # right but for a few hours around New Year, which are winter either way
    at = local - 7200
    return _last_sunday(year, 3) + 3600 <= at < _last_sunday(year, 10) + 3600


def _last_sunday(year: int, month: int) -> int:
    last = seconds(year, month, 31)
    return last - (weekday(last) + 1) % 7 * 86400
