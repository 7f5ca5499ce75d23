"""One session of unlocking a meter, seen from the dongle's console or over the network: requests in, its state followed second by second, lines on the screen out.

A PIN is sent once and kept nowhere; no error repeats it.
"""

import shutil
import sys
import time

from host_tools import pin_words
from host_tools.dongle_console import Console, Silence
from host_tools.dongle_http import Dongle
from host_tools.errors import FAILED, UserError
from host_tools.terminal_keys import Keys

_LOOK_S = 1.0  # between two questions how it goes
_TRIES = 5
_STALE_S = 25  # `left_s` of an open menu counts to the proof; so much earlier no press is taken any more
_ANSWER_S = 60  # for a yes
_PRESS_S = 15  # a press begins behind a telegram, for which 3 s are waited; a long one lasts 6 s
_COUNTED = ("waiting", "judging", "countdown")  # phases whose end is known


class Screen:
    """Lines, and one that is written over and over; without a terminal it comes once, when its words change."""

    def __init__(self):
        self._tty = sys.stdout.isatty()
        self._width, self._told = 0, ""

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(text, flush=True)

    def live(self, text: str, left_s: int = 0) -> None:
        """A line for this moment, with a countdown."""
        if self._tty:
            whole = (f"{left_s:5d} s  {text}" if left_s else f"         {text}")[: shutil.get_terminal_size().columns - 1]
            print("\r" + whole.ljust(self._width), end="", flush=True)
            self._width = len(whole)
        elif text != self._told:
            print(text + (f" ({left_s} s)" if left_s else ""), flush=True)
        self._told = text

    def clear(self) -> None:
        """Takes that line away."""
        if self._tty and self._width:
            print("\r" + " " * self._width + "\r", end="", flush=True)
        self._width, self._told = 0, ""


class Session:
    """`console` of a dongle that can do it."""

    def __init__(self, console: Console | Dongle, screen: Screen):
        self.console, self.screen = console, screen

    def ask(self, words: str) -> str:
        """Asks for something once; the dongle's answer in words, "" when it came damaged or not at all."""
        said = (self._ask(words) or {}).get("unlock", "")
        if "one request at a time" in said:  # another just before, perhaps of another program
            time.sleep(_LOOK_S)
            said = (self._ask(words) or {}).get("unlock", "")
        return said

    def status(self) -> dict:
        """{state, reason, phase, result, left_s while a session lives}. UserError where there is no meter with a PIN."""
        for _ in range(_TRIES):
            row = self._ask("status")
            if row is None:
                continue
            pin = row["pin"]
            if pin is None:
                protocol = self.console.status().get("meter", {}).get("protocol") or ""
                raise UserError(pin_words.no_meter(protocol, self.console.port), FAILED)
            return pin
        raise UserError(f"{self.console.port}: the dongle does not say how it goes: is the way to it good? Run the same command again", FAILED)

    def _ask(self, words: str) -> dict | None:
        found = error = None
        try:
            for row in self.console.ask(f"unlock {words}"):
                if isinstance(row, dict) and isinstance(row.get("unlock"), str) and _whole(row.get("pin")):
                    found = row
                elif isinstance(row, dict) and isinstance(row.get("error"), str):
                    error = row["error"]
        except Silence:
            pass
        if error:
            raise UserError(pin_words.why_not(error, self.console.port), FAILED)
        return found

    def cancel(self) -> bool:
        """Ends what is under way; whether the dongle is known to be at rest."""
        for _ in range(_TRIES):
            self.ask("cancel")  # a long press in its countdown is taken back first
            if not self.status()["phase"]:
                return True
            time.sleep(_LOOK_S / 2)
        return False

    def follow(self, until: tuple = ("open", "keeping")) -> dict:
        """Shows how it goes until the session is over, or in one of those phases."""
        while True:
            pin = self.status()
            phase = pin["phase"]
            if not phase or phase in until:
                self.screen.clear()
                return pin
            self.screen.live(pin_words.PHASES.get(phase, phase), pin.get("left_s", 0) if phase in _COUNTED else 0)
            time.sleep(_LOOK_S)

    def rest(self, seconds: int) -> None:
        """Waits until the meter has rested after a try that failed."""
        for left in range(seconds, 0, -1):
            self.screen.live("waiting, as the meter must rest after a PIN that failed", left)
            self.status()  # a dongle that is pulled out is noticed
            time.sleep(_LOOK_S)
        self.screen.clear()

    def prove(self) -> dict:
        """Waits without a press until it shows whether the meter stays unlocked."""
        self.screen.say(pin_words.PROOF)
        while True:
            pin = self.status()
            if pin["phase"] not in ("open", "countdown"):
                self.screen.clear()
                return pin
            self.screen.live("the meter still shows all it has; then it has proved itself", pin.get("left_s", 0))
            time.sleep(_LOOK_S)

    # key by key -------------------------------------------------------------------------------------------------------

    def steps(self, keys: Keys) -> None:
        """The meter's menu, until the owner has enough or it is closed."""
        self.screen.say(pin_words.STEPPER)
        count = 0
        while True:
            pin = self.status()
            left = pin.get("left_s", 0) - _STALE_S
            if pin["phase"] != "open" or left <= 0:
                self.screen.say("The time for presses is over.")
                return
            self.screen.live("Enter: next page   h: hold   q: no more", left)
            try:
                key = keys.get(_LOOK_S)
            except EOFError:
                key = "q"
            if key == "q":
                self.screen.clear()
                return
            if key in ("\n", "n", " "):
                count += self._next(count + 1, pin)
            elif key == "h":
                self._hold(keys)

    def _next(self, number: int, pin: dict) -> bool:
        said = self.ask("next")
        if not said or said.startswith("refused"):
            self.screen.say(f"  {said or 'the dongle did not answer'}")
            return False
        self._press(pin, "a short press")
        self.screen.say(f"  short press {number} is done: read the display")
        return True

    def _press(self, pin: dict, text: str) -> None:
        """Until the pulse is over: then the time that the menu stays open begins anew."""
        until = time.monotonic() + _PRESS_S
        before = pin.get("left_s", 0)
        while pin["phase"] == "open" and pin.get("left_s", 0) <= before and time.monotonic() < until:
            before = pin.get("left_s", 0)
            self.screen.live(text)
            time.sleep(_LOOK_S / 2)
            pin = self.status()

    def _hold(self, keys: Keys) -> None:
        screen = self.screen
        screen.clear()
        print(pin_words.ERASES[0].upper() + pin_words.ERASES[1:] + ".")
        print(f"Does the display say  {pin_words.COMPARE}  at this moment? [y/N] ", end="", flush=True)
        key = keys.get(_ANSWER_S)
        print("yes" if key == "y" else "no")
        if key != "y":
            return
        said = self.ask("hold")
        if said.startswith("refused") or not said:
            screen.say(f"  {said or 'the dongle did not answer; nothing is held'}")
            return
        while (pin := self.status())["phase"] == "countdown":
            screen.live(f"a long press comes (display: {pin_words.COMPARE}); any key takes it back", pin.get("left_s", 0))
            if keys.get(_LOOK_S / 2):
                self.ask("cancel")
                open_still = self.status()["phase"] == "open"
                screen.say("  taken back, nothing was held" if open_still else "  too late: it had begun, and was broken off. Read the display.")
                return
        self._press(pin, "holding: the light is on for 6 s")
        screen.say(pin_words.HELD)


def _whole(pin: object) -> bool:
    return pin is None or isinstance(pin, dict) and all(isinstance(pin.get(name), str) for name in ("state", "reason", "phase", "result"))
