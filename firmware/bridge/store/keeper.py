"""Puts on flash what the RAM holds: readings and the sinks' places, profile rows, log lines; a write within 60 s, right after a telegram.

A flash erase stops the chip for some 50 ms, in which bytes of the meter may be lost: just after a telegram the line is quiet.
"""

import asyncio

from micropython import const

_OFTEN_S = const(50)  # from one write to the next: with the reading that comes then, less than 60 s can be lost at a power cut
_AFTER_MS = const(100)  # the newest reading is on its way to its destinations by then


class Keeper:
    """`store` with its journal, `parts`: others with a `save()` of their own (profile, log), `clock`."""

    def __init__(self, store, parts, clock):
        self._store = store
        self._parts = parts
        self._clock = clock
        self._written_s = clock.uptime_s()
        self._seen = 0  # the reading that was to come next when it was last looked

    async def run(self) -> None:
        """Writes when it is time, for as long as the device is on."""
        store = self._store
        while True:
            await store.wait(store.next)
            if self.late():
                await asyncio.sleep_ms(_AFTER_MS)
                self.save()

    def late(self) -> bool:
        """Whether what the RAM has is to be written with this reading."""
        return self._age_s() >= _OFTEN_S or self._store.journal.filling

    def look(self) -> None:
        """Writes what the last telegram left, though no other came since the last look; to be called every ten seconds."""
        following = self._store.next
        if following == self._seen and self._age_s() >= _OFTEN_S:
            self.save()
        self._seen = following

    def _age_s(self) -> int:
        return self._clock.uptime_s() - self._written_s

    def save(self) -> None:
        """Writes all that is not on flash yet. A flash that fails is told in the status; the RAM keeps what it can."""
        self._written_s = self._clock.uptime_s()
        store = self._store
        archive = store.journal.archive
        if archive:
            cursors = {}
            for key, cursor in store.cursors.items():
                cursors[key] = cursor.place  # not `next`: what was overwritten is still to be told
            archive.write(store.journal, cursors, self._clock.resolve(0, True))
        for part in self._parts:
            part.save()
