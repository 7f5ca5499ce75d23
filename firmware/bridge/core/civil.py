"""Civil dates to and from the firmware's time: whole seconds since 2000-01-01T00:00:00Z.

That epoch is the ESP32 port's own; its values stay small integers on a 32-bit MicroPython until 2034. Days are counted
by the proleptic Gregorian calendar, years from March so that the leap day comes last.
"""

from micropython import const

_DAYS_2000 = const(730425)  # days from 0000-03-01 to 2000-01-01
_MONTH_DAYS = b"\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"


def seconds(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """Seconds since 2000 of a civil time; ValueError when there is no such date or time (second 60 is none)."""
    if not (1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1] and 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError
    if month == 2 and day == 29 and (year % 4 or year % 100 == 0 and year % 400):
        raise ValueError
    if month < 3:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 1 - _DAYS_2000
    return days * 86400 + hour * 3600 + minute * 60 + second


def civil(time: int) -> tuple:
    """(year, month, day, hour, minute, second) of `time`, in UTC."""
    days = time // 86400 + _DAYS_2000
    rest = time % 86400
    era = days // 146097
    day = days % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += era * 400
    if month >= 10:
        year += 1
        month -= 9
    else:
        month += 3
    return year, month, day + 1, rest // 3600, rest // 60 % 60, rest % 60


def weekday(time: int) -> int:
    """0 = Monday .. 6 = Sunday; 2000-01-01 was a Saturday."""
    return (time // 86400 + 5) % 7


def is_summer(utc: int) -> bool:
    """Whether the EU's summer time is in force: from the last Sunday of March to that of October, changed at 01:00 UTC in every zone."""
    year = utc // 31556952 + 2000  # right but for a few hours around New Year, which are winter either way
    return _last_sunday(year, 3) <= utc - 3600 < _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> int:
    last = seconds(year, month, 31)
    return last - (weekday(last) + 1) % 7 * 86400


def iso(time: int) -> str:
    """ISO 8601 in UTC: "2025-03-30T01:01:00Z"."""
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % civil(time)
