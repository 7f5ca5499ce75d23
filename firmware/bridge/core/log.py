"""The log: lines of text in, a bounded ring of the newest lines, the console and what keeps lines on flash out.

Nothing secret is ever given to it: callers log the names of settings, never their values.
"""

from micropython import const

_LINE_BYTES = const(160)  # one console line; a longer text came from outside and is cut
_RECENT = const(5)
LEVELS = ("debug", "info", "warning", "error")


class Log:
    """`lines` newest lines of at least `level`; `write` prints one (default: the console); `stamp()` gives its time text.

    `keep(level, area, line)` is shown all but debug lines, whatever `level` says.
    """

    def __init__(self, lines: int = 40, level: str = "info", write=print, stamp=None, keep=None):
        self._ring = [None] * lines
        self._count = 0
        self._level = LEVELS.index(level)
        self._write = write
        self.stamp = stamp
        self.keep = keep

    def _add(self, level: int, area: str, text: str) -> None:
        shown = level >= self._level
        if not shown and not (level and self.keep):
            return
        line = "%s%s %s: %s" % (self.stamp() + " " if self.stamp else "", LEVELS[level], area, text)
        line = line[:_LINE_BYTES].replace("\n", " ").replace("\r", " ")
        if self.keep:
            self.keep(level, area, line)
        if shown:
            self._ring[self._count % len(self._ring)] = line
            self._count += 1
            self._write(line)

    def debug(self, area: str, text: str) -> None:
        self._add(0, area, text)

    def info(self, area: str, text: str) -> None:
        self._add(1, area, text)

    def warning(self, area: str, text: str) -> None:
        self._add(2, area, text)

    def error(self, area: str, text: str) -> None:
        self._add(3, area, text)

    def recent(self) -> list:
        """The last few lines, for the status document."""
        return self.lines()[-_RECENT:]

    def lines(self) -> list:
        """The lines kept, oldest first."""
        size = len(self._ring)
        if self._count <= size:
            return self._ring[: self._count]
        cut = self._count % size
        return self._ring[cut:] + self._ring[:cut]
