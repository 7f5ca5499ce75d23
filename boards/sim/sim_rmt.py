"""Fake of `esp32.RMT`: durations and levels in; the pin's levels, played by no program but at their own pace, out. As strict as the ESP32.

Where the chip takes the low bits of a number too large, or lets the interrupt watchdog bite, this one raises. Loops it has none.
"""

import utime
from machine import Pin
from sim_chip import chip

_SOURCE_HZ = 80_000_000
_SLOWEST_DIVIDER = 256
_DEFAULT_HZ = 10_000_000
_BLOCK_SYMBOLS = 64  # an ESP32's memory of a channel
_CHANNELS = 8
_ABORT_NS = 300_000_000  # longer ones cannot be stopped: rmt_disable waits for their end with interrupts off
_channels = [0]  # blocks of memory in use


class RMT:
    """Drives its pin from the moment it is made: low until the first pulses, whatever its idle level."""

    PULSE_MAX = 32767

    def __init__(self, id=-1, *, pin, resolution_hz=None, clock_div=None, idle_level=False, tx_carrier=None, num_symbols=_BLOCK_SYMBOLS):
        if not isinstance(pin, Pin):
            raise ValueError("expecting a pin")
        pin._check_mode(Pin.OUT)
        if resolution_hz is not None and clock_div is not None:
            raise ValueError("resolution_hz and clock_div are mutually exclusive")
        if clock_div is not None and not 1 <= clock_div <= 255:
            raise ValueError("clock_div must be between 1 and 255")
        if resolution_hz is not None and resolution_hz <= 0:
            raise ValueError("resolution_hz must be positive")
        if num_symbols < _BLOCK_SYMBOLS or num_symbols % 2:
            raise ValueError("num_symbols must be even and at least %d" % _BLOCK_SYMBOLS)
        if tx_carrier is not None:
            raise NotImplementedError("the fake has no carrier")
        self._hz = resolution_hz or (_SOURCE_HZ // clock_div if clock_div else _DEFAULT_HZ)
        if not 1 <= _SOURCE_HZ // self._hz <= _SLOWEST_DIVIDER:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        self._blocks = (num_symbols + _BLOCK_SYMBOLS - 1) // _BLOCK_SYMBOLS
        if _channels[0] + self._blocks > _CHANNELS:
            raise OSError(-261, "ESP_ERR_NOT_FOUND")
        _channels[0] += self._blocks
        self._pin = pin
        self._idle = int(bool(idle_level))
        self._ends = 0  # unix time in ns
        pin._taken(0)

    @staticmethod
    def source_freq():
        return _SOURCE_HZ

    def clock_div(self):
        self._check()
        return _SOURCE_HZ // self._hz

    def active(self, *value):
        if not value:
            return self._left() > 0
        if value[0]:
            raise ValueError("activate by calling write_pulses()")
        self._abort()
        return False

    def wait_done(self, *, timeout=0):
        """`timeout` in ms."""
        self._check()
        if timeout:
            self._wait(timeout)
        return self._left() <= 0

    def write_pulses(self, duration, *data):
        self._check()
        if len(data) > 1:
            raise TypeError("function expected at most 3 arguments, got %d" % (2 + len(data)))
        self._wait()
        self._play(self._pulses(duration, data[0] if data else True))

    def deinit(self):
        if self._pin is not None:
            self._abort()
            self._pin = None
            _channels[0] -= self._blocks

    def _pulses(self, duration, data):
        """(level, nanoseconds) of each."""
        if not isinstance(data, (list, tuple)):
            if not isinstance(duration, (list, tuple)):
                raise TypeError("object '%s' isn't a tuple or list" % type(duration).__name__)
            first = int(bool(data))
            data = [(first + n) % 2 for n in range(len(duration))]
        elif isinstance(duration, int):
            duration = [duration] * len(data)
        if len(duration) != len(data):
            raise ValueError("duration and data must have same length")
        if not data:
            raise ValueError("No pulses")
        for one in duration:
            if not isinstance(one, int):
                raise TypeError("can't convert %s to int" % type(one).__name__)
            if not 1 <= one <= self.PULSE_MAX:
                raise ValueError("a duration is 1 to %d; the chip would take %d" % (self.PULSE_MAX, one & self.PULSE_MAX))
        return [(int(bool(level)), one * 1_000_000_000 // self._hz) for level, one in zip(data, duration)]

    def _play(self, pulses):
        now = utime.time_ns()
        self._ends = now + sum([lasts for _, lasts in pulses])
        if chip("light"):
            from sim_light import play

            play(self._pin._id, pulses + [(self._idle, 0)], now)

    def _left(self):
        """Nanoseconds until all is played."""
        return self._ends - utime.time_ns()

    def _abort(self):
        left = self._left()
        if left > _ABORT_NS:
            raise RuntimeError("an ESP32 that stops %d ms of pulses panics: its interrupt watchdog bites" % (left // 1_000_000))
        self._wait()

    def _wait(self, most=1 << 29):
        """Until all is played, or so many ms: this clock and the one of sleep_ms are not the same to the last microsecond."""
        begun = utime.ticks_ms()
        while self._left() > 0 and utime.ticks_diff(utime.ticks_ms(), begun) < most:
            utime.sleep_ms(min(most, self._left() // 1_000_000 + 1))

    def _check(self):
        if self._pin is None:
            raise OSError("already deinitialized")
