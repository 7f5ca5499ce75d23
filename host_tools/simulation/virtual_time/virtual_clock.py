"""The simulated chip's own time: calls that would wait in, a counter of milliseconds moved out. Nothing here waits.

Whoever would wait calls `pass_time`: the counter jumps to the end of the wait, or to what comes first in the world outside (a telegram,
an event). Real programs beside it run in real time: what socket.py and select.py do about that, is told there.
"""

import utime
from sim_chip import chip

_AHEAD_MS = 1 << 40  # asyncio's queue in C stamps what runs at once by the real clock: that must lie before every time of ours
NEVER = 1 << 60  # ms
_MASK = (1 << 30) - 1  # an ESP32's ticks wrap at 2^30

told = chip("virtual", {})  # of MB_SIM: {"port", "unix_ms", "ticks", "coarse_ms", "patience_ms", "ntp"}
ms = 0  # since the start of this boot
coarse = told.get("coarse_ms", 0)  # a jump is at least so long, as if other work had kept the chip that long
unix_ms = told.get("unix_ms", 946684800000)  # at the start of this boot; the default is an ESP32's year 2000
_ticks = told.get("ticks", 0)  # at the start of this boot
_origin = utime.ticks_ms() + _AHEAD_MS
due = NEVER  # when something happens outside, in ms
happen = None  # what then happens; it sets `due` anew
bite_at = NEVER  # when the watchdog bites, in ms
bite = None  # what it then does


def loop_ticks():
    """For asyncio, which is not this project's: ticks that do not wrap."""
    return _origin + ms


def ticks_ms():
    """As the chip has them."""
    return ms + _ticks & _MASK


def pass_time(wait):
    """Moves the time by `wait` ms (for ever when negative), at most to what happens next outside, which then happens."""
    global ms
    end = ms + (wait if wait > coarse else coarse) if wait >= 0 else NEVER
    if end < due and end <= bite_at:
        ms = end
        return
    end = min(end, due)
    if end > bite_at:
        ms = bite_at
        bite()
    ms = max(ms, end)
    if due <= ms:
        happen()


def sleep(wait):
    """All of `wait` ms, whatever happens outside meanwhile."""
    end = ms + wait
    while ms < end:
        pass_time(end - ms)
