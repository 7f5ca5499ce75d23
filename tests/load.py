"""How busy this machine is while a test measures time: nothing in; out, by how many seconds a sleeper was woken too late at worst.

    with Load() as load:
        ...
    assert took < 0.5 + load.late

A bound on time then means what it says on an idle machine, and does not fail where other tests take the processors meanwhile.
"""

import threading
import time

STEP_S = 0.005


class Load:
    """`late`: the longest that was seen so far, in seconds."""

    def __init__(self):
        self.late = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._end.wait(STEP_S):
            now = time.monotonic()
            self.late = max(self.late, now - before - STEP_S)
            before = now

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()
