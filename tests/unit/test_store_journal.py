"""The journal gives back exactly the whole values that went in: by hand, and by series of random readings."""

import sys

from bridge.reading.quantities import COUNT, COUNTERS, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, METER, UPTIME, Meter, Reading, Schemas
from bridge.store.columns import DETAIL_IDS
from bridge.store.journal import Journal

POWER, IMPORT, T1, T2 = (quantity(name) for name in ("power_w", "energy_import_wh", "energy_import_t1_wh", "energy_import_t2_wh"))
VOLTAGE, GAS = quantity("voltage_l1_mv"), quantity("gas_l")
START = 800000000
BIG = sys.implementation.name == "cpython"  # there is time and room for long series


class Source:
    """Makes readings: `exponents` of the quantities there are, values changed by the test."""

    def __init__(self, journal, **exponents):
        self.journal = journal
        self.form = bytearray(COUNT)
        self.values = [0] * COUNT
        self.meter = Meter("M1")
        self.time = START
        self.source = METER
        self.schemas = Schemas()
        self.expected = {}
        self.oldest = 1
        for name, exponent in exponents.items():
            self.form[quantity(name)] = EXPONENT_ZERO + exponent

    def make(self):
        schema = self.schemas.of(self.form)
        return Reading(self.meter, self.journal.next, self.time, self.source, schema, [self.values[id] for id in schema.ids])

    def add(self):
        """Appends a reading and remembers it for as long as the journal should."""
        reading = self.make()
        self.expected[reading.seq] = reading
        self.journal.append(reading)
        while self.oldest < self.journal.oldest:
            self.expected.pop(self.oldest, None)
            self.oldest += 1

    def check(self, reading):
        """Whether a reading of the journal is what was put in; details may be missing, but only all of them."""
        put = self.expected[reading.seq]
        assert (reading.meter.id, reading.time, reading.time_source) == (put.meter.id, put.time, put.time_source), reading.seq
        kept, whole = wholes(reading), wholes(put)
        if not [id for id in kept if id in DETAIL_IDS]:
            whole = {id: value for id, value in whole.items() if id not in DETAIL_IDS}
        assert kept == whole, reading.seq


def wholes(reading):
    """{quantity: whole number} of a reading."""
    return {id: reading.get(id) for id in reading.items()}


def test_values_come_back_whole():
    j = Journal(8192)
    s = Source(j, power_w=-2, energy_import_wh=-4, voltage_l1_mv=2, gas_l=0)
    s.values[POWER], s.values[IMPORT], s.values[VOLTAGE], s.values[GAS] = -29950, 123456789123, 2301, 345678
    s.add()
    (r,) = j.cursor().batch(10)
    assert (r.seq, r.time, r.time_source, r.meter) == (1, START, METER, s.meter)
    assert r.get(POWER) == -300 and r.get(IMPORT) == 12345678 and r.text(VOLTAGE) == "230100" and r.get(GAS) == 345678
    assert r.text(IMPORT) == "12345678", "the history is whole"


def test_details_come_once_in_a_while():
    j = Journal(8192, 60)
    s = Source(j, power_w=0, voltage_l1_mv=2)
    for n in range(20):
        s.values[POWER], s.values[VOLTAGE] = n, 2300 + n
        s.add()
        s.time += 10
    with_details = [r.seq for r in j.cursor().batch(99) if r.get(VOLTAGE) is not None]
    assert with_details == [1, 7, 13, 19]
    assert j.cursor().batch(99)[12].get(VOLTAGE) == 231200


def test_empty_journal():
    j = Journal(4096)
    c = j.cursor()
    assert (j.oldest, j.next, c.next, c.backlog, c.lost, c.batch(5), c.gap) == (1, 1, 1, 0, 0, [], None)
    c.ack(7)
    assert c.next == 1


def test_cursors_are_independent():
    j = Journal(8192)
    s = Source(j, power_w=0)
    a, b = j.cursor(), j.cursor()
    for n in range(10):
        s.values[POWER] = n
        s.add()
    assert [r.seq for r in a.batch(4)] == [1, 2, 3, 4] == [r.seq for r in a.batch(4)], "a batch does not move the cursor"
    a.ack(4)
    assert a.next == 5 and a.backlog == 6 and b.next == 1 and b.backlog == 10
    assert [r.get(POWER) for r in a.batch(2)] == [4, 5] and [r.seq for r in b.batch(99)] == list(range(1, 11))
    a.ack(5)  # part of what was read
    assert [r.seq for r in a.batch(99)] == [6, 7, 8, 9, 10]
    a.ack(2)
    assert a.next == 6, "backwards is harmless"
    a.ack(1000)
    assert a.next == 11 and a.batch(5) == [] and a.backlog == 0, "beyond the newest is the newest"
    s.add()
    assert [r.seq for r in a.batch(5)] == [11] and j.cursor(9).batch(1)[0].seq == 9


