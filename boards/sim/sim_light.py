"""The LED over the meter's eye: levels of one pin in; a line per change, with its moment, into the FIFO that MB_SIM's "light" names, out.

"light" is {"path": FIFO, "pin": 17, "on": 0}; `on`: the level at which the LED shines. Lines: `1 T` it is lit, `0 T` it is dark, at the unix
time T in nanoseconds, which may be to come; `x T`: nothing comes of what was told for after T. A chip without power is dark.
"""

import utime
from sim_chip import chip

_told = chip("light")
_pin, _on = _told["pin"], _told["on"]
_state = {"lit": False, "ends": 0, "file": None}


def _tell(word, at):
    if _state["file"] is None:
        _state["file"] = open(_told["path"], "r+b")  # so opening never waits for the one who reads
    _state["file"].write(b"%s %d\n" % (word, at))


def level(pin, value):
    """The pin has that level from now on; None: nobody drives it, and the LED is dark. What was still to be played is not."""
    if pin != _pin:
        return
    lit, now = value is not None and value == _on, utime.time_ns()
    cut = _state["ends"] > now
    if cut:
        _tell(b"x", now)
    _state["ends"] = 0
    if cut or lit != _state["lit"]:
        _change(lit, now)


def play(pin, levels, start):
    """The levels to come, as hardware plays them: (level, nanoseconds), from `start` on; the last one stays."""
    if pin != _pin:
        return
    for value, lasts in levels:
        if (value == _on) != _state["lit"]:
            _change(value == _on, start)
        start += lasts
    _state["ends"] = start


def _change(lit, at):
    _state["lit"] = lit
    _tell(b"1" if lit else b"0", at)
