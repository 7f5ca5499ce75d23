"""The module `select` of a run in virtual time: polls that would wait move the virtual clock instead, once no answer is awaited.

Sockets lead to real programs, which take real time. While one of them owes an answer (`awaited`, kept by socket.py), a poll waits
really, up to `patience_ms`; if nothing comes, that answer is given up and virtual time passes, so that time-outs come with a server
that is dead and not with one that is slow.
"""

import virtual_clock as _clock
from uselect import *  # noqa: F403
from uselect import poll as _Poll

_PATIENCE_MS = _clock.told.get("patience_ms", 1000)
_LOOK_EVERY = 256  # jumps: so often a socket from which nothing is awaited is looked at all the same

awaited = set()  # sockets that owe an answer
stirred = True  # something was done with what is polled since nothing more came from it
reachable = None  # a function: whether there is a network at all (None: always)


def stir():
    """Something was done with what is polled, or with what is at its other end."""
    global stirred
    stirred = True


class poll:
    """As MicroPython's. An object with a method `virtual_poll(flags)` lives in virtual time; all others are real."""

    def __init__(self):
        self._real = _Poll()
        self._others = 0
        self._own = {}  # id to [object, flags]
        self._idle = 0

    def register(self, thing, flags=5):
        stir()
        if hasattr(thing, "virtual_poll"):
            self._own[id(thing)] = [thing, flags]
            return
        self._real.register(thing, flags)
        self._others += 1

    def modify(self, thing, flags):
        stir()
        if id(thing) in self._own:
            self._own[id(thing)][1] = flags
        else:
            self._real.modify(thing, flags)

    def unregister(self, thing):
        if self._own.pop(id(thing), None) is None:
            self._real.unregister(thing)
            self._others -= 1

    def poll(self, wait=-1):
        return list(self.ipoll(wait))

    def ipoll(self, wait=-1, flags=0):
        """What is ready now; else the time passes, once, and nothing or what is ready then."""
        if stirred:
            ready = self._ready(wait)
            if ready or not wait:
                return ready
        elif not wait:
            return ()
        if wait < 0 and _clock.due == _clock.NEVER:
            return self._real.poll(-1)  # no time can pass before something comes
        self._idle += 1
        if self._idle > _LOOK_EVERY:
            self._idle = 0
            stir()
        _clock.pass_time(wait)
        return self._ready(0) if stirred else ()

    def _ready(self, wait):
        global stirred
        ready = ()
        if self._others and (reachable is None or reachable()):
            ready = self._real.poll(0)
        for thing, asked in self._own.values():
            event = thing.virtual_poll(asked)
            if event:
                ready = [(thing, event)] + list(ready)
        if not ready and wait:
            if awaited and self._others and (reachable is None or reachable()):
                return self._patiently()
            stirred = False
        return ready

    def _patiently(self):
        """Waits really for the answers that are owed, as long as the longest of them may take; what did not come is given up."""
        ready = self._real.poll(max([one.patience_ms for one in awaited]))
        if not ready:
            for one in list(awaited):
                one.give_up()
        return ready