def test_overwritten_readings_are_counted_and_told():
    j = Journal(2048)
    s = Source(j, power_w=0, energy_import_wh=0)
    slow, fast = j.cursor(), j.cursor()
    for n in range(3000):
        s.values[POWER] = n * 7919 % 20000
        s.values[IMPORT] += n % 3
        s.add()
        s.time += 1
        if n % 100 == 0:
            fast.ack(n)
    assert j.overwritten == j.oldest - 1 > 0 and j.next == 3001
    first = slow.batch(1)[0]
    assert first.seq == j.oldest and slow.lost == j.oldest - 1 and slow.gap == (1, j.oldest - 1, j.oldest - 1)
    assert slow.backlog == j.next - j.oldest and fast.lost == 0
    for r in slow.batch(5000):
        s.check(r)
    assert slow.batch(5000)[-1].seq == 3000


def test_a_reading_that_was_read_and_then_overwritten():
    j = Journal(4096)
    s = Source(j, power_w=0)
    c = j.cursor()
    for n in range(10):
        s.add()
    assert len(c.batch(10)) == 10
    for n in range(5000):
        s.values[POWER] = n * 7919 % 20000
        j.append(s.make())
        s.time += 1
    c.ack(10)
    assert c.next == j.oldest and c.lost == j.oldest - 1
    assert c.batch(1)[0].seq == j.oldest


def test_hole_in_the_numbers():
    j = Journal(8192)
    s = Source(j, power_w=0)
    s.add()
    hole = s.make()
    hole.seq = 5  # 2 to 4 never came
    j.append(hole)
    c = j.cursor()
    assert [r.seq for r in c.batch(9)] == [1] and j.next == 6 and c.gap is None, "a batch ends where one is missing"
    c.ack(1)
    assert [r.seq for r in c.batch(9)] == [5] and c.gap == (2, 4, 3) and c.lost == 3
    c.ack(5)
    assert c.backlog == 0 and c.lost == 3 and c.gap is None


def test_what_does_not_fit_is_dropped():
    j = Journal(1024)  # blocks of 256 bytes
    s = Source(j)
    for id in range(COUNT):
        s.form[id] = EXPONENT_ZERO
        s.values[id] = 10**12 + id
    c = j.cursor()
    s.add()
    assert j.dropped == 1 and j.next == 2 == j.oldest and c.batch(5) == [] and c.backlog == 0
    s.form = bytearray(COUNT)
    s.form[POWER] = EXPONENT_ZERO
    s.add()
    assert [r.seq for r in c.batch(5)] == [2] and j.dropped == 1 and c.lost == 1
    j.append(Reading(s.meter, 1, START, METER, s.schemas.of(s.form), [0]))
    assert j.dropped == 2 and j.next == 3, "a number from the past is refused"


def test_meters():
    j = Journal(8192)
    s = Source(j, power_w=0)
    for n in range(40):
        s.meter = Meter("M%d" % (n % 3))
        s.add()
    for r in j.cursor().batch(99):
        s.check(r)
    newest = s.meter = Meter("M0", message="hello")
    s.add()
    assert j.cursor().batch(1)[0].meter is newest, "the same meter's newest words stand for all its readings"
    for n in range(30):
        s.meter = Meter("N%d" % n)
        s.add()
    kept = j.cursor().batch(99)
    assert len(kept) == j.next - j.oldest and kept[-1].meter.id == "N29" and j.dropped == 0 and j.overwritten > 0
    for r in kept:
        s.check(r)


def test_uptime_and_clock_steps():
    j = Journal(8192)
    s = Source(j, power_w=0)
    early = ((5, UPTIME), (15, UPTIME), (START, BRIDGE))
    for time, source in early + ((START + 10, METER), (START - 3600, METER), (START + 10**8, METER), (0, UPTIME)):
        s.time, s.source = time, source
        s.add()
    assert [(r.time, r.time_source) for r in j.cursor().batch(9)][:3] == [(5, UPTIME), (15, UPTIME), (START, BRIDGE)]
    for r in j.cursor().batch(9):
        s.check(r)


