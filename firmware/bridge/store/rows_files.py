"""Rows and month peaks to flash and back: a folder and Rows in, files out; the oldest deleted. Loaded at the start and when there is something to write.

A file is one letter for the kind and its number, "q00002a", and fits a block of flash. After rows of a wrong clock, later in time than those
that follow them, what was written last holds (see history.py).
"""

import os

from micropython import const

from bridge.store.folder import make
from bridge.store.rows import unpack

_FILE = const(4096)  # one block of flash
_LOOK = const(8)  # rows looked at for the last good one, of each of two files
_ENOSPC = const(28)
_PEAKS = "/peaks"
PEAK_ROW = const(11)


def number(name: str, letter: str) -> int:
    """The number of a file of this kind, -1 for any other; what is near the end of all numbers none of ours has."""
    try:
        found = int(name[1:], 16) if name[:1] == letter and name[1:2] != "f" else -1
    except ValueError:
        return -1
    return found if "%06x" % found == name[1:] else -1


def files(folder: str, letter: str) -> list:
    """The numbers of the files of one kind, oldest first."""
    try:
        return sorted([number(name, letter) for name in os.listdir(folder) if number(name, letter) >= 0])
    except OSError:  # no folder yet, or a flash that cannot be read
        return []


def path(folder: str, letter: str, file: int) -> str:
    """Where a file is."""
    return "%s/%s%06x" % (folder, letter, file)


def recall(folder: str, rows) -> None:
    """Finds the last two rows and where to go on."""
    found = files(folder, rows.letter)
    if found:
        rows.number = found[-1]
    for file in reversed(found[-2:]):
        try:
            _recall(path(folder, rows.letter, file), rows)
        except OSError:
            pass  # it cannot be read: then what was before it


def _recall(name: str, rows) -> None:
    size = rows.size
    with open(name, "rb") as file:
        at = min(_FILE, file.seek(0, 2)) // size * size
        least = at - _LOOK * size
        while at > 0 and at > least and not rows.before:
            at -= size
            file.seek(at)
            row = unpack(file.read(size))
            if rows.last:
                rows.before = row
            else:
                rows.last = row


def write(folder: str, rows) -> None:
    """Appends what waits to the newest file. OSError when the flash does not take it: then it waits on."""
    size = rows.size
    while rows.waiting:
        name = path(folder, rows.letter, rows.number)
        used = _length(name)
        room = (_FILE - used) // size
        if used % size or room < 1:  # full; or a row was torn, which no LittleFS does
            rows.number += 1
            _forget(folder, rows)
            continue
        if not used:
            make(folder)
        try:
            with open(name, "ab") as file:
                file.write(rows.waiting[: room * size])
        except OSError as error:
            if used and error.errno != _ENOSPC:  # a damaged file: the next one may be whole
                rows.number += 1
            raise
        rows.waiting = rows.waiting[room * size :]


def _forget(folder: str, rows) -> None:
    for old in files(folder, rows.letter):
        if old <= rows.number - rows.most:
            try:
                os.remove(path(folder, rows.letter, old))
            except OSError:
                pass  # it is tried again when the next file begins


def _length(name: str) -> int:
    try:
        return os.stat(name)[6]
    except OSError:
        return 0


def recall_peaks(folder: str, most: int) -> bytes:
    """The rows of the month peaks that are whole, at most so many."""
    found = b""
    try:
        with open(folder + _PEAKS, "rb") as file:
            for _ in range(most):
                row = file.read(PEAK_ROW)
                if len(row) == PEAK_ROW and unpack(row):
                    found += row
    except OSError:
        pass  # none yet
    return found


def write_peaks(folder: str, data: bytes) -> None:
    """Replaces the file as a whole."""
    make(folder)
    name = folder + _PEAKS
    with open(name + ".new", "wb") as file:
        file.write(data)
    os.rename(name + ".new", name)
