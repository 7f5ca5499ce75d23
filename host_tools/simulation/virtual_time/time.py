"""The module `time` of a run in virtual time: as MicroPython's, on the counter of virtual_clock; ticks wrap at 2^30 as on an ESP32."""

import utime as _real
import virtual_clock as _clock
from utime import *  # noqa: F403 - the calendar is the real thing

_PERIOD = 1 << 30
_HALF = 1 << 29

ticks_ms = _clock.ticks_ms


def ticks_us():
    return ticks_ms() * 1000 % _PERIOD


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    return ticks + delta & _PERIOD - 1


def ticks_diff(end, start):
    return (end - start + _HALF & _PERIOD - 1) - _HALF


def sleep_ms(ms):
    _clock.sleep(ms)


def sleep_us(us):
    _clock.sleep(us // 1000)


def sleep(seconds):
    _clock.sleep(int(seconds * 1000))


def time():
    return (_clock.unix_ms + _clock.ms) / 1000


def time_ns():
    return (_clock.unix_ms + _clock.ms) * 1000000


def gmtime(*seconds):
    return _real.gmtime(*(seconds or (int(time()),)))


def localtime(*seconds):
    return gmtime(*seconds)


def begin_loop():
    """Lets asyncio, which takes its functions from here when it is loaded, have those that do not wrap; returns what ends that."""
    own = globals()
    kept = ticks_ms, ticks_add, ticks_diff
    own["ticks_ms"], own["ticks_add"], own["ticks_diff"] = _clock.loop_ticks, _real.ticks_add, _real.ticks_diff

    def end():
        own["ticks_ms"], own["ticks_add"], own["ticks_diff"] = kept

    return end
