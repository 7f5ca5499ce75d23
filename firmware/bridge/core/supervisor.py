"""Keeps the tasks alive: coroutines in, restarts with back-off and a status out; says when the watchdog may be fed.

A task that ends or raises is started again after a wait that grows; its error is shown in the status. A vital task must
`beat` within its deadline, else the watchdog is no longer fed and the chip resets. This is the one place that catches
every error: it is the boundary behind which nobody is left to handle one.
"""

import asyncio
import gc
import io
import sys
import time

from micropython import const

from bridge.core.backoff import Backoff

_CHECK_MS = const(1000)
_CHORES = const(10)  # checks from one round of chores to the next
_FIRST_RESTART_MS = const(500)
_LAST_RESTART_MS = const(60000)
_STEADY_MS = const(60000)  # a task that ran this long before it died starts with a short wait again
# A fault of the program, not of the world around it: ends the run in simulation and tests.
_PROGRAMMING = (AttributeError, NameError, TypeError, KeyError, IndexError, ValueError, AssertionError, NotImplementedError)


class _Task:
    def __init__(self, name, make, deadline_ms):
        self.name = name
        self.make = make
        self.deadline_ms = deadline_ms
        self.beaten = time.ticks_ms()
        self.restarts = 0
        self.error = ""
        self.state = "new"


class Supervisor:
    """`log` is told of deaths; `feed()` feeds the watchdog; `strict` ends the run on a programming error.

    `chores`: functions to call every ten seconds: a clock that never misses a wrap, a heap tidied before memory gets scarce. `close`: what to
    call when the program ends, or None.
    """

    def __init__(self, log, feed, strict: bool = False, chores=()):
        self._log = log
        self._feed = feed
        self._strict = strict
        self.chores = chores
        self.close = None
        self._tasks = []
        self._fatal = None

    def add(self, name: str, make, deadline_s: int = 0) -> None:
        """A task made by calling `make()`. A deadline makes it vital: it must beat that often (in seconds)."""
        self._tasks.append(_Task(name, make, deadline_s * 1000))

    def beat(self, name: str):
        """A function by which task `name` says that it is alive; cheap, called from loops."""

        def alive() -> None:
            for task in self._tasks:
                if task.name == name:
                    task.beaten = time.ticks_ms()

        return alive

    async def run(self) -> None:
        """Starts all tasks and feeds the watchdog while the vital ones live. Raises a programming error when strict, of whatever task."""
        asyncio.get_event_loop().set_exception_handler(self._lost)
        for task in self._tasks:
            task.beaten = time.ticks_ms()
            asyncio.create_task(self._keep(task))
        said = None
        check = 0
        while self._fatal is None:
            if check % _CHORES == 0:
                for chore in self.chores:
                    chore()
            check += 1
            late = None  # a vital task whose last beat is older than its deadline
            for task in self._tasks:
                if task.deadline_ms and time.ticks_diff(time.ticks_ms(), task.beaten) > task.deadline_ms:
                    late = task.name
            if late is None:
                self._feed()
            elif late != said:
                self._log.error("supervisor", "no sign of life from %s: the watchdog will reset the chip" % late)
            said = late
            await asyncio.sleep_ms(_CHECK_MS)
        raise self._fatal

    async def _keep(self, task: _Task) -> None:
        backoff = Backoff(_FIRST_RESTART_MS, _LAST_RESTART_MS)
        while True:
            started = time.ticks_ms()
            task.state = "running"
            try:
                await task.make()
                task.error = "ended"
            except Exception as error:
                self._died(task, error)
            if time.ticks_diff(time.ticks_ms(), started) > _STEADY_MS:
                backoff.reset()
            task.state = "restarting"
            task.restarts += 1
            await asyncio.sleep_ms(backoff.next_ms())

    def _lost(self, loop, context) -> None:
        """A task died that nobody keeps or waits for: one that another task began and that ends by itself."""
        self._died(_Task("task", None, 0), context["exception"])

    def _died(self, task: _Task, error: Exception) -> None:
        task.error = "MemoryError"
        gc.collect()  # whatever it died of, memory for telling it and for the next try is wanted
        try:
            text = io.StringIO()
            sys.print_exception(error, text)
            lines = text.getvalue().strip().split("\n")
            task.error = lines[-1]
            self._log.error(task.name, "died of %s %s" % (lines[-1], lines[-2].strip() if len(lines) > 2 else ""))
        except MemoryError:
            pass  # too little even to tell: the status says it
        if self._strict and isinstance(error, _PROGRAMMING):
            self._fatal = error

    def status(self) -> dict:
        """Per task: state, restarts, last error."""
        return {t.name: {"state": t.state, "restarts": t.restarts, "error": t.error} for t in self._tasks}
