"""Where the owner asks for the PIN to be entered: a line of text in, words of answer out; the state of the PIN (a word and a reason) out.

In memory all the time, so little: what a line means stands in requests.py, what happens then in player.py, both loaded for a session alone.
The PIN is in the session's memory only, and in no answer, log or status.
"""

from micropython import const

_POWER, _IMPORT = const(26), const(0)  # quantities: power_w and energy_import_wh
_ZERO = const(32)  # EXPONENT_ZERO of a reading


class Desk:
    """`port.shine(pulses, stop)` plays pulses; `store.live` is the newest reading. The owner's choices: `keep_alive`, for meters without InF;
    `commands`: the broker may ask.

    `session`: of unlock/session.py, or None; `stop`: an Event, the pulses under way are to end; `changed()`: to be called when the state has
    changed, or None. What outlasts a session: `kept` (state and reason, words of unlock/verdict.py, and how it ended), `refused`
    (why the newest request was), when the last pulse
    was over (`pulsed_s`), `tries` that failed; `power`: the meter has sent one since the start.
    """

    def __init__(self, pipeline, port, store, clock, log, keep_alive: bool, commands: bool):
        self.pipeline = pipeline
        self.port = port
        self.store = store
        self.clock = clock
        self.log = log
        self.keep_alive = keep_alive
        self.commands = commands
        self.session = self.stop = self.changed = self.asked_s = None
        self.kept = ("", "", "")
        self.refused = ""
        self.pulsed_s = self.tries = 0
        self.power = False

    def ask(self, text) -> str:
        """Does what a line of the owner (text or bytes) asks for and answers in words."""
        try:
            from bridge.unlock.requests import answer

            return answer(self, text)
        except MemoryError:
            return "no memory for it at this moment"

    def status(self):
        """For the status document: {state, reason, phase, result}, with refused and left_s where there is something to tell; None of a meter that has no PIN."""
        live = self.store.live
        if live is None or live.meter.protocol != "sml":
            return None
        form = live.schema.form
        self.power = self.power or self.pipeline.builder.values.exponent[_POWER] > 0  # in any telegram until now
        # A counter keeps its decimals when the meter hides them again: they do not speak against a power that is missing.
        shows = form[_POWER] > 0 or not self.power and 0 < form[_IMPORT] <= _ZERO
        state, reason, result = self.kept
        if state not in (("entered",) if shows else ("missing", "failed")):
            state, reason = "entered" if shows else "missing", ""
        found = {"state": state, "reason": reason, "phase": "", "result": result}
        if self.refused:
            found["refused"] = self.refused
        if self.session:
            from bridge.unlock.player import tell_more

            tell_more(self, found)
        return found
