"""A start that is no trial: uptime in; after a while it no longer counts as failed, and its settings are kept as good ones.

As little as can be, as it is in memory from the start.
"""

from micropython import const

from bridge.core.unload import unload

_HEALTHY_S = const(100)  # as in life.py
_SETTINGS = "config.json"


class Waiting:
    """`uptime()`: seconds since the start; `supervisor`, whose chore this is until then; `mark`: of the settings, see core/good.py."""

    def __init__(self, uptime, supervisor, mark=None):
        self._uptime = uptime
        self._supervisor = supervisor
        self._mark = mark
        supervisor.chores += (self.look,)

    def look(self) -> None:
        """To be called every ten seconds."""
        if self._uptime() >= _HEALTHY_S:
            from bridge.core.good import keep
            from bridge.update.slots import healthy

            healthy()
            keep(_SETTINGS, self._mark)
            del keep, healthy
            self._supervisor.chores = tuple([chore for chore in self._supervisor.chores if chore != self.look])
            unload("bridge.core.good", "bridge.update.waiting", "bridge.update.slots")
