"""Fake of the ESP32's `machine`: offers what the firmware may use, raises what the ESP32 port raises, lacks what it lacks."""

import sys as _sys

import utime as _time
from sim_chip import chip as _chip
from sim_chip import read_json as _read_json
from sim_uart import UART

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_RESET_CODE = 86  # tells the runner that the chip resets itself
_FREQUENCIES = (20_000_000, 40_000_000, 80_000_000, 160_000_000, 240_000_000)
_RTC_BYTES = 2048  # the port's default for RTC().memory()
_PINS = tuple(p for p in range(40) if p not in (24, 28, 29, 30, 31))  # GPIOs that the ESP32 has
_INPUT_ONLY = 34  # this one and above

_state = {"freq": 160_000_000}
if _chip("light"):
    import sim_light as _light
else:
    _light = None


class Pin:
    """A GPIO. Levels are kept; what is wired to one from outside, says the JSON file that MB_SIM names as "pins": {"16": 1}."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    DRIVE_0, DRIVE_1, DRIVE_2, DRIVE_3 = 0, 1, 2, 3

    _levels = {}
    _driven = set()  # outputs that no UART or RMT has taken

    def __init__(self, id, mode=None, pull=-1, *, value=None, drive=None):
        if isinstance(id, Pin):
            id = id._id
        if not isinstance(id, int) or isinstance(id, bool) or id not in _PINS:
            raise ValueError("invalid pin")
        self._id = id
        if mode is not None or pull != -1 or value is not None:
            self.init(mode, pull, value=value, drive=drive)

    def init(self, mode=None, pull=-1, *, value=None, drive=None):
        self._check_mode(mode)
        if value is not None:
            self._levels[self._id] = int(bool(value))
        elif pull == self.PULL_UP:
            self._levels.setdefault(self._id, 1)
        if mode is not None:
            self._taken(None)
            if mode & 2:
                self._driven.add(self._id)
            elif _light:
                _light.level(self._id, None)
        self._shine()

    def _check_mode(self, mode):
        if mode is not None and mode & 2 and self._id >= _INPUT_ONLY:
            raise ValueError("pin can only be input")

    def _set(self, level):
        self._levels[self._id] = level
        self._shine()

    def _shine(self):
        if _light and self._id in self._driven:
            _light.level(self._id, self._levels.get(self._id, 0))

    def _taken(self, level):
        """Something else drives it from now on, at first with that level; None: nothing does."""
        self._driven.discard(self._id)
        if _light and level is not None:
            _light.level(self._id, level)

    def value(self, *level):
        if not level:
            wired = _read_json(_chip("pins")) if _chip("pins") else {}
            return wired.get(str(self._id), self._levels.get(self._id, 0))
        if len(level) > 1:
            raise TypeError("function expected at most 2 arguments, got %d" % (len(level) + 1))
        self._set(int(bool(level[0])))

    __call__ = value

    def on(self):
        self._set(1)

    def off(self):
        self._set(0)

    def toggle(self):
        self._set(1 - self._levels.get(self._id, 0))

    def __repr__(self):
        return "Pin(%d)" % self._id


class WDT:
    """Writes its timeout to a file at each feed; the runner ends the process when that file grows too old. Cannot be stopped."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout < 1000:
            raise ValueError("WDT timeout too short")
        self._timeout = timeout // 1000 * 1000  # the port counts in whole seconds
        self.feed()

    def feed(self):
        path = _chip("watchdog")
        if path:
            with open(path, "w") as file:
                file.write(str(self._timeout))


class RTC:
    """Clock and 2 KB that outlive every reset but not a power cut."""

    _offset = 0

    def __init__(self, id=0):
        if id != 0:
            raise ValueError("RTC(%d) does not exist" % id)

    def datetime(self, datetimetuple=None):
        when = datetimetuple
        if when is None:
            y, mo, d, h, mi, s, weekday, _ = _time.gmtime(int(_time.time()) + RTC._offset)[:8]
            return (y, mo, d, weekday, h, mi, s, 0)
        if len(when) != 8:
            raise ValueError("requested length 8 but object has length %d" % len(when))
        y, mo, d, _, h, mi, s, _ = when
        if _chip("rtc"):
            with open(_chip("rtc") + ".utc", "w") as file:  # what the chip's own clock was set to: nothing of it is seen from outside
                file.write("%04d-%02d-%02dT%02d:%02d:%02dZ" % (y, mo, d, h, mi, s))
        RTC._offset = _time.mktime((y, mo, d, h, mi, s, 0, 0)) - int(_time.time())

    def init(self, datetime):
        self.datetime(datetime)

    def memory(self, data=None):
        path = _chip("rtc")
        if data is None:
            try:
                with open(path, "rb") as file:
                    return file.read()
            except (OSError, TypeError):
                return b""
        if len(data) > _RTC_BYTES:
            raise ValueError("buffer too long")
        if path:
            with open(path, "wb") as file:
                file.write(data)


def reset():
    """Ends the process with the code on which the runner starts it again."""
    if hasattr(_sys.stdout, "flush"):
        _sys.stdout.flush()
    _sys.exit(_RESET_CODE)


def reset_cause():
    return _chip("reset_cause", PWRON_RESET)


def unique_id():
    return bytes.fromhex(_chip("unique_id", "a1b2c3d4e5f6"))


def freq(*hz):
    if not hz:
        return _state["freq"]
    if len(hz) > 1:
        raise TypeError("function expected at most 1 arguments, got %d" % len(hz))
    if hz[0] not in _FREQUENCIES:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _state["freq"] = hz[0]


def idle():
    pass
