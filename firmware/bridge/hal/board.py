"""What this board is: its board.json in, a Board with valid values out, whatever the file holds. Opens no hardware."""

import json
import os

from micropython import const

_MAX_FILE = const(4096)  # the longest board file has 1 KB
_MAX_NESTED = const(40)  # brackets that open, ours have 5: what JSON makes of thousands fills the memory, and may stay there for a while
_MAX_PIN = const(48)  # the highest GPIO of any ESP32
_MAX_UART = const(2)
_MAX_NAME = const(40)
_MOST_START_S = const(60)
_MHZ = (80, 160, 240)
_CHIPS = ("esp32", "esp32c3", "esp32s2", "esp32s3")
_LED_KINDS = ("gpio", "ws2812")
_IR_LINE = "9600 8N1"
_P1_LINE = "115200 8N1"


class Board:
    """`name`, `title`, `chip`; `uart` {id, rx, tx, inverted} or None; `line` text or ""; pins are GPIO numbers or None.

    `light`: an LED over the meter's eye that shines instead of the head's own, {pin, active_low}, or None.
    `storage`: the folder for what is kept while the device is on and off ("": where the firmware lies).
    `strict`: a programming error ends the run instead of restarting a task (simulation).
    `txpower_dbm`, `wifi_start_s`: the radio's transmit power (None: the chip's own) and when it may go on after the start; `mhz`: of the processor (0: the most).
    `problems`: what was wrong with the file, in words; such a value is as if it were not known.
    """

    def __init__(self, raw):
        self.problems = []
        self._raw = raw
        self.name = self._take("name", _is_name, "unknown")
        self.title = self._take("title", _is_name, "unknown board")
        self.chip = self._take("chip", lambda v: v in _CHIPS, "")
        self.uart = self._take("uart", _is_uart, None)
        self.line = self._take("line", _is_name, "")
        self.interfaces = self._take("interfaces", lambda v: isinstance(v, list), ())
        self.request_pin = self._take("request_pin", _is_pin, None)
        self.led = self._take("led", _is_led, None)
        self.light = self._take("light", lambda v: isinstance(v, dict) and _is_pin(v.get("pin")) and v.get("active_low") in (None, True, False), None)
        self.button = self._take("button", _is_pin, None)
        self.storage = self._take("storage", _is_name, "")
        self.psram = self._take("psram", lambda v: isinstance(v, bool), False)
        self.strict = self._take("strict", lambda v: isinstance(v, bool), False)
        wifi = self._take("wifi", lambda v: isinstance(v, dict), {})
        power = wifi.get("txpower_dbm")
        self.txpower_dbm = power if isinstance(power, int) and 2 <= power <= 20 else None
        self.wifi_start_s = wifi.get("start_s") if _is_int(wifi.get("start_s"), _MOST_START_S) else 0
        self.mhz = self._take("mhz", lambda v: v in _MHZ, 0)
        self._raw = None

    def _take(self, name: str, valid, default):
        value = self._raw.get(name)
        if value is None:
            if name in ("name", "uart"):
                self.problems.append("board.json has no %s" % name)
            return default
        if valid(value):
            return value
        self.problems.append("board.json: %s is not valid" % name)
        return default

    def line_for(self, protocol: str) -> str:
        """The line settings to begin with when the owner named none: the board's own, else what the protocol mostly has."""
        if self.line:
            return self.line
        if protocol == "sml" or "p1" not in self.interfaces and "ir" in self.interfaces:
            return _IR_LINE
        return _P1_LINE + (" inverted" if self.uart and self.uart["inverted"] else "")


def load(path: str = "board.json") -> Board:
    """The board of file `path`. A file that is missing or damaged gives a board without a UART and a problem; never raises."""
    problem = ""
    raw = {}
    try:
        # Asked before it is read: reading with a limit takes a buffer of that size.
        if os.stat(path)[6] > _MAX_FILE:
            problem = "%s is longer than %d bytes" % (path, _MAX_FILE)
        else:
            with open(path) as file:
                text = file.read()
            if text.count("[") + text.count("{") > _MAX_NESTED:
                raise ValueError
            raw = json.loads(text)
    except OSError:
        problem = "%s is missing: deploy with the name of your board" % path
    except (ValueError, UnicodeError, RuntimeError, MemoryError):
        problem = "%s is damaged" % path
    if not isinstance(raw, dict):
        raw, problem = {}, "%s is not a JSON object" % path
    board = Board(raw)
    if problem:
        board.problems = [problem]
    return board


def _is_name(value) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _is_int(value, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= high


def _is_pin(value) -> bool:
    return _is_int(value, _MAX_PIN)


def _is_uart(value) -> bool:
    if not isinstance(value, dict) or not _is_int(value.get("id"), _MAX_UART) or not _is_pin(value.get("rx")):
        return False
    tx = value.get("tx")
    return (tx is None or _is_pin(tx)) and value.get("inverted") in (None, True, False)


def _is_led(value) -> bool:
    if not isinstance(value, dict) or not _is_pin(value.get("pin")) or value.get("kind") not in _LED_KINDS:
        return False
    return value.get("active_low") in (None, True, False)
