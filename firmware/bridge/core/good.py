"""The settings with which this firmware last ran well: what `mark` said of their file at the start in; a copy of it, for when others turn out bad, out.

The copy is made when a start has proved healthy, and only of what that start was made with: settings that were saved meanwhile have yet to prove
themselves.
"""

import os
from binascii import crc32

from micropython import const

_PIECE = const(256)


def mark(path: str) -> int:
    """CRC-32 of a file, -1 when it cannot be read."""
    crc = 0
    try:
        with open(path, "rb") as file:
            piece = file.read(_PIECE)
            while piece:
                crc = crc32(piece, crc)
                piece = file.read(_PIECE)
    except OSError:
        return -1
    return crc


def keep(path: str, was) -> None:
    """Copies the file to `path`.good in one step, if it is still as it was; None: it was no good. Where the flash takes nothing the older copy stays."""
    if was is None or was == -1 or mark(path) != was or mark(path + ".good") == was:
        return
    try:
        with open(path, "rb") as file:
            with open(path + ".good.new", "wb") as copy:
                piece = file.read(_PIECE)
                while piece:
                    copy.write(piece)
                    piece = file.read(_PIECE)
        os.rename(path + ".good.new", path + ".good")
    except OSError:
        pass
