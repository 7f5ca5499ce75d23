"""Whether the meter shows all it has, from its telegrams alone: what was seen and when (s of any clock) in, a word and a reason out.

States: "" nothing heard yet, "missing" the meter shows whole kWh only, "pending" a PIN is on its way, "entered" it shows all,
"failed" our PIN changed nothing. Reasons, each a word for a text of the user interface:
  of failed:  "no_change", "nothing_seen" (nor did the head see anything while pulsing), "meter_silent"
  of entered: "by_pin" (ours; it falls back unless it proves itself), "stays" (ours, and all was dark for 130 s since: InF is on),
              "installation?" (since power-up or since we listen, without us: may fall back after 30 min), "" (without us, lasting)
  of missing: "inf_off" (fell back some 120 s after the last pulse: InF is off), "installation_over" (some minutes after power-up,
              30 mostly: no fault), "locked_again" (for what else there is: a power cut, the owner at the meter), "" (never was more)
"""

from micropython import const

STAYS_S = const(130)  # of darkness, after which a meter that still shows all does so for good: it falls back after 120 s
_FALLS_S = const(100)  # the earliest that can be such a fall; the latest:
_FELL_S = const(180)  # a meter that sends each 10 s, and a telegram or two lost
_INSTALLATION_S = const(1920)  # installation mode: 30 min, and 2 min for the same
READ_S = const(10)  # telegrams that are waited for, once the meter has checked the PIN
_SILENT_S = const(30)
_GROWN = const(16)  # octets that a telegram has more with one register of power; numbers that get longer are fewer


class Verdict:
    """`state` and `reason` as above; `pulsed_s`: when the last pulse was over (our start counts as one: what was before is not known)."""

    def __init__(self, now: int):
        self.state = self.reason = ""
        self.pulsed_s = now
        self.pulsing = False
        self.tries = 0  # that failed or were broken off, since the meter last showed all: a second one is at the owner's risk
        self.check_s = 5  # that the meter takes to check a PIN
        self.heard_s = None  # when the last telegram came
        self._since_s = now  # when this state began
        self._seen = None
        self._locked_length = 0  # of the telegrams while locked

    def shows_all(self, scaler, power: bool, length: int):
        """Whether such a telegram is of a meter that shows all: True, False, or None where that cannot be told."""
        if power:
            return True
        if scaler is not None:
            return scaler <= 0
        if self.state == "entered":
            return None
        return 0 < self._locked_length <= length - _GROWN

    def telegram(self, now: int, scaler, power: bool, length: int) -> None:
        """A good telegram: scaler of 1.8.0 or of a tariff of it (power of ten; None: it has neither), whether it has a power, its octets."""
        silent = self.silent(now)
        first = self.heard_s is None
        self.heard_s = now
        if self.pulsing:  # what comes while the own light is on is not judged, but the head sees
            self._seen = True
            return
        shows = self.shows_all(scaler, power, length)
        if shows is False:
            self._locked_length = length
            self._reduced(now, silent and not first)
        elif shows:
            self._extended(now, silent)
        self.look(now)

    def _extended(self, now: int, silent: bool) -> None:
        if self.state in ("pending", "failed"):
            self._turn(now, "entered", "by_pin")
        elif self.state != "entered" or silent:  # what was is not known any more after a silence: the power may have failed
            self._turn(now, "entered", "installation?" if silent else "")

    def _reduced(self, now: int, silent: bool) -> None:
        if self.state == "":
            self._turn(now, "missing", "")
        if self.state != "entered":
            return
        reason = "locked_again"
        if silent or self.reason == "stays":
            pass
        elif self.reason == "installation?":
            if _FELL_S < now - self._since_s <= _INSTALLATION_S:
                reason = "installation_over"
        elif self.reason == "by_pin":
            if _FALLS_S <= now - self.pulsed_s <= _FELL_S:
                reason = "inf_off"
        elif now - self._since_s <= _INSTALLATION_S:  # somebody with a torch
            reason = "inf_off"
        self._turn(now, "missing", reason)

    def begin(self, pin: bool) -> None:
        """Pulses begin; of a PIN, or of the stepper and the like."""
        self.pulsing = True
        self._seen = None
        if pin:
            self.state, self.reason = "pending", ""

    def end(self, now: int, seen=None) -> None:
        """The pulses and the dark after them are over. `seen`: whether bytes came meanwhile, the own light's too; None: not known."""
        self.pulsing = False
        self.pulsed_s = now
        if self._seen is None:
            self._seen = seen
        if self.reason == "stays":
            self.reason = "by_pin"

    def broken(self, now: int) -> None:
        """Pulses were not sent to their end. Half a PIN the meter fills up with zeros, and counts it."""
        self.pulsing = False
        self.pulsed_s = now
        if self.state == "pending":
            self.tries += 1
            self._turn(now, "missing", "")

    def look(self, now: int) -> None:
        """What time alone decides; to be called each second or so while something is awaited."""
        if self.pulsing:
            return
        dark = now - self.pulsed_s
        if self.state == "pending" and dark >= self.check_s + READ_S:
            heard = self.heard_s is not None and self.heard_s >= self.pulsed_s + self.check_s
            self._turn(now, "failed", "meter_silent" if not heard else "nothing_seen" if self._seen is False else "no_change")
        elif self.state == "entered" and self.heard_s == now:
            if self.reason == "by_pin" and dark >= STAYS_S:
                self.reason = "stays"
            elif self.reason == "installation?" and now - self._since_s > _INSTALLATION_S:
                self.reason = ""

    def silent(self, now: int) -> bool:
        """Whether the meter has not been heard for half a minute, in which nothing was pulsed."""
        return self.heard_s is None or not self.pulsing and now - max(self.heard_s, self.pulsed_s) > _SILENT_S

    def _turn(self, now: int, state: str, reason: str) -> None:
        self.state, self.reason, self._since_s = state, reason, now
        if state == "failed":
            self.tries += 1
        elif state == "entered":
            self.tries = 0
