"""A-XDR, the values of DLMS: octets in; where each value lies, and the OBIS code before it, out. ValueError for what is none."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime

from host_tools.meters.localtime import HOUR

NOTIFICATION = 0x0F
OCTETS, VISIBLE, UTF8, BITS = 9, 10, 12, 4
# Octets of a value by its type; 0 for none.
_SIZES = {0: 0, 3: 1, 5: 4, 6: 4, 13: 1, 15: 1, 16: 2, 17: 1, 18: 2, 20: 8, 21: 8, 22: 1, 23: 4, 24: 8, 25: 12, 26: 5, 27: 4}
_CONTAINERS = (1, 2)
_COUNTED = (BITS, OCTETS, VISIBLE, UTF8)
_CODE, _DATE_TIME = 6, 12  # octets
_OPEN, _MOST_AWAY = -0x8000, 840  # minutes from UTC
_MOST = 4096  # values of one telegram, and levels: far more than fit into the longest
_HEAD = re.compile(rb"(?s)\x0f.{4}(?:\x00|\x0c(.{12})|\x09\x0c(.{12}))(?=[\x01\x02])")


@dataclass(frozen=True)
class Value:
    """A value that is no structure: its type, its octets data[first:last], and the code that it stands behind, b"" without one."""

    kind: int
    first: int
    last: int
    code: bytes


def head(data: bytes, at: int = 0) -> tuple[int, bytes]:
    """(where the body of the data-notification at `at` begins, its date-time or b"")."""
    found = _HEAD.match(data, at)
    if not found:
        raise ValueError("no data-notification")
    when = found[1] or found[2] or b""
    if when and not is_date_time(when):
        raise ValueError("a date that is none")
    return found.end(), when


def values(data: bytes, at: int) -> tuple[list[Value], int]:
    """The values of what begins at `at`, and the index behind it."""
    found: list[Value] = []
    left, code = [1], b""
    for _ in range(_MOST):
        while left and not left[-1]:
            left.pop()
        if not left:
            return found, at
        if at >= len(data):
            break
        left[-1] -= 1
        kind = data[at]
        at += 1
        if kind in _CONTAINERS:
            size, at = _length(data, at)
            left.append(size)
            code = b""
            continue
        size, at = _length(data, at) if kind in _COUNTED else (_SIZES.get(kind, -1), at)
        size = (size + 7) // 8 if kind == BITS else size
        if size < 0 or at + size > len(data):
            break
        found.append(Value(kind, at, at + size, code))
        octets = data[at : at + size]
        code = octets if kind == OCTETS and not code and is_code(octets) else b""
        at += size
    raise ValueError("no value of A-XDR")


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("cut")
    size, at = data[at], at + 1
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count < 3 or at + count > len(data):
            raise ValueError("a length that is none")
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    return size, at


def is_code(octets: bytes) -> bool:
    """Whether these are an OBIS code: A is below 16."""
    return len(octets) == _CODE and octets[0] < 16


def is_date_time(octets: bytes) -> bool:
    """Twelve octets of a date-time; a year, month, ... may be left open."""
    if len(octets) != _DATE_TIME or not is_date(octets[:5]) or not is_time(octets[5:9]):
        return False
    away = int.from_bytes(octets[9:11], "big", signed=True)
    return away == _OPEN or abs(away) <= _MOST_AWAY


def is_date(octets: bytes) -> bool:
    year = int.from_bytes(octets[:2], "big")
    return len(octets) == 5 and (1990 <= year < 2100 or year == 0xFFFF) and all(
        octet <= most or octet >= 0xFD for octet, most in zip(octets[2:], (12, 31, 7)))


def is_time(octets: bytes) -> bool:
    return len(octets) == 4 and all(octet <= most or octet == 0xFF for octet, most in zip(octets, (23, 59, 59, 99)))


def unix_of(octets: bytes) -> int | None:
    """Unix seconds of a date-time, None where it leaves something open; local time counts as UTC+1 where it does not say what it is."""
    away = int.from_bytes(octets[9:11], "big", signed=True)
    try:
        parts = int.from_bytes(octets[:2], "big"), octets[2], octets[3], *octets[5:8]
        return calendar.timegm(datetime(*parts).timetuple()) + (-HOUR if away == _OPEN else away * 60)
    except ValueError:
        return None
