"""Counts what a framer does: its buffer and the inner loops of octets.py wrapped, the number of bytes looked at out.

Imported before the framers, as these take the inner loops by name. One call counts as one byte more.
"""

from bridge.framing import frame, octets


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


def _counted(function, start: int, end: int, length: bool = False):
    """`function` whose arguments number `start` and `end` say how many bytes it looks at (or `end` alone does: `length`)."""

    def run(*words):
        WORK.done += 1 + (words[end] if length else max(0, words[end] - words[start]))
        return function(*words)

    return run


def install() -> None:
    """Puts counting versions of the inner loops and of the framers' buffers in their place."""
    frame.bytearray = Buffer
    octets.copy = _counted(octets.copy, 3, 4, length=True)
    octets.printable = _counted(octets.printable, 1, 2)
    octets.reflected = _counted(octets.reflected, 1, 2)
