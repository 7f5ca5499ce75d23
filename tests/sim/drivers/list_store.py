"""A store of the agreed shape that keeps readings as they are in a list, so that a sink is tested without the journal."""

import asyncio


class ListCursor:
    def __init__(self, store, seq):
        self._store = store
        self.next = seq
        self.lost = 0

    def batch(self, limit):
        self._jump()
        return self._store.kept[self.next - self._store.oldest :][:limit]

    def ack(self, seq):
        self._jump()
        if seq >= self.next:
            self.next = seq + 1

    def _jump(self):
        if self.next < self._store.oldest:
            self.lost += self._store.oldest - self.next
            self.next = self._store.oldest

    @property
    def backlog(self):
        self._jump()
        return self._store.next - self.next


class ListStore:
    def __init__(self, capacity):
        self._capacity = capacity
        self.kept = []
        self.oldest = 1
        self.next = 1
        self.live = None
        self._news = asyncio.Event()

    def append(self, reading):
        self.kept.append(reading)
        self.next = reading.seq + 1
        self.live = reading
        while len(self.kept) > self._capacity:
            self.kept.pop(0)
            self.oldest += 1
        self._news.set()
        self._news.clear()

    async def wait(self, seq):
        while self.next <= seq:
            await self._news.wait()

    def cursor(self, seq=None):
        return ListCursor(self, self.next if seq is None else seq)
