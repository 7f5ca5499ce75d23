"""When and why the dongle started: lines of its log on flash, times of first readings, this computer's clock in; starts (cause, UTC or bound) out.

A start's line has no time, as the clock is not set yet: its time is that of its first reading, else it lies behind the last dated line before. Times are seconds since 2000 in UTC.
"""

import calendar
import re
import time
from dataclasses import dataclass

_LINE = re.compile(r"meterbridge (\S+) on (\S+), start (\d+) \(([^)]*)\)")
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z ")
EPOCH_S = 946_684_800  # 2000-01-01 in unix seconds


@dataclass(frozen=True)
class Start:
    """`number` of the start, `cause` in the firmware's words, `utc`: when; `after`: it was not before (each None when unknown)."""

    number: int
    cause: str
    version: str
    utc: int | None = None
    after: int | None = None


def utc_of(text: str) -> int | None:
    """The time of a status or at the beginning of a log line, None when it has none."""
    match = _STAMP.match(text + " ")
    return calendar.timegm(tuple(map(int, match.groups())) + (0, 0, 0)) - EPOCH_S if match else None


def now() -> float:
    """This computer's clock."""
    return time.time() - EPOCH_S


def read(lines: list[str], first: dict[int, int], status: dict, at: float) -> list[Start]:
    """All starts that the log knows of, oldest first; the last one's time comes from its uptime (`at`: UTC of the status)."""
    found: list[Start] = []
    after = None
    present = status.get("device", {}).get("boot")
    for line in lines:
        match = _LINE.search(line)
        if match:
            number = int(match[3])
            utc = int(at - status.get("uptime_s", 0)) if number == present else first.get(number)
            found.append(Start(number, match[4], match[1], utc, after))
            after = utc if utc is not None else after
        else:
            stamp = utc_of(line)
            after = stamp if stamp is not None else after
    return found


def within(starts: list[Start], since: float) -> list[Start]:
    """Those that were certainly not before `since`."""
    return [start for start in starts if (start.utc if start.utc is not None else start.after or 0) >= since]
