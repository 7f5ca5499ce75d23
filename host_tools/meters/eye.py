"""The eye and the display of a German meter: light on and off with its moments (seconds) in; two lines of text, and what it may send, out.

Times go forward and may be of any origin. Only `light`, `tick` and `power_cycle` move the meter on: `display` and `extended` look ahead, so
that a light that is reported a little later is not too late. Inside, times are whole microseconds.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from dataclasses import dataclass

from host_tools.meters.eye_profiles import ERASES, GENERIC, INF, PIN, TWICE, EyeProfile

NORMAL, TEST, ENTRY, CHECK, MENU, LOCKED = "normal", "test", "PIN entry", "check", "menu", "locked"
DIGITS = 4
_US = 1_000_000
_LOG = 2000  # happenings kept: some hundred PINs
_TURN_S, _BLINK_S = 5, 0.5  # the display goes from one counter to the next; it blinks


@dataclass(frozen=True)
class Happening:
    """`kind`: short, long, ignored, undefined, late, digit, state, unlocked, wrong, back, inf, pin, asked, erased, power."""

    at: float
    kind: str
    text: str


class Eye:
    """The state machine. `log` is what happened; `erased` counts values that a long pulse deleted; `pin` is the meter's.

    `values`: quantity names with numbers, for the display. `late` is logged for a pulse that began before a digit was taken and ended after
    it: a meter may take it for either digit; this one lets the digit wait for the pulse.
    """

    def __init__(self, profile: EyeProfile = GENERIC, pin: str = "1234", inf: bool = False, pin_required: bool = True):
        if len(pin) != DIGITS or not (pin.isascii() and pin.isdigit()):
            raise ValueError("a PIN has four digits")
        self.profile, self.pin, self.inf, self.pin_required = profile, pin, inf, pin_required
        self.values: dict = {}
        self.log: deque[Happening] = deque(maxlen=_LOG)
        self.state, self.unlocked, self.item, self.entered, self.number = NORMAL, False, 0, "", 0
        self.erased = self.failures = 0
        self._asked = self._touched = False
        self._now: int | None = None
        self._powered = self._due = self._last = 0  # _due: when the state ends by itself; _last: end of the last pulse
        self._lit: int | None = None  # since when
        self._held = False  # the pulse was a long one already
        self._times = {name: round(value * _US) for name, value in vars(profile).items() if type(value) in (int, float)}
        self._lock = threading.RLock()

    # what comes in -------------------------------------------------------------------------------------------------------

    def light(self, on: bool, at: float) -> None:
        """The light over the eye goes on or off at that moment."""
        with self._lock:
            now = self._advance(at)
            if on and self._lit is None:
                self._lit, self._held = now, False
            elif not on and self._lit is not None:
                lasted, held, self._lit = now - self._lit, self._held, None
                if not held:
                    self._pulse(lasted)
                self._run()

    def tick(self, at: float) -> None:
        """Time goes on to that moment. A light that is on until then has been on until then."""
        with self._lock:
            self._advance(at)

    def power_cycle(self, at: float) -> None:
        """The meter's power fails for a moment."""
        with self._lock:
            self._powered = self._last = self._advance(at)
            self.unlocked, self._lit, self.failures = False, None, 0
            self.inf = self.inf and self.profile.keeps_inf
            self.pin_required = self.pin_required or self.profile.pin_returns
            self._say("power", "power is back")
            self._enter(NORMAL)

    # what can be seen ----------------------------------------------------------------------------------------------------

    def extended(self, at: float) -> bool:
        """Whether it then sends the whole set, if no other light comes."""
        seen = self.ahead(at)
        return seen.inf or seen.unlocked or seen._now - seen._powered < seen.profile.install_min * 60 * _US

    def display(self, at: float) -> tuple[str, str]:
        """Both lines at that moment, if no other light comes."""
        seen = self.ahead(at)
        seconds = seen._now / _US
        if seen.state == TEST:
            return "8.8.8  88888888", "88888888"
        way, name = (("1.8.0", "energy_import_wh"), ("2.8.0", "energy_export_wh"))[int(seconds / _TURN_S) % 2]
        counter = f"{way}  {int(seen.values.get(name, 0)) // 1000:08d} kWh"
        return counter, seen._second_line(int(seconds / _BLINK_S) % 2 == 0)

    def _second_line(self, bright: bool) -> str:
        if self.state == ENTRY:
            return " -" + "-" * len(self.entered) + str(self.number) + "-" * (DIGITS - 1 - len(self.entered))
        if self.state == CHECK:
            return " -" + "-" * DIGITS
        if self.state == LOCKED:
            return "------" if bright else ""
        if self.state == MENU:
            item = self.profile.menu[self.item]
            if item == "P":
                return f"P {self.values['power_w']:.0f} W" if "power_w" in self.values else "P"
            if item == TWICE and self._asked:
                return f"{item} ?"
            switch = {INF: self.inf, PIN: self.pin_required}.get(item)
            return item if switch is None else f"{item} On" if switch else f"{item} OFF"
        return ""

    # time ----------------------------------------------------------------------------------------------------------------

    def ahead(self, at: float) -> Eye:
        """A copy as it will be at that moment, if no other light comes."""
        with self._lock:
            seen = copy.copy(self)
            seen.log = self.log.copy()
        seen._advance(at)
        return seen

    def _advance(self, at: float) -> int:
        now = round(at * _US)
        if self._now is None:
            self._now = self._powered = self._last = now
        self._now = max(now, self._now)
        if self._lit is not None and not self._held and self._now - self._lit >= self._us("long"):
            end, self._now = self._now, self._lit + self._us("long")
            self._held = True
            self._say("long", "long pulse")
            self._long()
            self._last = self._now
            self._now = end
        self._run()
        return self._now

    def _run(self) -> None:
        """What ends by itself. A pulse that is under way, and not yet a long one, is waited for."""
        if self._lit is not None and not self._held:
            return
        end = self._now
        while due := self._next_due():
            if due > end:
                break
            self._now = due
            self._expire(back=due == self._last + self._us("menu_s"))
        self._now = end

    def _next_due(self) -> int | None:
        if self.state == LOCKED:
            return self._due
        menu = self._last + self._us("menu_s")
        if self.state in (ENTRY, CHECK) or self.state == TEST and self.profile.wakes == 1:
            waits = self.state == ENTRY and not self.profile.zero_waits and not self._touched
            return menu if waits else min(self._due, menu)
        return menu if self.state != NORMAL or self.unlocked and not self.inf else None

    def _expire(self, back: bool) -> None:
        if self.state == LOCKED:
            self.failures = 0
            self._enter(NORMAL)
        elif back:
            if self.unlocked and not self.inf:
                self.unlocked = False
                self._say("back", "whole kWh only again")
            self._enter(NORMAL)
        elif self.state == TEST:
            self._open()
        elif self.state == ENTRY:
            self._take_digit()
        else:
            self._judge()

    # pulses --------------------------------------------------------------------------------------------------------------

    def _pulse(self, lasted: int) -> None:
        seconds = f"{lasted / _US:.3f} s"
        if lasted < self._us("shortest"):
            self._say("ignored", f"pulse of {seconds}: too short")
        elif lasted > self._us("short"):
            self._say("undefined", f"pulse of {seconds}: neither short nor long")
        else:
            due = self._next_due()
            if due is not None and self.state != LOCKED and due <= self._now:
                self._say("late", f"pulse of {seconds} over the end of its time")
            self._say("short", f"short pulse, {seconds}")
            self._short()
            self._last = self._now

    def _short(self) -> None:
        if self.state == NORMAL:
            self._enter(TEST, "test")
        elif self.state == TEST:
            self._open()
        elif self.state == ENTRY:
            self.number, self._touched = (self.number + 1) % 10, True
            self._due = self._now + self._us("digit")
        elif self.state == MENU:
            self.item, self._asked = (self.item + 1) % len(self.profile.menu), False

    def _long(self) -> None:
        item = self.profile.menu[self.item] if self.state == MENU else ""
        if item == INF:
            self.inf = not self.inf
            self._say("inf", f"InF {'On' if self.inf else 'OFF'}")
        elif item == PIN:
            self.pin_required = not self.pin_required
            self._say("pin", f"PIN {'On' if self.pin_required else 'OFF'}")
        elif item == TWICE and not self._asked:
            self._asked = True
            self._say("asked", f"{item}: asks for a second long pulse")
        elif item in ERASES:
            self._asked = False
            self.erased += 1
            self._say("erased", f"{item}: values deleted")

    # the PIN -------------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """After the display test."""
        if not self.pin_required:
            self._enter(MENU)
            return
        self.entered, self.number, self._touched = "", 0, False
        self._enter(ENTRY, "digit")

    def _take_digit(self) -> None:
        self._say("digit", f"digit {len(self.entered) + 1} is {self.number}")
        self.entered, self.number, self._touched = self.entered + str(self.number), 0, False
        self._due = self._now + self._us("digit")
        if len(self.entered) == DIGITS:
            self._enter(CHECK, "check")

    def _judge(self) -> None:
        if self.entered == self.pin:
            self.unlocked, self.failures = True, 0
            self._say("unlocked", "the PIN is right")
            self._enter(MENU)
            return
        self.failures += 1
        self._say("wrong", "the PIN is wrong")
        if self.profile.fails and self.failures >= self.profile.fails:
            self._enter(LOCKED, "lock")
        else:
            self._enter(NORMAL)

    def _enter(self, state: str, lasts: str = "menu_s") -> None:
        self.state, self.item, self._asked = state, 0, False
        self._due = self._now + self._us(lasts)
        self._say("state", state)

    def _us(self, name: str) -> int:
        return self._times[name]

    def _say(self, kind: str, text: str) -> None:
        self.log.append(Happening(self._now / _US, kind, text))
