"""Counts what the stages do: a framer's buffer and the inner loops of octets.py wrapped, and the lines of Python of some inputs.

Imported before the framers, as these take the inner loops by name. One call counts as one byte looked at more.
"""

import sys

from bridge.core import unload
from bridge.framing import frame, octets

TRACED = 1000  # of so many inputs one is run line by line, which takes ten times as long
# Lines of the firmware that may be run: once (tables of a key, what is imported), for each byte, and for each call of a framer or register of a decoder.
LINES_ALLOWED = 10_000  # a table for the tag takes 6,000
LINES_PER_BYTE = 40  # seen: 24
LINES_PER_CALL = 60


class Work:
    """Bytes that finds, copies and checksums looked at since `start`."""

    def __init__(self):
        self.done = 0


WORK = Work()


class Buffer(bytearray):
    """A framer's buffer that counts how much of it is searched."""

    def find(self, wanted, start=0, end=None):
        """As of bytearray."""
        end = len(self) if end is None else end
        found = super().find(wanted, start, end)
        WORK.done += 1 + max(0, (end if found < 0 else found) - start)
        return found

    def rfind(self, wanted, start=0, end=None):
        """As of bytearray."""
        end = len(self) if end is None else end
        found = super().rfind(wanted, start, end)
        WORK.done += 1 + max(0, end - (start if found < 0 else found))
        return found


class Lines:
    """Counts the firmware's lines that run inside `with`: each TRACED-th time, the first among them; else `seen` is 0."""

    def __init__(self):
        self.seen = 0
        self._times = 0

    def __enter__(self):
        self.seen = 0
        if self._times % TRACED == 0:
            sys.settrace(self._enter)
        self._times += 1
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _enter(self, frame, event, argument):
        return self._line if frame.f_globals["__name__"].startswith("bridge.") else None

    def _line(self, frame, event, argument):
        self.seen += event == "line"
        return self._line

    def few(self, octets: int, calls: int) -> bool:
        """Whether they are no more than so many bytes and calls may take."""
        return self.seen <= LINES_ALLOWED + LINES_PER_BYTE * octets + LINES_PER_CALL * calls


def _counted(function, start: int, end: int, length: bool = False):
    """`function` whose arguments number `start` and `end` say how many bytes it looks at (or `end` alone does: `length`)."""

    def run(*words):
        WORK.done += 1 + (words[end] if length else max(0, words[end] - words[start]))
        return function(*words)

    return run


def install() -> None:
    """Puts counting versions of the inner loops and of the framers' buffers in their place, and lets no code be unloaded: it comes back slowly."""
    unload.unload = lambda *names: None
    frame.bytearray = Buffer
    octets.copy = _counted(octets.copy, 3, 4, length=True)
    octets.printable = _counted(octets.printable, 1, 2)
    octets.reflected = _counted(octets.reflected, 1, 2)
