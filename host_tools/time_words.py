"""Words for a moment, as a person gives them on the command line, in; seconds since 2000 in UTC, as the firmware counts, out."""

import re
from datetime import datetime, timedelta, timezone

from host_tools.errors import USAGE, UserError

EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?))?)?$")
_MOMENT = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d)(?::(\d\d))?\s*(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)
_GOOD = '2026-11-22, 2026-11, "2026-11-22 18:30", 2026-11-22T17:30:00Z, today or yesterday'


def span(begin: str | None, end: str | None, now: datetime | None = None) -> tuple[int | None, int | None]:
    """Of --from and --to: the first second that counts and the first that counts no more, None where there is no limit.

    A day, month or year that is given as the end counts whole. Times without a zone are this computer's. UserError for what makes no sense.
    """
    first = _moment("--from", begin, False, now) if begin is not None else None
    last = _moment("--to", end, True, now) if end is not None else None
    if first is not None and last is not None and first >= last:
        raise UserError(f"--from {begin} is later than --to {end}", USAGE)
    return first, last


def _moment(option: str, text: str, whole: bool, now: datetime | None) -> int:
    word = text.strip()
    try:
        found = _day(word.lower(), whole, now or datetime.now()) or _exact(word, whole)
    except (ValueError, OverflowError):
        raise UserError(f"{option} {text}: there is no such date or time", USAGE) from None
    if found is None:
        raise UserError(f"{option} {text}: write it like {_GOOD}", USAGE)
    return int((found - EPOCH).total_seconds())


def _day(word: str, whole: bool, now: datetime) -> datetime | None:
    """The beginning of a day, month or year, or with `whole` of the one after it."""
    if word in ("today", "yesterday"):
        day = now - timedelta(days=word == "yesterday")
        word = day.strftime("%Y-%m-%d")
    match = _DATE.match(word)
    if not match:
        return None
    year, month, day = [int(part) if part else None for part in match.groups()]
    begin = datetime(year, month or 1, day or 1)
    if whole:
        if day:
            begin += timedelta(days=1)
        elif month:
            begin = datetime(year + month // 12, month % 12 + 1, 1)
        else:
            begin = datetime(year + 1, 1, 1)
    return begin.astimezone()


def _exact(word: str, whole: bool) -> datetime | None:
    match = _MOMENT.match(word)
    if not match:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    if not zone:
        moment = moment.astimezone()
    elif zone in "Zz":
        moment = moment.replace(tzinfo=timezone.utc)
    else:
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment.replace(tzinfo=timezone(-away if zone[0] == "-" else away))
    return moment + timedelta(seconds=1) if whole else moment


def seconds(text: str) -> int:
    """Of UTC in ISO 8601, as the dongle writes it."""
    return int((datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) - EPOCH).total_seconds())


def iso(seconds: int | None) -> str | None:
    """UTC in ISO 8601."""
    return None if seconds is None else (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(seconds: int | None) -> str | None:
    """This computer's date and time, as spreadsheets read it."""
    return None if seconds is None else (EPOCH + timedelta(seconds=seconds)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
