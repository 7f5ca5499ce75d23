"""The journal on flash: what was written is read again after any number of starts; damage loses readings, never changes one."""

import os
import sys

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, METER, UPTIME, Meter, Reading, Schema
from bridge.store import chunks, saving, segments
from bridge.store.journal import Journal
from bridge.store.meter_texts import texts
from bridge.store.segments import Segments
from bridge.store.store import Store

try:
    from scratch import Scratch
except ImportError:
    from tests.unit.scratch import Scratch

POWER, IMPORT, EXPORT, VOLTAGE = (quantity(name) for name in ("power_w", "energy_import_wh", "energy_export_wh", "voltage_l1_mv"))
START = 800000000
FORM = bytearray(COUNT)
for _id in (POWER, IMPORT, EXPORT, VOLTAGE):
    FORM[_id] = EXPONENT_ZERO
SCHEMA = Schema(FORM)
MARK = b"MBJ1"  # of a block
segments.unload = lambda *names: None  # the code stays: there are thousands of starts and writes
IDS = "id gas_id water_id heat_id protocol identification version manufacturer".split(" ")


def random_numbers(seed):
    """The same numbers on both Pythons, below 1,000,003."""
    state = seed * 7919 + 1
    while True:
        state = (state * 1103 + 12345) % 1000003
        yield state


def power(seq):
    return seq * 7919 % 10007 - 5000


def energy(seq):
    return seq * 3 // 2


class World:
    """A dongle that is switched off and on. `runs`: what its readings were, the newest first: (first number, one after the last, start,
    time of the first, seconds between, time source, meter).
    """

    def __init__(self, scratch, capacity=65536, ram=4096):
        self.scratch = scratch
        self.capacity = capacity
        self.ram = ram
        self.boot = 0
        self.runs = []
        self.time = START
        self.source = METER
        self.meter = Meter("M1")
        self.hole = 0
        self.schema = SCHEMA
        self.start()

    def start(self):
        self.boot += 1
        self.archive = Segments(self.scratch.path, self.capacity, self.boot)
        self.journal = Journal(self.ram, 60, None, self.archive)

    def add(self, count=1, step=1):
        """Takes readings; not written to flash yet."""
        seq = self.journal.next + self.hole
        run = (seq, seq + count, self.boot, self.time, step, self.source, self.meter)
        if self.runs:
            last = self.runs[0]
            if last[1:3] == run[:1] + run[2:3] and last[4:] == run[4:] and last[3] + (seq - last[0]) * step == self.time:
                run = (last[0], seq + count, self.boot, last[3], step, self.source, self.meter)
                self.runs.pop(0)
        self.runs.insert(0, run)
        for seq in range(seq, seq + count):
            values = {POWER: power(seq), IMPORT: energy(seq), EXPORT: 7, VOLTAGE: 230000}
            values = [values[id] for id in self.schema.ids]
            self.journal.append(Reading(self.meter, seq, self.time, self.source, self.schema, values))
            self.time += step

    def save(self, cursors=None, offset=None):
        return self.archive.write(self.journal, cursors or {}, offset)

    def run(self, minutes, each=60):
        """Minutes of readings, each on flash at its end."""
        for _ in range(minutes):
            self.add(each)
            assert self.save(), self.archive.problem

    def read(self, seq=1, limit=60):
        """Numbers of all that a new cursor gets from `seq` on, each one checked; a gap is acknowledged like its readings."""
        cursor = self.journal.cursor(seq)
        numbers = []
        while True:
            batch = cursor.batch(limit)
            if not batch:
                return numbers
            for reading in batch:
                self.check(reading)
                assert not numbers or reading.seq > numbers[-1], (reading.seq, numbers[-1])
                numbers.append(reading.seq)
            cursor.ack(batch[-1].seq)

    def check(self, reading):
        seq = reading.seq
        first, _, boot, time, step, source, meter = [run for run in self.runs if run[0] <= seq < run[1]][0]
        assert (reading.time, reading.time_source) == (time + (seq - first) * step, source), seq
        assert [reading.get(id) for id in (POWER, IMPORT, EXPORT)] == [power(seq), energy(seq), 7], seq
        assert [getattr(reading.meter, name) for name in IDS] == [getattr(meter, name) for name in IDS]
        assert reading.boot == (0 if boot == self.boot else boot)


