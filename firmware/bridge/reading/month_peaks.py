"""Month peaks of Belgian meters: the text of 0-0:98.1.0 in, a tuple of (month, UTC of the peak or None, W) out.

Grammar (e-MUCs-P1 1.7.1): (n)(1-0:1.6.0)(1-0:1.6.0) and n triples (TST of the month's close)(TST of the peak)(kW), n 0..13.
A month closes with the first instant of the next one. Meters sort them newest or oldest first; the letter of a month's
close may be wrong for its date, so that it is read as a local date.
"""

from micropython import const

from bridge.core.civil import civil
from bridge.reading.timestamp import digits, local_seconds, utc

_MAX_MONTHS = const(13)
_MAX_BYTES = const(640)  # 13 months take 571
_STAMP = const(13)
_OPEN, _CLOSE, _STAR, _POINT = const(40), const(41), const(42), const(46)


def parse(text) -> tuple:
    """Month peaks, oldest first: (("2024-11", 784658700, 4420), ...). ValueError when the text does not follow the grammar."""
    groups = _groups(text)
    if len(groups) == 1 and groups[0] == b"" or len(groups[0]) == _STAMP:  # Hungary: when the month ended and its counters
        return ()
    count = digits(groups[0], 0, len(groups[0])) if groups[0] else -1
    if not 0 <= count <= _MAX_MONTHS:
        raise ValueError
    first = len(groups) - 3 * count
    if first not in (1, 2, 3):  # an empty list may leave out what it is a list of
        raise ValueError
    months = []
    for index in range(first, len(groups), 3):
        months.append(_month(groups[index], groups[index + 1], groups[index + 2]))
    months.sort()
    return tuple([(month, peak, watts) for month, _, peak, watts in months])


def _month(close, peak, power) -> tuple:
    """The second element keeps tuples of one month comparable: None and numbers are not."""
    if len(close) not in (12, 13):
        raise ValueError
    when = utc(peak)
    watts = _watts(power)
    month = "%04d-%02d" % civil(local_seconds(close) - 1)[:2]
    return month, 0 if when is None else when, when, watts


def _groups(text) -> list:
    """The contents of brackets; ValueError when there is anything between or too much."""
    if len(text) > _MAX_BYTES:
        raise ValueError
    text = bytes(text)
    groups = []
    at = 0
    while at < len(text):
        if text[at] != _OPEN:
            raise ValueError
        end = text.find(b")", at)
        if end < 0:
            raise ValueError
        groups.append(text[at + 1 : end])
        at = end + 1
    if not groups:
        raise ValueError
    return groups


def _watts(power: bytes) -> int:
    """ "03.995*kW" is 3995; ValueError for anything else."""
    star = power.find(b"*")
    point = power.find(b".")
    if not 0 < star < 10 or power[star + 1 :].lower() != b"kw":
        raise ValueError
    if point < 0:
        return digits(power, 0, star) * 1000
    decimals = star - point - 1
    if not 0 < decimals <= 3 or not 0 < point < 6:
        raise ValueError
    return digits(power, 0, point) * 1000 + digits(power, point + 1, decimals) * 10 ** (3 - decimals)
