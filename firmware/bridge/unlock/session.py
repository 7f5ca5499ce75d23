"""The rules of unlocking a meter: an owner's requests, telegrams and `now` (s) in, what to do next out; keeps no clock and does nothing.

Whoever plays it calls `step` again and again and does what it says: (PLAY, pulses): play them, then call `played`; (READ, s): wait
at most so long for a telegram; (WAIT, s): so long there is nothing to do, unless somebody asks for something; (DONE, 0): the end.
All telegrams go to `telegram`, those that come while pulsing too. Requests answer "" when they are taken, else a word why not.

Phases: "" nothing to do, "checking" (is it locked at all?), "waiting" (until the meter is idle), "pulsing", "judging", "open" (the
meter's menu is open: `next` and `hold` may be asked, and whether the meter stays unlocked shows when 130 s passed without either),
"countdown" (to a long press), "keeping" (alive).
"""

from micropython import const

from bridge.unlock import plan
from bridge.unlock.verdict import READ_S, STAYS_S

DONE, WAIT, READ, PLAY = const(0), const(1), const(2), const(3)
COMPARE = "InF OFF"  # what the display must say before a long press, which on other pages deletes values
_TELEGRAMS = const(3)  # that say that it is locked, before anything is done
_PATIENCE_S = const(30)  # for them: a slow meter sends each 10 s
_IDLE_S = const(125)  # since the last pulse: every meter is back at its normal display after 120 s
_TRIES, _REST_S = const(3), const(3600)  # after so many that failed: whoever searches a PIN of four digits needs a year
_MENU_S = const(110)  # since the last pulse: the menu is surely open still
_COUNTDOWN_S = const(5)
_FLASH_S = const(100)  # keep-alive: less than 120 s
_AGAIN_S = const(1200)  # keep-alive: PIN again
_LAST_FLASH_S = const(1150)
_RECENT_S = const(15)  # a flash is only sent to a meter that just showed that its menu is open: else it would begin a wrong PIN


