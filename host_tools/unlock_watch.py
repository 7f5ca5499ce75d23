"""A PIN on its way by light: a meter's Eye, its Light, what the dongle says of it in; the owner's request typed, one Picture out. Unix seconds.

What the meter shows comes from its eye; how far the dongle is and how it ended comes from the dongle's status alone.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from host_tools import unlock_words
from host_tools.meters.eye import DIGITS, ENTRY, NORMAL, Eye, Happening
from host_tools.simulation.light import Light

STRIP_S = 60  # of light that a picture holds: more than any strip is wide
_AGAIN_S = 6.0  # a request of which the dongle said nothing in that time did not arrive
_LIVELY_S = 5.0  # after a change of the light
_SAID = re.compile(r" unlock: (.*)$")
_ALREADY = "shows all it has already"
_STARTS = {"test": "wake", ENTRY: "digit 1", "check": "check", "menu": "open", NORMAL: "back", "locked": "locked"}


@dataclass(frozen=True)
class Picture:
    """One moment. `edges`: (lit, moment), the newest ones; `marks`: (moment, what began); `taken`: digits, `flashes`: of the one after."""

    now: float
    display: tuple[str, str]
    lit: bool
    extended: bool  # the meter sends all it has
    state: str  # of the eye
    taken: int
    flashes: int
    edges: tuple[tuple[bool, float], ...]
    marks: tuple[tuple[float, str], ...]
    meter: tuple[str, str]  # what it does, colour
    word: str  # of unlock_words
    step: int
    colour: str
    title: str
    text: str
    left_s: int | None  # of
    span_s: int

    @property
    def lively(self) -> bool:
        """Whether it changes several times a second."""
        return self.state not in (NORMAL, "menu") or self.lit or bool(self.edges) and self.now - self.edges[-1][1] < _LIVELY_S


def progress(log: list[Happening]) -> tuple[int, int]:
    """(digits that the meter took, flashes of the next one) in the newest entry of a PIN."""
    taken = flashes = 0
    entering = False
    for one in log:
        if one.kind == "state" and one.text == ENTRY:
            taken, flashes, entering = 0, 0, True
        elif one.kind == "digit":
            taken, flashes = taken + 1, 0
        elif one.kind == "state":
            entering = False
        elif one.kind == "short" and entering:
            flashes += 1
    return taken, flashes


def marks(log: list[Happening], since: float) -> tuple[tuple[float, str], ...]:
    """What began when: the wake flashes, each digit, the check, and what came of it."""
    found, taken, was = [], 0, NORMAL
    for one in log:
        name = ""
        if one.kind == "state":
            taken = 0 if one.text == ENTRY else taken
            name, was = _STARTS.get(one.text, "") if one.text != was else "", one.text
        elif one.kind == "digit":
            taken += 1
            name = f"digit {taken + 1}" if taken < DIGITS else ""
        if name and one.at >= since:
            found.append((one.at, name))
    return tuple(found)


class Unlocking:
    """`model`: of the dashboard. `ask(line)`: types on the dongle's console. `pin`: what the owner has entered; None: nothing is asked. `command`: for more, elsewhere."""

    def __init__(self, model: object, eye: Eye, light: Light, ask: Callable[[str], None], pin: str | None,
                 command: str = "meterbridge unlock", clock: Callable[[], float] = time.time):
        self.model, self.eye, self.light, self.clock = model, eye, light, clock
        self._ask, self._pin, self._command = ask, pin, command
        self.said = ""  # by the dongle about it, newest
        self._asked: float | None = None
        self._restarts = 0  # of the dongle when it was asked

    def log_line(self, line: str) -> None:
        """A line of the dongle's log."""
        found = _SAID.search(line)
        if found:
            self.said = found.group(1)

    def look(self) -> None:
        """To be called again and again: the owner asks once the meter is heard, and again when it showed all at first and does no more."""
        if self._pin is None or not self.model.live:
            return
        now, status = self.clock(), self.model.part("meter").get("pin")
        state = status.get("state") if isinstance(status, dict) else None
        unheard = not self.said and now - (self._asked or 0) > _AGAIN_S
        if self._asked is None or unheard or _ALREADY in self.said and state == "missing":
            self._asked, self.said, self._restarts = now, "", self.model.restarts
            self._ask(f"unlock {self._pin}")

    def _told(self) -> tuple[str, int | None]:
        """(word for where the dongle is, seconds left), by its status."""
        status = self.model.part("meter").get("pin")
        status = status if isinstance(status, dict) else {}
        state, phase, result = (str(status.get(name) or "") for name in ("state", "phase", "result"))
        if phase:
            left = status.get("left_s")
            return phase, max(0, round(left - self.model.silence())) if isinstance(left, int) and phase not in ("checking", "pulsing") else None
        if not self.model.live or not state:
            return "start", None
        if state == "entered":
            return result if result in ("stays", "already_unlocked") else "install" if self.eye.profile.install_min else "all", None
        reason = str(status.get("reason") or "")
        if result or reason:
            return (reason if state == "missing" and result != "cancelled" and reason else result or reason), None
        if self._asked is not None and self.model.restarts > self._restarts:
            return "forgotten", None
        return (self.said if self.said.startswith("refused") else "idle" if self._pin is None else "asked"), None

    def picture(self) -> Picture:
        """How it stands at this moment."""
        now = self.clock()
        seen = self.eye.ahead(now)
        log = list(seen.log)
        taken, flashes = progress(log)
        last = next((one.kind for one in reversed(log) if one.kind in ("wrong", "back", "unlocked", "power")), "")
        word, left = self._told()
        step, colour, span, title, text = unlock_words.told(word, left or 0, self._command)
        if word == "pulsing":
            text = unlock_words.pulsing(taken, flashes, seen.state)
        return Picture(
            now, seen.display(now), self.light.lit, seen.extended(now), seen.state, taken, flashes,
            tuple(edge for edge in list(self.light.seen) if edge[1] > now - STRIP_S), marks(log, now - STRIP_S),
            unlock_words.meter_does(seen.state, taken, last, seen.inf), word, step, colour, title, text, left, span)
