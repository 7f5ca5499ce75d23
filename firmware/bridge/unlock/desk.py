"""Where the owner asks for the PIN to be entered: a line of text in, words of answer out; the state of the PIN (a word and a reason) out.

In memory all the time, so little: what a line means stands in requests.py, what happens then in player.py, both loaded for a session alone.
The PIN is in the session's memory only, and in no answer, log or status.
"""

import asyncio

from micropython import const

from bridge.core.unload import unload

_SESSION = tuple(["bridge.unlock." + name for name in ("player", "ear", "session", "verdict", "plan", "profiles")])
_PROTOCOL = "sml"  # no other meter has a PIN
_POWER, _IMPORT = const(26), const(0)  # quantities: power_w and energy_import_wh
_ZERO = const(32)  # EXPONENT_ZERO of a reading


class Desk:
    """`port.shine(pulses, stop)` plays pulses; `store.live` is the newest reading. `keep_alive`: the owner's choice for meters without InF.

    `session`: of unlock/session.py, or None; `stop`: the pulses under way are to end; `changed()`: to be called when the state has changed, or
    None. What outlasts a session: `state` and `reason`, words of unlock/verdict.py, when the last pulse was over (`pulsed_s`) and failed `tries`.
    """

    def __init__(self, pipeline, port, store, clock, log, keep_alive: bool = False):
        self.pipeline = pipeline
        self.port = port
        self.store = store
        self.clock = clock
        self.log = log
        self.keep_alive = keep_alive
        self.session = None
        self.stop = asyncio.Event()
        self.begin = asyncio.Event()  # a session waits to be played
        self.changed = None
        self.state = self.reason = self.result = ""
        self.pulsed_s = self.tries = 0
        self.asked_s = None
        self.power = False  # the meter has sent one since the start
        self._posted = None

    def ask(self, text: str) -> str:
        """Does what a line of the owner asks for and answers in words. MemoryError when there is no room for it now."""
        from bridge.unlock.requests import answer

        try:
            return answer(self, text)
        finally:
            answer = None
            unload("bridge.unlock.requests", "bridge.unlock.texts")
            self._forget()

    def post(self, text) -> None:
        """A line (bytes or text) that nobody waits to be answered; one that comes before the last one was read is dropped."""
        if self._posted is None:
            self._posted = text
            asyncio.create_task(self._read())

    async def _read(self) -> None:
        text, self._posted = self._posted, None
        try:
            self.ask(text if isinstance(text, str) else text.decode())
        except (UnicodeError, MemoryError):
            self.log.warning("unlock", "a request could not be read")

    async def run(self) -> None:
        """Plays sessions as they come; for as long as the device is on."""
        while True:
            await self.begin.wait()
            self.begin.clear()
            from bridge.unlock.player import play

            try:
                await play(self)
            finally:
                play = None
                self._leave()

    def _leave(self) -> None:
        """The end of a session, whatever ended it: what outlasts it is noted."""
        session, self.session = self.session, None
        if session:
            verdict = session.verdict
            session.cancel(self.clock.uptime_s())
            self.pulsed_s, self.tries = verdict.pulsed_s, verdict.tries
            self.result = session.result
            if session.result != "already_unlocked":
                self.state, self.reason = verdict.state, verdict.reason
        session = verdict = None
        self._forget()
        if self.changed:
            self.changed()

    def _forget(self) -> None:
        if self.session is None:
            unload(*_SESSION)

    def listens(self) -> bool:
        """Whether telegrams come from a meter that may have a PIN."""
        pipeline = self.pipeline
        return pipeline.settled and bool(pipeline.links) and pipeline.links[0][0].PROTOCOL == _PROTOCOL and self.store.live is not None

    def has_power(self) -> bool:
        """Whether the newest reading has a power, as none of a locked meter has."""
        now = self.store.live.schema.form[_POWER] > 0
        self.power = self.power or now
        return now

    def _shows_all(self) -> bool:
        """By the newest reading, whose counter keeps its decimals when the meter hides them again: so it does not speak against a missing power."""
        return self.has_power() or not self.power and 0 < self.store.live.schema.form[_IMPORT] <= _ZERO

    def status(self):
        """For the status document: {state, reason, phase, result, left_s}; None of a meter that has no PIN."""
        if not self.listens():
            return None
        session = self.session
        state, reason = (session.verdict.state, session.verdict.reason) if session else (self.state, self.reason)
        shows = self._shows_all()
        if not session or not state:
            if not state or shows != (state == "entered"):
                if shows or state not in ("missing", "failed"):
                    state, reason = "entered" if shows else "missing", ""
        if not session:
            return {"state": state, "reason": reason, "phase": "", "result": self.result}
        left = session.left(self.clock.uptime_s())
        return {"state": state, "reason": reason, "phase": session.phase, "result": session.result, "left_s": left}
