"""The dongle's clock: ticks of the processor in, UTC out (seconds since 2000), and how far it can be trusted.

Before anything has set it, `now()` counts seconds since the start ("uptime"): a time that `resolve` turns into UTC
once the clock is set.
"""

import time

from micropython import const

from bridge.core.civil import iso

_RANK = ("none", "meter", "ntp")  # of sources, the best last
_EARLIEST = const(788918400)  # 2025-01-01: no dongle runs this firmware before it was written


class Clock:
    """Counts on `ticks_ms` (a test gives its own). `tell(utc)` is called whenever it was set."""

    def __init__(self, ticks_ms=None, tell=None):
        self._tell = tell
        self._ticks_ms = ticks_ms or time.ticks_ms
        self._last = self._ticks_ms()
        self._ms = 0
        self._uptime = 0
        self._offset = 0
        self.source = "none"

    @property
    def synced(self) -> bool:
        """Whether UTC is known at all."""
        return self.source != "none"

    def uptime_s(self) -> int:
        """Seconds since the start. Call it at least every six days: ticks wrap at 2^30 ms on the ESP32."""
        ticks = self._ticks_ms()
        self._ms += time.ticks_diff(ticks, self._last)
        self._last = ticks
        if self._ms >= 1000:
            self._uptime += self._ms // 1000
            self._ms %= 1000
        return self._uptime

    def now(self) -> int:
        """UTC, or the uptime while the clock is unset."""
        return self.uptime_s() + self._offset

    def set(self, utc: int, source: str) -> bool:
        """Sets UTC from `source` ("meter" or "ntp"). A source of lower rank never overrides; nonsense is refused. True when taken."""
        if _RANK.index(source) < _RANK.index(self.source) or utc < _EARLIEST:
            return False
        self._offset = utc - self.uptime_s()
        self.source = source
        if self._tell:
            self._tell(utc)
        return True

    def resolve(self, when: int, is_uptime: bool):
        """UTC of a time noted earlier: itself, or from an uptime once the clock is set; None until then."""
        if not is_uptime:
            return when
        return when + self._offset if self.synced else None

    def stamp(self) -> str:
        """Text for a log line: UTC, or "+<seconds>s" since the start."""
        now = self.now()
        return iso(now) if self.synced else "+%ds" % now

    def status(self) -> dict:
        """For the status document."""
        return {"utc": iso(self.now()) if self.synced else None, "source": self.source}
