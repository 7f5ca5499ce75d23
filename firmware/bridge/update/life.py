"""Is this start a good one? Uptime, readings and reached destinations in; a start that no longer counts as failed, an update that stays or goes back out.

A start is good when it lived for a while; its settings are then kept as the last good ones. An update on trial stays once a reading came and a destination was reached (if there is any); if
that takes too long, the firmware before it runs again. Gone from memory as soon as both are decided.
"""

from micropython import const

from bridge.core.unload import unload
from bridge.update.slots import choose, healthy, read, running

_HEALTHY_S = const(100)  # a task that shows no life within its 60 s is reset by the watchdog before that
_TRIAL_S = const(600)
_SETTINGS = "config.json"


class Life:
    """`uptime()`: seconds since the start; `store`; `sinks`: by name, what gives its status; `supervisor`, whose chore this is; `restart()`.

    `mark`: of the settings of this start, None when they are not worth a copy. `told`: what the status says of updates.
    """

    def __init__(self, version: str, store, sinks: dict, uptime, log, supervisor, restart, mark=None):
        slot, self._back, note = read()
        self.told = {"slot": running(), "state": "on trial" if self._back else "", "last": note}
        self._version = version
        self._store = store
        self._first = store.next
        self._sinks = sinks
        self._uptime = uptime
        self._log = log
        self._supervisor = supervisor
        self._restart = restart
        self._mark = mark
        self._counted = True
        if self._back:
            log.warning("update", "%s is on trial: it stays when a reading comes and a destination is reached within %d minutes" % (version, _TRIAL_S // 60))
        elif note:
            log.info("update", note)
        supervisor.chores += (self.look,)

    def look(self) -> None:
        """To be called every ten seconds."""
        now = self._uptime()
        if now < _HEALTHY_S:
            return
        if self._counted:
            self._counted = False
            healthy()
            from bridge.core.good import keep

            keep(_SETTINGS, self._mark)
            del keep
            unload("bridge.core.good")
        if self._back:
            missing = self._missing()
            if missing and now < _TRIAL_S:
                return
            self._decide(missing)
        supervisor = self._supervisor
        supervisor.chores = tuple([chore for chore in supervisor.chores if chore != self.look])
        unload("bridge.update.life", "bridge.update.slots")

    def _missing(self) -> str:
        """What an update must have shown and has not, "" when nothing is missing."""
        if self._store.next == self._first:
            return "no reading came"
        for name in self._sinks:
            if self._sinks[name]()["last_ack_age_s"] is not None:
                return ""
        return "no destination was reached" if self._sinks else ""

    def _decide(self, missing: str) -> None:
        told = self.told
        told["state"] = ""
        try:
            if not missing:
                told["last"] = "updated to %s" % self._version
                choose(running(), told["last"])
                self._log.warning("update", "%s stays" % self._version)
                return
            told["last"] = "update %s was taken back: %s within %d minutes" % (self._version, missing, _TRIAL_S // 60)
            choose(self._back, told["last"])
        except OSError as error:  # then the next starts decide
            return self._log.error("update", "the flash does not take it: %s" % error)
        self._log.error("update", told["last"])
        self._supervisor.close()
        self._restart()
