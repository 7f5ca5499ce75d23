"""The two copies of the firmware: the file `slot` in; which copy runs, which is on trial and how the last update ended out. See boot.py.

These files are shared with a boot.py that no update replaces: their form stays as it is.
"""

import os
import sys

from micropython import const

_LONGEST = const(200)  # bytes of the file, as boot.py reads it
_STARTS = const(3)  # that a trial gets
_CHOICE = "slot"


def running() -> str:
    """The slot that this firmware was started from, "" when it lies in none."""
    name = (sys.path[0] if sys.path else "").rpartition("/")[2]
    return name if name in ("a", "b") else ""


def read() -> tuple:
    """(slot chosen or "", slot to go back to when it is on trial or "", version on trial or how the last update ended)."""
    try:
        with open(_CHOICE, "rb") as file:
            words = str(file.read(_LONGEST), "utf-8").strip().split(" ", 3)
    except (OSError, ValueError):
        words = []
    words += [""] * (4 - len(words))
    if words[0] not in ("a", "b"):
        return "", "", ""
    if words[1] in ("a", "b"):
        return words[0], words[1], words[3]
    return words[0], "", (words[2] + " " + words[3]).strip() if words[1] == "-" else ""


def choose(slot: str, note: str) -> None:
    """That slot runs from the next start on, and is no trial; `note`: how the last update ended. OSError from the flash."""
    _put("%s - %s" % (slot, note) if note else slot)


def try_next(slot: str, back: str, version: str) -> None:
    """The next start tries that slot; unless it is confirmed, `back` runs again after a few. OSError from the flash."""
    _put("%s %s %d %s" % (slot, back, _STARTS, version))


def _put(text: str) -> None:
    with open(_CHOICE + ".new", "w") as file:
        file.write(text[:_LONGEST])
    os.rename(_CHOICE + ".new", _CHOICE)


def healthy() -> None:
    """No start before this one counts as failed any more."""
    try:
        os.remove("starts")
    except OSError:
        pass  # there is none
