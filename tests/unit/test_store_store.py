"""The store wakes all who wait, never holds up the one who appends, and keeps the newest reading with every digit."""

import asyncio

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO, METER, Meter, Reading, Schema
from bridge.store.journal import Journal
from bridge.store.store import Store

POWER = quantity("power_w")
METER_1 = Meter("M1")
FORM = bytearray(COUNT)
FORM[POWER] = EXPONENT_ZERO - 1
SCHEMA = Schema(FORM)


def reading(store, value):
    return Reading(METER_1, store.next, 800000000 + value, METER, SCHEMA, [value])


def test_live_keeps_decimals():
    store = Store(Journal(4096))
    assert store.live is None and store.next == 1 == store.oldest
    store.append(reading(store, 1635))
    assert store.live.text(POWER) == "163.5" and store.cursor().batch(1)[0].text(POWER) == "164"
    status = store.status()
    assert (status["oldest"], status["next"], status["overwritten"], status["capacity"]) == (1, 2, 0, 4096)
    assert 0 < status["bytes"] < 40


def test_all_who_wait_are_woken():
    store = Store(Journal(4096))
    woken = []

    async def waiter(name, seq):
        await store.wait(seq)
        woken.append((name, store.next))

    async def main():
        tasks = [asyncio.create_task(waiter(name, seq)) for name, seq in (("a", 1), ("b", 1), ("c", 2), ("d", 0))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert woken == [("d", 1)], "what is there already needs no waiting"
        for value in range(2):
            store.append(reading(store, value))
            for _ in range(5):
                await asyncio.sleep(0)
        for task in tasks:
            await task

    asyncio.run(main())
    assert sorted(woken) == [("a", 2), ("b", 2), ("c", 3), ("d", 1)]


def test_appends_without_a_pause_lose_nobody():
    store = Store(Journal(4096))

    async def consumer():
        cursor = store.cursor()
        got = []
        while len(got) < 100:
            await store.wait(cursor.next)
            batch = cursor.batch(7)
            got += [r.seq for r in batch]
            cursor.ack(batch[-1].seq)
        return got

    async def main():
        task = asyncio.create_task(consumer())
        for value in range(100):
            store.append(reading(store, value))
            if value % 9 == 0:
                await asyncio.sleep(0)
        return await task

    assert asyncio.run(main()) == list(range(1, 101))


class Listener:
    """Stands for the profile: notes what it is told."""

    def __init__(self):
        self.told = []

    def take(self, reading):
        self.told.append(reading.seq)


def test_a_profile_is_told_each_reading():
    profile = Listener()
    store = Store(Journal(4096), profile)
    for value in range(3):
        store.append(reading(store, value))
    assert profile.told == [1, 2, 3] and "flash" not in store.status()


def test_places_have_names():
    store = Store(Journal(4096))
    for value in range(9):
        store.append(reading(store, value))
    named, other = store.cursor("mqtt:00000001", store.next), store.cursor()
    assert store.cursors == {"mqtt:00000001": named} and (named.place, other.place) == (10, 1)
    assert store.cursor("http:00000002").place == 1 and len(store.cursors) == 2, "without flash a new start is a new destination"