def test_round_trip_through_starts():
    with Scratch() as scratch:
        world = World(scratch)
        assert (world.journal.next, world.journal.oldest, scratch.names()) == (1, 1, []), "nothing is written before there is something"
        for _ in range(4):
            world.run(10, 30)
            assert world.read() == list(range(1, world.journal.next))
            assert world.read(170, 7) == list(range(170, world.journal.next))
            world.start()
            assert world.journal.next == world.archive.next == world.runs[0][1] and world.archive.oldest == 1
            assert world.read() == list(range(1, world.journal.next)), "from flash alone"
        assert world.journal.overwritten == 0 and world.archive.problem == ""
        assert [name for name in scratch.names() if len(name) != 8 or int(name, 16) < 1] == []


def test_what_is_on_flash_is_what_the_ram_had():
    """A ring of four blocks goes round many times between two starts, and a reader that lags goes on from flash."""
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        slow = world.journal.cursor()
        world.add(30)
        got = slow.batch(20)
        slow.ack(20)
        world.save()
        world.run(40, 20)
        assert world.journal.first > 5 and world.journal.oldest == 1 and world.journal.overwritten == 0
        seqs = [reading.seq for reading in got]
        while True:
            batch = slow.batch(33)
            if not batch:
                break
            for reading in batch:
                world.check(reading)
                seqs.append(reading.seq)
            slow.ack(batch[len(batch) // 2].seq)  # part of it: then it is read again
            seqs = seqs[: slow.place - 1]
        assert seqs == list(range(1, 831)) and slow.lost == 0


def test_meters_come_back():
    with Scratch() as scratch:
        world = World(scratch)
        for n in range(6):
            world.meter = Meter("E%d" % n, "p1", "/KFM5KAIFA-METER", "50", "KFM")
            world.meter.gas_id = "G%d" % n
            world.meter.water_id = "W\u00e9"
            world.meter.heat_id = ""
            world.run(2, 2)
        world.start()
        assert world.read() == list(range(1, 25))
        batch = world.journal.cursor().batch(24)
        assert batch[0].meter.protocol == "p1" and batch[23].meter.gas_id == "G5" and batch[0].meter is batch[3].meter


def test_readers_at_places_with_different_meters():
    """A block may say "meters as before": whoever comes from elsewhere looks that up."""
    with Scratch() as scratch:
        world = World(scratch, 65536, 1024)
        for n in range(8):
            world.meter = Meter("M%d" % (n % 2))
            world.run(50, 20)
        world.start()
        cursors = [world.journal.cursor(seq) for seq in (1, 1500, 2700, 5100, 7900)]
        while cursors:
            for cursor in list(cursors):
                seq = cursor.next
                for reading in cursor.batch(45):
                    world.check(reading)
                    assert reading.seq == seq
                    seq += 1
                if seq == cursor.next:
                    assert seq == world.journal.next
                    cursors.remove(cursor)
                cursor.ack(seq - 1)


def test_clock_steps_and_undated_starts():
    with Scratch() as scratch:
        world = World(scratch)
        world.time, world.source = 5, UPTIME
        world.add(3)
        assert world.save(None, None)
        world.start()  # the first start never knew the time
        world.time = 7
        world.add(3)
        world.save()
        world.time, world.source = START, BRIDGE
        world.add(2)
        world.save({}, START - 10)
        world.time -= 3600
        world.add(2)
        world.save({}, START - 10 - 3600)  # put right: the later one counts
        world.time += 10**8
        world.add(2)
        world.source = METER
        world.add(1)
        world.save({}, START - 10 - 3600 + 1)  # a second is no step
        assert world.archive.utc_offset(2) == START - 3610 and world.archive.utc_offset(1) is None
        here = world.journal.cursor().batch(99)
        assert [r.time_source for r in here] == [UPTIME] * 6 + [BRIDGE] * 6 + [METER], "of the present start its clock tells"
        assert [r.boot for r in here] == [1] * 3 + [0] * 10
        world.start()
        for _ in range(2):
            got = world.journal.cursor().batch(13)
            assert [r.seq for r in got] == list(range(1, 14)) and [r.boot for r in got] == [1] * 3 + [2] * 10
            assert [(r.time, r.time_source) for r in got[:6]] == [
                (5, UPTIME), (6, UPTIME), (7, UPTIME), (START - 3603, BRIDGE), (START - 3602, BRIDGE), (START - 3601, BRIDGE),
            ]  # fmt: skip
            for reading in got[6:]:
                world.check(reading)
            world.run(1)
            world.start()


def test_offsets_are_kept_of_starts_that_need_them():
    with Scratch() as scratch:
        world = World(scratch)
        for n in range(50):
            world.time, world.source = (9, UPTIME) if n % 2 else (START, METER)
            world.add(1)
            world.save({}, START + n)
            world.start()
        known = [n + 1 for n in range(50) if world.archive.utc_offset(n + 1) is not None]
        assert known == list(range(2, 51, 2))
        assert world.archive.utc_offset(50) == START + 49


def test_destinations_go_on_where_they_were():
    with Scratch() as scratch:
        world = World(scratch)
        world.run(1)
        assert world.save({"mqtt:1": 20, "http:2": 1})
        world.add(1)
        assert world.save({"mqtt:1": 40, "http:2": 61})
        world.start()
        assert world.archive.saved == {"mqtt:1": 40, "http:2": 61}
        store = Store(world.journal)
        assert store.cursor("mqtt:1", 62).place == 40 and store.cursor("http:2").next == 61 and store.cursor("new:3").place == 1
        assert store.cursor("other:4", store.next).place == 62 and sorted(store.cursors) == ["http:2", "mqtt:1", "new:3", "other:4"]
        assert store.cursor(None, 5).place == 5 and len(store.cursors) == 4
        assert world.save({"mqtt:1": 62}), "one that is not there now keeps its place"
        size = scratch.size(1)
        assert world.save({"mqtt:1": 62}) and scratch.size(1) == size, "nothing new, nothing written"
        world.run(200)
        world.start()
        assert world.archive.saved == {"mqtt:1": 62, "http:2": 61}, "each segment tells it"
        for n in range(20):
            world.save({"mqtt:1": 62, "s%d" % n: n})
        assert len(world.archive.saved) <= 6 and world.archive.saved["mqtt:1"] == 62


def test_a_place_is_never_beyond_what_is_kept():
    with Scratch() as scratch:
        world = World(scratch)
        world.run(1)
        world.save({"a": 61})
        whole = scratch.read(scratch.names()[0])
        world.run(1)
        world.save({"a": 121})
        scratch.write(scratch.names()[0], whole)  # as after a power cut
        world.start()
        assert world.archive.saved == {"a": 61} and world.archive.next == 61
        world.add(5)
        cursor = Store(world.journal).cursor("a")
        assert [reading.seq for reading in cursor.batch(9)] == [61, 62, 63, 64, 65]


def test_capacity_is_kept_and_the_oldest_goes():
    with Scratch() as scratch:
        world = World(scratch, 65536)
        slow = world.journal.cursor()
        assert slow.batch(5) == []
        for n in range(400):
            world.run(1)
            assert scratch.size() <= 65536
            if n == 100:
                assert slow.batch(1)[0].seq == 1
        journal = world.journal
        assert journal.oldest > 5000 and journal.overwritten == journal.oldest - 1 and journal.next == 24001
        assert scratch.size() > 65536 - 3 * 4096
        assert slow.batch(3)[0].seq == journal.oldest and slow.gap == (1, journal.oldest - 1, journal.oldest - 1)
        assert world.read(journal.oldest) == list(range(journal.oldest, 24001))
        assert slow.lost == journal.overwritten
        oldest = journal.oldest
        world.start()
        assert world.journal.oldest == oldest and world.journal.overwritten == 0
        assert world.archive.status()["capacity"] == 65536 >= world.archive.status()["bytes"] == scratch.size()


def test_a_segment_that_goes_under_a_reader():
    with Scratch() as scratch:
        world = World(scratch, 16384, 1024)
        world.run(10)
        cursor = world.journal.cursor()
        assert [reading.seq for reading in cursor.batch(10)] == list(range(1, 11))
        world.run(100)
        cursor.ack(10)
        oldest = world.journal.oldest
        assert cursor.gap == (11, oldest - 1, oldest - 11) and cursor.batch(1)[0].seq == oldest
        os.remove(scratch.path + "/" + scratch.names()[0])  # and one vanishes of which nobody knows
        first = int(scratch.names()[0], 16)
        cursor = world.journal.cursor(11)
        assert cursor.batch(1)[0].seq == first and cursor.gap == (11, first - 1, first - 11)
        assert world.read() == list(range(first, world.journal.next))


def test_starts_over_and_over_do_not_push_out_the_history():
    with Scratch() as scratch:
        world = World(scratch, 65536)
        world.run(60)
        files = len(scratch.names())
        for _ in range(100):
            world.start()
            world.add(1)
            assert world.save({"mqtt:1": 5}, None)
        world.start()
        assert world.read() == list(range(1, 3701))
        assert len(scratch.names()) <= files + 5, "a start takes what its block takes"


def test_each_truncation_leaves_what_was_before():
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        world.run(5, 10)
        world.start()
        world.run(3, 7)
        world.save({"a": 7})
        names = scratch.names()
        whole = scratch.read(names[-1])
        first = int(names[-1], 16)
        last = 0
        kept = list(world.runs)
        for length in range(len(whole) + 1):
            scratch.write(names[-1], whole[:length])
            world.start()
            numbers = world.read()
            assert numbers == list(range(1, world.archive.next)) and len(numbers) >= max(first - 1, last)
            last = len(numbers)
            if length % 50 == 0:  # and it goes on from there
                world.run(1, 3)
                assert world.read() == list(range(1, world.archive.next)) and world.archive.next == last + 4
                for name in scratch.names():
                    os.remove(scratch.path + "/" + name) if name > names[-1] else None
                world.runs = list(kept)
        assert last == 71


def test_damage_never_changes_a_reading():
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        world.run(16, 20)
        world.start()
        world.run(2, 10)
        names = scratch.names()
        name = names[0]
        whole = scratch.read(name)
        numbers = random_numbers(11)
        everything = world.archive.next - 1
        for n in range(120):
            bad = bytearray(whole)
            bad[next(numbers) % len(bad)] ^= 1 << next(numbers) % 8
            if n % 5 == 4:  # more of it
                at = next(numbers) % len(bad)
                for i in range(at, min(len(bad), at + 100)):
                    bad[i] = next(numbers) & 255
            scratch.write(name, bad)
            world.start()
            got = world.read()
            assert world.archive.next <= everything + 1
            if n % 5 != 4:
                assert len(got) >= everything - 250, "a block of 256 bytes has 200 readings or so"
        scratch.write(name, whole)


def test_a_middle_that_is_damaged_is_a_gap():
    with Scratch() as scratch:
        world = World(scratch, 10**6, 1024)
        world.run(10, 30)
        name = scratch.names()[0]
        bad = bytearray(scratch.read(name))
        bad[len(bad) // 2] ^= 4
        scratch.write(name, bad)
        world.start()
        assert world.journal.next == 301
        cursor = world.journal.cursor()
        before = cursor.batch(999)
        assert before[0].seq == 1
        cursor.ack(before[-1].seq)
        after = cursor.batch(999)
        first, last, count = cursor.gap
        assert (first, last, count) == (before[-1].seq + 1, after[0].seq - 1, after[0].seq - first) and 0 < count < 90
        cursor.ack(after[0].seq)
        assert cursor.lost == count and cursor.gap is None
        world.run(1)
        assert len(scratch.names()) == 1, "its end is whole: it goes on"
        bad = scratch.read(name)[:-1]
        scratch.write(name, bad)
        world.start()
        world.run(1, 1)
        assert len(scratch.names()) == 2


def test_files_of_all_kinds():
    """Names that are not a segment's, empty files, noise, and a folder in place of a file: all are passed over."""
    with Scratch() as scratch:
        numbers = random_numbers(5)
        for name in ("readme", "00000000", "0000001", "0000000A", "ffffffff", "0x000001", "-0000001", "00000001.new"):
            scratch.write(name, bytes([next(numbers) & 255 for _ in range(500)]))
        for name in ("00000001", "00000030", "00100000", "00200000"):
            scratch.write(name, b"" if name == "00000001" else b"MBJ1" * 300 if name == "00100000" else bytes([next(numbers) & 255 for _ in range(3000)]))
        world = World(scratch)
        assert world.archive.next == 1 and world.read() == []
        world.run(3)
        assert world.read() == list(range(1, 181))
        world.start()
        assert world.read() == list(range(1, 181)) and "readme" in scratch.names() and "00200000" not in scratch.names()


def test_noise_for_a_segment():
    numbers = random_numbers(17)
    for length in (1, 6, 7, 8, 100, 1000):
        for _ in range(5):
            with Scratch() as scratch:
                world = World(scratch)
                world.run(4, 5)
                scratch.write("00000100", bytes([next(numbers) & 3 if next(numbers) % 3 else next(numbers) & 255 for _ in range(length)]))
                world.start()
                assert world.read() == list(range(1, 21))
                world.run(1, 5)
                assert world.read() == list(range(1, 26))


def test_folder_that_is_a_file():
    with Scratch() as scratch:
        scratch.write("x", b"1")
        archive = Segments(scratch.path + "/x", 65536, 1)
        journal = Journal(4096, 60, None, archive)
        assert archive.next == 1 and archive.write(journal, {}, None), "nothing to write"
        assert not archive.write(journal, {"a": 1}, None) and archive.problem.startswith("flash write failed")
        assert archive.load(1) is None and archive.erase() == (0, 0)


class Failing:
    """`open` that fails from its `after`th call for writing on with `code`, `left` times; what is written before is there or not as `torn` says."""

    def __init__(self, code, after=0, left=1000000, torn=False):
        self.code, self.after, self.left, self.torn = code, after, left, torn

    def __enter__(self):
        saving.open = self.open
        return self

    def __exit__(self, *_):
        del saving.open

    def open(self, path, mode):
        if mode == "rb":
            return open(path, mode)
        if self.after or not self.left:
            self.after = max(0, self.after - 1)
            return open(path, mode)
        self.left -= 1
        if self.torn:
            with open(path, mode) as file:
                file.write(b"\x04\x10")
        raise OSError(self.code, "on purpose")


def test_full_flash_costs_the_oldest_then_waits():
    with Scratch() as scratch:
        world = World(scratch, 131072)
        world.run(600, 20)
        files = len(scratch.names())
        assert files > 5
        for code in (28, 36):  # the second is how LittleFS says it of a new file
            with Failing(code, left=1):
                world.run(1)
        assert len(scratch.names()) == files - 2 and world.journal.overwritten == world.journal.oldest - 1 > 0
        with Failing(28):
            for _ in range(5):
                world.add(10)
                assert not world.save() and world.archive.problem == "flash is full"
        assert len(scratch.names()) == max(1, files - 6), "it does not delete for ever when that does not help"
        assert world.read(world.journal.oldest) == list(range(world.journal.oldest, world.journal.next)), "the RAM has them"
        assert world.save() and world.archive.problem == ""
        oldest = world.journal.oldest
        world.start()
        assert world.read() == list(range(oldest, world.journal.next)) and world.journal.next == 12000 + 120 + 50 + 1


def test_flash_that_fails_for_a_while():
    for torn in (False, True):
        with Scratch() as scratch:
            world = World(scratch, 16384, 1024)
            world.run(3)
            world.add(10)
            with Failing(5, torn=torn):
                assert not world.save() and world.archive.problem in ("flash write failed: EIO", "flash write failed: 5")
                world.add(10)
                assert not world.save()
                assert world.read() == list(range(1, 201)), "the RAM still has what is not on flash"
                assert not world.journal.filling
            assert world.save()
            world.start()
            assert world.read() == list(range(1, 201))
            with Failing(5, torn=torn):
                for _ in range(10):
                    world.add(60)
                    world.save()
                kept = world.journal.first_seq(world.journal.first)
                assert kept > 300 and world.journal.overwritten == kept - 201, "neither here nor there: counted once"
            world.run(1)
            kept = world.journal.first_seq(world.journal.first)
            assert world.read() == list(range(1, 201)) + list(range(kept, world.journal.next))
            cursor = world.journal.cursor(201)
            assert cursor.batch(1)[0].seq == kept and cursor.gap == (201, kept - 1, kept - 201)
            assert world.journal.overwritten == kept - 201
            world.run(100)
            assert world.journal.overwritten == world.journal.oldest - 1 > kept, "those before it and the hole, once each"


class Missing:
    """A module of the store that cannot be imported."""

    def __init__(self, name):
        self.name = "bridge.store." + name

    def __enter__(self):
        self.module = sys.modules[self.name]
        sys.modules[self.name] = None

    def __exit__(self, *_):
        sys.modules[self.name] = self.module


def test_code_that_cannot_be_loaded():
    """The RAM goes on; what asks for older readings fails and may ask again: "there are none" would be told as lost."""
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        world.run(40, 20)
        size = scratch.size(1)
        world.add(20)
        for name in ("saving", "lookup"):
            world.read(1, 50)
            with Missing(name):
                archive = world.archive
                assert world.save() == (name == "lookup") and world.save() == (name == "lookup")  # the second gives back what was in use
                assert world.read(world.journal.next - 25) == list(range(world.journal.next - 25, world.journal.next)), "from RAM"
                cursor = world.journal.cursor(1)
                try:
                    found = cursor.batch(5)
                except OSError as error:
                    found = error.args[0]
                assert found == 12 if name == "lookup" else [reading.seq for reading in found] == [1, 2, 3, 4, 5]
                assert archive.problem.startswith("flash cannot be used") and (scratch.size(1) == size) == (name == "saving")
            assert [reading.seq for reading in cursor.batch(5)] == [1, 2, 3, 4, 5], "the same cursor goes on"
            assert world.save() and archive.problem == ""
        with Missing("turnover"):
            world.journal.append(Reading(world.meter, world.journal.next, world.time, world.source, SCHEMA, [0, 0, 0, 0]))
            world.archive.stale = True
            assert not world.save() and world.archive.problem.startswith("flash write failed")


def test_code_that_reads_stays_while_it_is_in_use():
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        world.run(40, 20)
        given = []
        kept = segments.unload
        segments.unload = lambda *names: given.extend(names)
        for reads, gone in ((0, 0), (1, 0), (3, 0), (0, 1), (0, 0), (1, 0), (0, 1)):
            for _ in range(reads):
                assert world.journal.cursor(1).batch(1)[0].seq == 1
            given.clear()
            world.run(1, 20)
            assert "bridge.store.saving" in given and ("bridge.store.lookup" in given) == bool(gone), (reads, gone)
        segments.unload = kept


def test_filling_tells_that_the_ring_will_not_do():
    with Scratch() as scratch:
        world = World(scratch, ram=1024)
        world.run(5)
        assert not world.journal.filling
        while world.journal.filling is False:
            world.add(1)
        assert world.save() and not world.journal.filling and world.journal.overwritten == 0
        assert world.read() == list(range(1, world.journal.next))
        assert Journal(1024).filling is False


def test_erase():
    with Scratch() as scratch:
        world = World(scratch)
        world.run(100)
        cursor = world.journal.cursor()
        assert cursor.batch(3)[0].seq == 1
        size = scratch.size(1)
        files = len(scratch.names())
        assert world.journal.erase() == (files, size) and scratch.names() == [] and files > 2
        journal = world.journal
        assert (journal.oldest, journal.next, journal.bytes_used(), cursor.batch(5), cursor.backlog) == (6001, 6001, 0, [], 0)
        world.run(2)
        assert [reading.seq for reading in cursor.batch(999)] == list(range(6001, 6121))
        world.start()
        assert world.read() == list(range(6001, 6121)) and world.archive.saved == {}
    plain = Journal(4096)
    assert plain.erase() == (0, 0)


def test_numbers_that_jump():
    with Scratch() as scratch:
        world = World(scratch)
        world.run(1, 5)
        world.hole = 1000
        world.add(1)
        world.hole = 0
        world.add(3)
        world.save()
        world.start()
        assert world.read() == [1, 2, 3, 4, 5, 1006, 1007, 1008, 1009]
        cursor = world.journal.cursor()
        assert [reading.seq for reading in cursor.batch(99)] == [1, 2, 3, 4, 5]
        cursor.ack(5)
        assert cursor.batch(99)[0].seq == 1006 and cursor.gap == (6, 1005, 1000)


def test_blocks_that_are_there_twice_are_read_once():
    """A file that changed under the writer: the block in progress is written anew, from its beginning, to a segment of its own."""
    with Scratch() as scratch:
        world = World(scratch)
        world.run(4, 400)  # the last block is in progress
        name = scratch.names()[-1]
        scratch.write(name, scratch.read(name) + b"\x00")
        world.run(1, 20)
        assert len(scratch.names()) > 1 and int(scratch.names()[-1], 16) <= 1600
        world.start()
        assert world.read() == list(range(1, 1621)) and world.read(1590, 7) == list(range(1590, 1621))


def test_nonsense_with_a_good_checksum():
    """Whoever can write the flash can write anything: readings come out or not, numbers only rise, nothing is raised."""
    numbers = random_numbers(23)
    noise = lambda length: bytes([next(numbers) & 255 for _ in range(length)])  # noqa: E731
    for n in range(60):
        with Scratch() as scratch:
            world = World(scratch)
            world.run(1, 20)
            scratch.make()
            with open(scratch.path + "/" + scratch.names()[0], "ab") as file:
                crc = world.archive.crc
                for _ in range(30):
                    kind = next(numbers) % 5 + next(numbers) % 2
                    if kind == chunks.BLOCK:
                        payload = MARK + b"\1\0\0\0" + bytes([next(numbers) & 63, 0, 0, next(numbers) % 50 == 0]) + noise(next(numbers) % 90)
                        if n % 2:
                            payload = payload[:12] + texts((world.meter, world.meter))
                    elif kind == chunks.RECORDS:
                        payload = noise(next(numbers) % 200) + bytes([next(numbers) % 5, next(numbers) % 99, next(numbers) % 20 == 0])
                    else:
                        payload = noise(next(numbers) % 99)
                    crc, _ = saving.put(file, kind, payload, b"", crc)
            world.start()
            cursor = world.journal.cursor()
            last = 0
            for _ in range(500):
                batch = cursor.batch(50)
                for reading in batch:
                    assert reading.seq > last and reading.time_source in (METER, BRIDGE, UPTIME) and reading.meter.id is not None
                    assert [reading.text(id) for id in reading.items()] is not None
                    last = reading.seq
                if batch:
                    assert batch[0].seq < world.journal.next
                    cursor.ack(batch[-1].seq)
                else:
                    break
            assert not batch
            world.add(5)
            world.save()
            assert world.read(world.journal.next - 5) == list(range(world.journal.next - 5, world.journal.next))
