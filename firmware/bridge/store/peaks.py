"""Quarter hours in, the highest of each calendar month kept: W and the time of its end (UTC, seconds since 2000), for 15 months.

They are rows as in rows.py, (end, W, flags), oldest first, in one small file that is replaced whole when one of them rises.
"""

from micropython import const

from bridge.core.civil import civil
from bridge.core.zone import local
from bridge.store.rows import pack, unpack

OF_METER = 32  # flag: the meter's own peak, not ours
MONTHS = const(15)
_ROW = const(11)


class Peaks:
    """Months are those of `zone`; `rows`: all of them as bytes; `saved`: whether they are on flash."""

    def __init__(self, zone: str, rows: bytes, saved: bool = True):
        self._zone = zone
        self.rows = rows
        self.saved = saved

    def _month(self, end: int) -> tuple:
        return civil(local(end - 1, self._zone))[:2]

    def take(self, row: tuple) -> None:
        """Keeps a quarter hour if it is its month's highest; the meter's own goes before ours. What is of later months was of a wrong clock."""
        rows = self.rows
        month = self._month(row[0])
        while rows:
            last = unpack(rows[-_ROW:])
            if self._month(last[0]) < month:
                break
            if self._month(last[0]) == month:
                more = (row[2] & OF_METER) - (last[2] & OF_METER)
                if more < 0 or not more and row[1] <= last[1]:
                    return
            rows = rows[:-_ROW]
        self.rows = (rows + pack(row))[-MONTHS * _ROW :]
        self.saved = False

    def of(self, time: int):
        """The row of the month in which `time` lies, None when there is none."""
        last = unpack(self.rows[-_ROW:]) if self.rows else None
        return last if last and self._month(last[0]) == self._month(time + 1) else None
