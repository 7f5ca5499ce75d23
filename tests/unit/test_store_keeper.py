"""The keeper writes within a minute, right after a reading, and what the last telegram left though no other comes."""

import asyncio

from bridge.store.journal import Journal
from bridge.store.keeper import Keeper
from bridge.store.store import Store

try:
    from readings import Source
except ImportError:
    from tests.unit.readings import Source

if not hasattr(asyncio, "sleep_ms"):  # CPython
    asyncio.sleep_ms = lambda ms: asyncio.sleep(ms / 1000)


class Clock:
    """Seconds that the test sets; UTC is unknown."""

    def __init__(self):
        self.s = 0

    def uptime_s(self):
        return self.s

    def resolve(self, when, is_uptime):
        return None


class Archive:
    """Notes each write: (uptime, number after the newest reading, places)."""

    problem = ""
    next = oldest = 1
    saved = {}

    def __init__(self, clock):
        self.clock = clock
        self.writes = []

    def write(self, journal, cursors, offset):
        self.next = journal.next
        self.writes.append((self.clock.s, journal.next, dict(cursors)))
        return True


class Part:
    saves = 0

    def save(self):
        self.saves += 1


def made(capacity=4096):
    clock = Clock()
    store = Store(Journal(capacity, 0, None, Archive(clock)))
    part = Part()
    return clock, store, part, Keeper(store, (part,), clock)


def run(clock, store, keeper, times):
    """Readings at these uptimes; the keeper's task has its turns after each."""
    source = Source()

    async def main():
        task = asyncio.create_task(keeper.run())
        await asyncio.sleep(0)
        for time in times:
            clock.s = time
            source.set(power_w=source.seq * 7919 % 1000)
            store.append(source.reading(800000000 + time))
            written = len(store.journal.archive.writes)
            for _ in range(4):
                await asyncio.sleep(0)
            for _ in range(40):  # the write comes a tenth of a second after its reading
                if len(store.journal.archive.writes) > written or not keeper.late():
                    break
                await asyncio.sleep_ms(10)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    asyncio.run(main())


def test_a_write_each_50_s_right_after_a_reading():
    clock, store, part, keeper = made()
    store.cursor("mqtt:1").ack(0)
    run(clock, store, keeper, range(1, 130))
    assert [write[:2] for write in store.journal.archive.writes] == [(50, 51), (100, 101)]
    assert store.journal.archive.writes[0][2] == {"mqtt:1": 1} and part.saves == 2


def test_a_slow_meter_is_written_at_each_reading():
    clock, store, part, keeper = made()
    run(clock, store, keeper, (60, 120, 180))
    assert [write[0] for write in store.journal.archive.writes] == [60, 120, 180]


def test_what_the_last_telegram_left_is_written_though_no_other_comes():
    clock, store, part, keeper = made()
    run(clock, store, keeper, (1, 2, 3))
    for clock.s in range(4, 130, 10):
        keeper.look()
    assert [write[0] for write in store.journal.archive.writes] == [54, 104]


def test_while_telegrams_come_nothing_is_written_between_them():
    clock, store, part, keeper = made()
    source = Source()
    for clock.s in range(0, 200, 10):
        source.set(power_w=1)
        store.append(source.reading(800000000 + clock.s))
        keeper.look()
    assert store.journal.archive.writes == []


def test_a_fast_meter_does_not_fill_the_ram_between_two_writes():
    clock, store, part, keeper = made(1024)  # a few hundred readings
    times = [1 + number // 100 for number in range(900)]
    run(clock, store, keeper, times)
    archive = store.journal.archive
    assert len(archive.writes) >= 2 and archive.writes[-1][0] < 50
    assert store.journal.overwritten == 0, "nothing went that was not on flash"


def test_without_flash_the_parts_are_saved_all_the_same():
    clock = Clock()
    store, part = Store(Journal(4096)), Part()
    keeper = Keeper(store, (part,), clock)
    keeper.save()
    assert part.saves == 1
