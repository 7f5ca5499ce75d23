"""Lines of the log in, files on flash out: warnings, errors and starts in log/log, refused access in log/access, for ever bounded.

What is kept of each is its newest 8 to 16 KB: a full file becomes "...old" in place of the one before. A flood of lines fills no flash and
wears none: there is one write a minute, of a few lines; how many were left out is a line of its own.
"""

from micropython import const

from bridge.core.unload import unload

_WAITING = const(8)  # lines of a kind between two writes
_EVERY_S = const(60)
_INFO, _WARNING = const(1), const(2)


class LogFile:
    """In `folder` (made at the first write); `uptime()`: seconds since the start."""

    def __init__(self, folder: str, uptime):
        self._folder = folder
        self._uptime = uptime
        self._due = 0  # uptime of the next write
        self._waiting = ([], [])  # lines of "log", of "access"
        self._left_out = [0, 0]
        self.problem = ""

    def keep(self, level: int, area: str, line: str) -> None:
        """Takes a line (without its end) if it is to be kept."""
        kind = int(area == "access")
        if level < _WARNING and not (kind or level == _INFO and area == "app"):
            return
        waiting = self._waiting[kind]
        if len(waiting) == _WAITING:
            self._left_out[kind] += 1
        else:
            waiting.append(line)

    def save(self) -> None:
        """Writes what waits, when it is time. What the flash does not take is tried again next time."""
        now = self._uptime()
        if now < self._due or not (self._waiting[0] or self._waiting[1]):
            return
        self._due = now + _EVERY_S
        try:
            from bridge.store.log_lines import save

            self.problem = save(self._folder, self._waiting, self._left_out)
        except MemoryError:
            self.problem = "memory"
        finally:
            save = None
            unload("bridge.store.log_lines", "bridge.store.folder")

    def erase(self) -> tuple:
        """Forgets all lines, on flash and waiting: (files, bytes) removed."""
        from bridge.store.folder import erase

        done = erase(self._folder)
        erase = None
        unload("bridge.store.folder")
        self._waiting[0].clear()
        self._waiting[1].clear()
        self._left_out = [0, 0]
        return done
