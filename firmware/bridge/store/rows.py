"""Rows of one kind on flash: (end in seconds since 2000, values, flags) in, files of rows with check sums out; the oldest deleted.

A row, lowest byte first: 3 bytes its end in quarter hours since 2000, 5 bytes for each value (all ones: there is none), 1 byte flags,
2 bytes check sum (CRC-32, its low half). A file is one letter for the kind and its number, "q00002a", and fits a block of flash.
After rows of a wrong clock, later in time than those that follow them, what was written last holds (see history.py).
"""

import os
from binascii import crc32

from micropython import const

QUARTER_S = const(900)
ABSENT = (1 << 40) - 1  # also what no value can be: over a million GWh
_FILE = const(4096)  # one block of flash
_WAITING = const(16)  # rows not on flash yet: four hours of quarters while it fails
_ENOSPC = const(28)
_LOOK = const(8)  # rows looked at for the last good one, of each of two files


def pack(row: tuple) -> bytes:
    """A row as bytes; a value that is None, or has no room, is written as none."""
    data = (row[0] // QUARTER_S & 0xFFFFFF).to_bytes(3, "little")
    for value in row[1:-1]:
        data += (ABSENT if value is None or not 0 <= value < ABSENT else value).to_bytes(5, "little")
    data += row[-1].to_bytes(1, "little")
    return data + (crc32(data) & 0xFFFF).to_bytes(2, "little")


def unpack(data):
    """The row, None when it is damaged."""
    last = len(data) - 3
    if last < 3 or crc32(data[: last + 1]) & 0xFFFF != data[last + 1] | data[last + 2] << 8:
        return None
    row = [int.from_bytes(data[:3], "little") * QUARTER_S]
    for at in range(3, last, 5):
        value = int.from_bytes(data[at : at + 5], "little")
        row.append(None if value == ABSENT else value)
    row.append(data[last])
    return tuple(row)


def number(name: str, letter: str) -> int:
    """The number of a file of this kind, -1 for any other."""
    try:
        return int(name[1:], 16) if name[:1] == letter and len(name) == 7 else -1
    except ValueError:
        return -1


def files(folder: str, letter: str) -> list:
    """The numbers of the files of one kind, oldest first."""
    try:
        return sorted([number(name, letter) for name in os.listdir(folder) if number(name, letter) >= 0])
    except OSError:  # no folder yet, or a flash that cannot be read
        return []


class Rows:
    """Rows of `values` values in at most `most` files. `last`, `before`: the newest row and the one before it, or None; `due`: end of the next."""

    def __init__(self, folder: str, letter: str, values: int, most: int):
        self._folder = folder
        self._letter = letter
        self._size = 6 + 5 * values
        self._most = most
        self._number = 0
        self._waiting = b""
        self.lost = 0  # rows that gave way before the flash took them
        self.due = 0
        self.last = self.before = None
        found = files(folder, letter)
        if found:
            self._number = found[-1]
        for kept in reversed(found[-2:]):
            self._recall(kept)

    def _name(self, file: int) -> str:
        return "%s/%s%06x" % (self._folder, self._letter, file)

    def _recall(self, file: int) -> None:
        size = self._size
        try:
            with open(self._name(file), "rb") as rows:
                at = min(_FILE, rows.seek(0, 2)) // size * size
                least = at - _LOOK * size
                while at > 0 and at > least and not self.before:
                    at -= size
                    rows.seek(at)
                    row = unpack(rows.read(size))
                    if self.last:
                        self.before = row
                    else:
                        self.last = row
        except OSError:
            pass

    def passed(self, end: int, then: int) -> bool:
        """Whether a row for `end` is to be added, the last one that time has passed; `then`: the one after it.

        A clock that goes back over the last row's end makes no second one; where it stays behind, the next end that it passes counts.
        """
        due = self.due
        self.due = then
        last = self.last
        return not last or end > last[0] or end < last[0] and end == due

    def add(self, row: tuple) -> None:
        """A row for the next `save`."""
        self.before = self.last
        self.last = row
        if len(self._waiting) >= _WAITING * self._size:
            self._waiting = self._waiting[self._size :]
            self.lost += 1
        self._waiting += pack(row)

    def save(self) -> None:
        """Appends what waits to the newest file. OSError when the flash does not take it: then it waits on."""
        size = self._size
        while self._waiting:
            name = self._name(self._number)
            try:
                used = os.stat(name)[6]
            except OSError:
                used = 0
            room = (_FILE - used) // size
            if used % size or not room:  # full; or a row was torn, which no LittleFS does
                self._next_file()
                continue
            if not used:
                make_folder(self._folder)
            try:
                with open(name, "ab") as rows:
                    rows.write(self._waiting[: room * size])
            except OSError as error:
                if used and error.errno != _ENOSPC:  # a damaged file: the next one may be whole
                    self._number += 1
                raise
            self._waiting = self._waiting[room * size :]

    def _next_file(self) -> None:
        self._number += 1
        for old in files(self._folder, self._letter):
            if old <= self._number - self._most:
                os.remove(self._name(old))


def make_folder(folder: str) -> None:
    """Makes a folder where there is none."""
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there; or the write that follows says why not
