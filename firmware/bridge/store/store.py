"""What the rest of the firmware sees of the readings kept: the newest with every digit, the journal of all, and a way to wait.

`append` is called by the receiving path: it awaits nothing and wakes whoever waits.
"""

import asyncio

from bridge.reading.reading import Reading
from bridge.store.journal import Cursor, Journal


class Store:
    """`live`: the newest Reading as the meter sent it, None before the first; `cursors`: the destinations' places by key; `profile`: told each
    reading (`take`), or None.
    """

    def __init__(self, journal: Journal, profile=None):
        self.journal = journal
        self.profile = profile
        self.live = None
        self.cursors = {}
        self._arrived = asyncio.Event()

    @property
    def next(self) -> int:
        """The sequence number that the next reading will have."""
        return self.journal.next

    @property
    def oldest(self) -> int:
        """The sequence number of the oldest reading kept."""
        return self.journal.oldest

    @property
    def overwritten(self) -> int:
        """Readings that gave way to newer ones."""
        return self.journal.overwritten

    def append(self, reading: Reading) -> None:
        """Keeps a reading and makes it the live one."""
        self.journal.append(reading)
        self.live = reading
        if self.profile:
            self.profile.take(reading)
        # Whoever waits now is woken; whoever comes later waits for the next one.
        self._arrived.set()
        self._arrived.clear()

    async def wait(self, seq: int) -> None:
        """Returns once a reading numbered `seq` or higher has been appended."""
        while self.journal.next <= seq:
            await self._arrived.wait()

    def cursor(self, key=None, seq=None) -> Cursor:
        """A consumer's own place, kept for the next start under `key`: where it was then, else at `seq` or the oldest reading."""
        archive = self.journal.archive
        if archive and key:
            seq = archive.saved.get(key, seq)
        found = self.journal.cursor(seq)
        if key:
            self.cursors[key] = found
        return found

    def status(self) -> dict:
        """For the status document."""
        journal = self.journal
        status = {
            "oldest": journal.oldest,
            "next": journal.next,
            "overwritten": journal.overwritten,
            "dropped": journal.dropped,
            "bytes": journal.bytes_used(),
            "capacity": len(journal.data),
        }
        if journal.archive:
            status["flash"] = journal.archive.status()
        return status
