"""Counts the starts of the device in a file: path in, a number out that no earlier start had.

Together with a sequence number it names a reading for good, although sequence numbers start anew at each boot.
"""

import os

from micropython import const

_LIMIT = const(1000000000)
_AFTER_DAMAGE = const(1000000)  # a lost count goes on far above any real one, so that no number comes twice


def count(path: str) -> int:
    """Adds one to the count in `path` and returns it. A damaged or unwritable file gives a random high number; never raises."""
    try:
        with open(path) as file:
            before = int(file.read(12))
        if not 0 <= before < _LIMIT:
            before = _random()
    except ValueError:
        before = _random()
    except OSError:
        before = 0
    try:
        with open(path + ".new", "w") as file:
            file.write(str(before + 1))
        os.rename(path + ".new", path)
    except OSError:
        return _random()
    return before + 1


def _random() -> int:
    raw = os.urandom(3)
    return _AFTER_DAMAGE + (raw[0] | raw[1] << 8 | raw[2] << 16)
