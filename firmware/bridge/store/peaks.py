"""Quarter hours in, the highest of each calendar month kept: W and the time of its end (UTC, seconds since 2000), for 15 months.

They are rows as in rows.py, (end, W, flags), oldest first, in one small file that is replaced whole when one of them rises.
"""

import os

from micropython import const

from bridge.core.civil import civil
from bridge.core.zone import local
from bridge.store.rows import make_folder, pack, unpack

OF_METER = 32  # flag: the meter's own peak, not ours
_MONTHS = const(15)
_ROW = const(11)


class Peaks:
    """In the file `peaks` of `folder`; months are those of `zone`."""

    def __init__(self, folder: str, zone: str):
        self._folder = folder
        self._zone = zone
        self._saved = True
        self._rows = b""
        try:
            with open(folder + "/peaks", "rb") as file:
                for _ in range(_MONTHS):
                    row = file.read(_ROW)
                    if len(row) == _ROW and unpack(row):
                        self._rows += row
        except OSError:
            pass  # none yet

    def _month(self, end: int) -> tuple:
        return civil(local(end - 1, self._zone))[:2]

    def take(self, row: tuple) -> None:
        """Keeps a quarter hour if it is its month's highest; the meter's own goes before ours. What is of later months was of a wrong clock."""
        rows = self._rows
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
        self._rows = (rows + pack(row))[-_MONTHS * _ROW :]
        self._saved = False

    def of(self, time: int):
        """The row of the month in which `time` lies, None when there is none."""
        last = unpack(self._rows[-_ROW:]) if self._rows else None
        return last if last and self._month(last[0]) == self._month(time + 1) else None

    def save(self) -> None:
        """Replaces the file if there is news. OSError when the flash does not take it."""
        if not self._saved:
            make_folder(self._folder)
            name = self._folder + "/peaks"
            with open(name + ".new", "wb") as file:
                file.write(self._rows)
            os.rename(name + ".new", name)
            self._saved = True