def test_six_hours_of_a_full_telegram_fit():
    j = Journal(24 * 1024, 60)
    names = (
        "energy_import_wh energy_import_t1_wh energy_import_t2_wh energy_export_wh energy_export_t1_wh energy_export_t2_wh "
        "power_w power_import_w power_export_w tariff gas_l gas_time power_failures long_power_failures "
        "voltage_sags_l1 voltage_swells_l1 power_l1_w power_l2_w power_l3_w"
    )
    s = Source(j)
    for name in names.split(" "):
        s.form[quantity(name)] = EXPONENT_ZERO
    for n in range(3):
        s.form[quantity("voltage_l1_mv") + n] = EXPONENT_ZERO + 2
        s.form[quantity("current_l1_ma") + n] = EXPONENT_ZERO + 3
    v = s.values
    random = Random(5)
    phase = quantity("power_l1_w")
    joules = 0
    v[T1], v[T2], v[GAS] = 1234567, 2345678, 345678
    hours = 6 if BIG else 1
    for n in range(hours * 360):
        for p in range(3):
            v[phase + p] = max(0, v[phase + p] + random.below(61) - 30 + (2000 if random.below(300) == 0 else 0)) % 4000
            v[VOLTAGE + p] = 2300 + random.below(40) - 20
            v[quantity("current_l1_ma") + p] = v[phase + p] // 230
        v[POWER] = v[quantity("power_import_w")] = v[phase] + v[phase + 1] + v[phase + 2]
        joules += v[POWER] * 10
        v[T2] += joules // 3600
        joules %= 3600
        v[IMPORT] = v[T1] + v[T2]
        if n % 30 == 0:
            v[GAS] += random.below(40)
            v[quantity("gas_time")] = s.time
        s.add()
        s.time += 10
    assert j.overwritten == 0 and j.bytes_used() <= 11 * 360 * hours
    count = 0
    for r in j.cursor().batch(3000):
        s.check(r)
        count += 1
    assert count == 360 * hours


class Random:
    """The same numbers on both Pythons, none of them beyond 31 bits."""

    def __init__(self, seed):
        self.state = seed * 7919 + 1

    def below(self, n):
        self.state = (self.state * 1103 + 12345) % 1000003
        return self.state % n


def series(seed, count, capacity=8192):
    """Appends random readings of every kind, and reads, acknowledges and checks in between."""
    random = Random(seed)
    j = Journal(capacity, 60)
    s = Source(j)
    for id in range(COUNT):
        if random.below(2):
            s.form[id] = EXPONENT_ZERO + (0, 0, 0, 1, 2, -1, -4)[random.below(7)]
    meters = [Meter("M%d" % n) for n in range(11)]
    cursor = j.cursor()
    read = 0
    for _ in range(count):
        disturb(s, random, meters)
        s.add()
        if random.below(10) == 0:
            batch = cursor.batch(random.below(60))
            seq = cursor.next
            for r in batch:
                assert r.seq == seq or j.dropped
                seq = r.seq + 1
                s.check(r)
                read += 1
            if batch:
                cursor.ack((batch[-1].seq, batch[random.below(len(batch))].seq, j.next + 5, -3)[random.below(4)])
    assert read > count // 4 and cursor.lost + cursor.backlog <= count
    return j


def disturb(s, random, meters):
    if random.below(50) == 0:
        id = random.below(COUNT)
        s.form[id] = 0 if s.form[id] else EXPONENT_ZERO + (0, 1, 2, -1, -4)[random.below(5)]
    if random.below(100) == 0:
        s.meter = meters[random.below(len(meters))]
    if random.below(50) == 0:
        s.source = random.below(3)
    s.time += 10 if random.below(20) else random.below(10000) - 5000
    for id in range(COUNT):
        if random.below(3) == 0:
            s.values[id] += random.below(100) - 50
        elif random.below(60) == 0:
            s.values[id] = (random.below(1000000) - 500000) * 2000003 + random.below(1000000)


def test_random_series():
    for seed in range(4):
        series(seed, 500, 4096 * (seed % 3 + 1))


def test_a_hundred_thousand_readings():
    many = 100000 if BIG else 12000
    j = Journal(12288, 60)
    s = Source(j, power_w=-1, energy_import_t1_wh=-1, energy_import_t2_wh=0, energy_import_wh=-1, gas_l=0, voltage_l1_mv=2)
    s.values[T2] = 10**12
    random = Random(7)
    cursor = j.cursor()
    expected = 1
    for n in range(many):
        s.values[POWER] += random.below(200) - 100
        s.values[T1] += random.below(4)
        s.values[IMPORT] = s.values[T1] + 10 * s.values[T2]
        s.values[VOLTAGE] = 2300 + random.below(9)
        s.time += 1 if random.below(500) else random.below(100) - 50
        s.add()
        if n % 500 == 499:
            while True:
                batch = cursor.batch(77)
                if not batch:
                    break
                for r in batch:
                    assert r.seq == expected
                    expected += 1
                    s.check(r)
                cursor.ack(batch[-1].seq)
            s.expected.clear()
    assert expected == many + 1 and cursor.lost == 0 and j.overwritten > 0 and j.dropped == 0


def test_counters_and_gauges_are_told_apart():
    assert IMPORT < COUNTERS <= POWER and VOLTAGE in DETAIL_IDS and POWER not in DETAIL_IDS
