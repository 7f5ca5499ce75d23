"""Rows of one kind: (end in seconds since 2000, values, flags) in, what the flash is to take and the last two out.

A row as bytes, lowest byte first: 3 bytes its end in quarter hours since 2000, 5 bytes for each value (all ones: there is none), 1 byte
flags, 2 bytes check sum (CRC-32, its low half). rows_files.py puts them on flash and finds them again.
"""

from binascii import crc32

from micropython import const

QUARTER_S = const(900)
ABSENT = (1 << 40) - 1  # also what no value can be: over a million GWh
_IMPORT, _EXPORT = const(0), const(5)  # totals; each one's tariffs follow it
_WAITING = const(16)  # rows not on flash yet: four hours of quarters while it fails


def counter(reading, id: int):
    """A counter of `reading` in whole units, a total also as the sum of its tariffs; None when there is none or it is beyond all reason."""
    value = reading.get(id)
    if value is None and id in (_IMPORT, _EXPORT):
        for tariff in range(id + 1, id + 5):
            part = reading.get(tariff)
            if part is not None:
                value = part + (value or 0)
    return value if value is None or 0 <= value < ABSENT else None


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


class Rows:
    """Rows of `values` values, whose files begin with `letter`, at most `most` of them; `number`: that of the newest file.

    `last`, `before`: the newest row and the one before it, or None; `due`: end of the next; `waiting`: bytes of rows for the flash;
    `lost`: rows that gave way before it took them. It is there for the moment; between two of them there is only what `state` tells.
    """

    def __init__(self, letter: str, values: int, most: int, last=None, before=None, due=0, waiting=b"", lost=0, number=0):
        self.letter = letter
        self.size = 6 + 5 * values
        self.most = most
        self.last = last
        self.before = before
        self.due = due
        self.waiting = waiting
        self.lost = lost
        self.number = number

    def state(self) -> tuple:
        """What makes it anew."""
        return self.letter, self.size // 5 - 1, self.most, self.last, self.before, self.due, self.waiting, self.lost, self.number

    def passed(self, end: int, then: int) -> bool:
        """Whether a row for `end` is to be added, the last one that time has passed; `then`: the one after it.

        A clock that goes back over the last row's end makes no second one; where it stays behind, the next end that it passes counts.
        """
        due = self.due
        self.due = then
        last = self.last
        return not last or end > last[0] or end < last[0] and end == due

    def add(self, row: tuple) -> None:
        """A row that the flash is to take."""
        self.before = self.last
        self.last = row
        if len(self.waiting) >= _WAITING * self.size:
            self.waiting = self.waiting[self.size :]
            self.lost += 1
        self.waiting += pack(row)
