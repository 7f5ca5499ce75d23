"""Time stamps of meters in, UTC out (seconds since 2000): TST of P1, "YYMMDDhhmmssX", X = S (summer) or W (winter) or missing.

The letter settles the repeated hour in autumn. Without one (DSMR 2 and 3) the EU rule decides (see core/civil.py).
"""

from micropython import const

from bridge.core.civil import is_summer, seconds

_EARLIEST = const(473385600)  # 2015-01-01: no meter of these protocols shows an older time and means it
_LATEST = const(2177539200)  # 2069-01-01: a clock of 1970 reads as 2070
_SUMMER, _WINTER = const(83), const(87)
_parts = bytearray(6)  # used again by each call


def digits(text, at: int, count: int) -> int:
    """The number that `count` digits make from offset `at`; ValueError when one is no digit."""
    number = 0
    for index in range(at, at + count):
        digit = text[index] - 48
        if not 0 <= digit <= 9:
            raise ValueError
        number = number * 10 + digit
    return number


def local_seconds(text) -> int:
    """Local civil time of a TST as if it were UTC; ValueError when it is no date."""
    parts = _parts
    for index in range(6):
        tens = text[2 * index] - 48
        ones = text[2 * index + 1] - 48
        if not (0 <= tens <= 9 and 0 <= ones <= 9):
            raise ValueError
        parts[index] = tens * 10 + ones
    return seconds(2000 + parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])


def utc(text):
    """UTC of a TST (12 or 13 bytes, or UTC already) or None: not a date, an unknown letter, before 2015 (unset: 000101000001W, 632525252525W)."""
    if isinstance(text, int):
        return text if _EARLIEST <= text < _LATEST else None
    if len(text) not in (12, 13):
        return None
    try:
        local = local_seconds(text)
    except ValueError:
        return None
    if len(text) == 12:
        time = local - 7200  # of the repeated hour the first
        if not is_summer(time):
            time += 3600
    elif text[12] == _SUMMER:
        time = local - 7200
    elif text[12] == _WINTER:
        time = local - 3600
    else:
        return None
    return time if _EARLIEST <= time < _LATEST else None


class Clockwork:
    """Reads the stamps of one clock: within an hour only minutes and seconds need reading."""

    def __init__(self):
        self._stamp = b""
        self._hour = None

    def utc(self, text):
        """As the function `utc`."""
        stamp = self._stamp
        if len(text) != 13 or not stamp:
            return self._read(text)
        for index in range(8):
            if text[index] != stamp[index]:
                return self._read(text)
        minutes = text[8] * 10 + text[9] - 528
        seconds_ = text[10] * 10 + text[11] - 528
        if text[12] != stamp[12] or not (0 <= minutes < 60 and 0 <= seconds_ < 60 and 48 <= text[9] < 58 and 48 <= text[11] < 58):
            return self._read(text)
        return self._hour + minutes * 60 + seconds_

    def _read(self, text):
        time = utc(text)
        if time is not None and len(text) == 13:
            self._stamp = bytes(text)
            self._hour = time - time % 3600
        return time