class Session:
    """`profile`: of the meter's maker; may be changed while `phase` is "". `verdict`: one that has listened until now.

    What outlasts a session (when the last pulse was, tries that failed) is the verdict's: a session may be dropped while `phase` is "".
    """

    def __init__(self, now: int, profile, verdict):
        self.profile = profile
        self.verdict = verdict
        self.phase = self.result = ""  # result: how the last request ended, a word
        self.keep = False
        self._pin = self._pulses = None
        self._due_s = now
        self._left = 0
        self._entered_s = now

    def start(self, now: int, pin, confirmed: bool = False, keep: bool = False) -> str:
        """Enters a PIN (text of four digits). After one that failed `confirmed` is needed: the owner read that some meters lock.

        `keep`: keeps it alive afterwards, and the PIN in RAM for that. Refused: "busy", "bad_pin", "already_unlocked", "confirm",
        "too_soon" (`left` says how long).
        """
        if self.phase not in ("", "open"):
            return "busy"
        if self.verdict.state == "entered":
            return "already_unlocked"
        if self.verdict.tries:
            if not confirmed:
                return "confirm"
            if self.left(now):
                return "too_soon"
        try:
            digits = plan.digits(pin)
        except ValueError:
            return "bad_pin"
        self._forget()
        self._pin, self.keep = digits, keep
        self.result = ""
        self._left = _TELEGRAMS
        self._to("checking", now + _PATIENCE_S)
        return ""

    def next(self, now: int) -> str:
        """One short press: the next page of the meter's menu. Refused: "busy", "closed"."""
        return self._press(now, False)

    def hold(self, now: int) -> str:
        """One long press after a countdown, which `cancel` ends; only for whom the display says COMPARE. Refused: "busy", "closed", "keep"."""
        if self.keep:
            return "keep"  # the menu steps by itself: nobody knows what a long press would do
        refused = self._press(now, True)
        if not refused:
            self._to("countdown", now + _COUNTDOWN_S)
        return refused

    def _press(self, now: int, long: bool) -> str:
        if self.phase == "countdown" or self._pulses is not None:
            return "busy"
        if self.phase not in ("open", "keeping") or not self._menu(now, _MENU_S - _COUNTDOWN_S):
            return "closed"
        self._pulses = plan.press(self.profile, long)
        return ""

    def cancel(self, now: int) -> None:
        """Ends whatever it is, forgets the PIN. Whoever plays pulses stops with the lamp dark; `played` need not be called any more."""
        if self.verdict.pulsing:
            self.verdict.broken(now)
        if self.phase == "countdown":
            self._drop()
            self._to("open", now)
        elif self.phase:
            self._finish("cancelled")

    def telegram(self, now: int, scaler, power: bool, length: int) -> None:
        """A good telegram, as Verdict.telegram has it."""
        self.verdict.telegram(now, scaler, power, length)
        if self.phase == "checking" and self._left:
            self._left -= 1

    def played(self, now: int, seen=None, whole: bool = True) -> None:
        """The pulses of PLAY are over. `seen`: whether bytes came meanwhile (None: not known); `whole`: all of them were sent."""
        if not self.verdict.pulsing:
            return
        self._drop()
        if self.phase != "pulsing":  # a press
            self.verdict.end(now, seen)
        elif whole:
            self.verdict.check_s = (self.profile.check_wait_ms + 999) // 1000
            self.verdict.end(now, seen)
            self._to("judging", now + self.verdict.check_s + READ_S)
            if not self.keep:
                self._forget()
        else:
            self.verdict.broken(now)
            self._finish("broken")

    def left(self, now: int) -> int:
        """Seconds for a countdown: to the pulses ("waiting", "countdown"), to the verdict, or until a PIN may be entered at all."""
        if self.phase in ("", "waiting"):
            rest = _REST_S if not self.phase and self.verdict.tries >= _TRIES else _IDLE_S
            return max(0, self.verdict.pulsed_s + rest - now)
        if self.phase == "open":
            return max(0, self.verdict.pulsed_s + STAYS_S - now)
        return max(0, self._due_s - now)

    def step(self, now: int) -> tuple:
        """What to do next."""
        verdict = self.verdict
        verdict.look(now)
        phase = self.phase
        if verdict.pulsing or not phase:
            return (WAIT, 1) if verdict.pulsing else (DONE, 0)
        if phase in ("checking", "waiting"):
            return self._before(now)
        if phase == "judging":
            return self._judge(now)
        if phase == "countdown":
            if not self._menu(now, _MENU_S):
                self._drop()
                self._to("open", now)
            elif self._due_s > now:
                return WAIT, self._due_s - now
            else:
                self._to("open", now)
        if self._pulses is not None:
            return self._play()
        return self._keeping(now) if self.phase == "keeping" else self._open(now)

    def _before(self, now: int) -> tuple:
        """Until a PIN may be entered. A meter that shows all, or goes silent, ends it."""
        verdict = self.verdict
        if verdict.state == "entered":
            return self._finish("already_unlocked")
        if self.phase == "checking":
            if self._left:
                return (READ, self._due_s - now) if now < self._due_s else self._finish("meter_silent")
            self._to("waiting", now)
        if verdict.silent(now):
            return self._finish("meter_silent")
        if self.left(now):
            return WAIT, self.left(now)
        return self._enter()

    def _enter(self) -> tuple:
        self._pulses = plan.entry(self._pin, self.profile)
        self.phase = "pulsing"
        return self._play()

    def _play(self) -> tuple:
        self.verdict.begin(self.phase == "pulsing")
        return PLAY, self._pulses

    def _judge(self, now: int) -> tuple:
        state = self.verdict.state
        if state == "pending":
            return READ, max(1, self._due_s - now)
        if state != "entered":
            return self._finish(self.verdict.reason)
        self.result = "entered"
        self._entered_s = now
        self._to("keeping" if self.keep else "open", now)
        return self.step(now)

    def _open(self, now: int) -> tuple:
        """The menu is open; what 130 s without a pulse show ends it."""
        verdict = self.verdict
        if verdict.state != "entered" or verdict.reason != "by_pin" or verdict.silent(now):
            return self._finish(verdict.reason if verdict.reason != "by_pin" else "meter_silent")
        return READ, max(1, self.left(now))

    def _keeping(self, now: int) -> tuple:
        """Flashes while the menu is open; after 20 min, or when that is over, the PIN again, not more often and only if locked."""
        verdict = self.verdict
        if verdict.reason == "stays":
            return self._finish("stays")  # InF was switched on
        if verdict.silent(now):
            return READ, _PATIENCE_S
        again_s = max(verdict.pulsed_s + STAYS_S, self._entered_s + _AGAIN_S)
        if verdict.state == "entered":
            due_s = verdict.pulsed_s + _FLASH_S
            if verdict.reason != "by_pin" or due_s > self._entered_s + _LAST_FLASH_S:
                return READ, _PATIENCE_S
            if due_s > now:
                return WAIT, due_s - now
            if not self._menu(now, _IDLE_S - _RECENT_S):
                return READ, _RECENT_S
            self._pulses = plan.press(self.profile)
            return self._play()
        if again_s > now:
            return WAIT, again_s - now
        return self._enter()

    def _menu(self, now: int, within_s: int) -> bool:
        """Whether the menu is surely open: our PIN, a telegram just now that shows all, a pulse not too long ago."""
        verdict = self.verdict
        return (
            verdict.state == "entered"
            and verdict.reason in ("by_pin", "stays")
            and now - max(verdict.heard_s, verdict.pulsed_s) <= _RECENT_S
            and now - verdict.pulsed_s <= within_s
        )

    def _to(self, phase: str, due_s: int) -> None:
        self.phase, self._due_s = phase, due_s

    def _drop(self) -> None:
        """Overwrites the pulses: those of a PIN are as secret as it is."""
        if self._pulses is not None:
            plan.wipe(self._pulses)
        self._pulses = None

    def _forget(self) -> None:
        self._drop()
        if self._pin is not None:
            plan.wipe(self._pin)
        self._pin = None
        self.keep = False

    def _finish(self, result: str) -> tuple:
        self._forget()
        self.phase, self.result = "", result
        return DONE, 0
