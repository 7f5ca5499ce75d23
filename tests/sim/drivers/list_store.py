"""A store of the agreed shape that keeps readings as they are in a list, so that a sink is tested without the journal."""

import asyncio


class ListCursor:
    def __init__(self, store, place):
        self._store = store
        self.place = place

    @property
    def next(self):
        return max(self.place, self._store.oldest)

    @property
    def backlog(self):
        return self._store.next - self.next

    def batch(self, limit):
        kept = self._store.kept
        at = min(self.next - self._store.oldest, len(kept))
        while at and kept[at - 1].seq >= self.next:  # where readings are missing, the others lie further to the front
            at -= 1
        end = at
        while end < len(kept) and end < at + limit and kept[end].seq == kept[at].seq + end - at:
            end += 1
        return kept[at:end]

    def ack(self, seq):
        self.place = max(self.place, seq + 1)


class ListStore:
    """Readings numbered from `first`, at most `capacity`; `drop` makes a hole anywhere. `saved`: what the last start kept of the cursors."""

    def __init__(self, capacity=100000, first=1, saved=None):
        self._capacity = capacity
        self.kept = []
        self.next = first
        self.live = self.profile = None
        self.cursors = {}
        self._saved = saved or {}
        self._news = asyncio.Event()

    @property
    def oldest(self):
        return self.kept[0].seq if self.kept else self.next

    def append(self, reading):
        self.kept.append(reading)
        self.next = reading.seq + 1
        self.live = reading
        while len(self.kept) > self._capacity:
            self.kept.pop(0)
        self._news.set()
        self._news.clear()

    def drop(self, first, last):
        self.kept = [reading for reading in self.kept if not first <= reading.seq <= last]

    async def wait(self, seq):
        while self.next <= seq:
            await self._news.wait()

    def cursor(self, key=None, seq=None):
        if key is None:
            return ListCursor(self, seq)
        self.cursors[key] = ListCursor(self, self._saved.get(key, self.oldest if seq is None else seq))
        return self.cursors[key]
