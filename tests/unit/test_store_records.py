"""The bytes of the journal's records, written by hand from the description in `records`, and what comes back out of them."""

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO, UPTIME, Meter, Reading, Schemas
from bridge.store.journal import Journal

POWER, T1, X1, VOLTAGE = (quantity(name) for name in ("power_w", "energy_import_t1_wh", "energy_export_t1_wh", "voltage_l1_mv"))
METER = Meter("M1")


class Writer:
    """Appends readings to one block and tells the bytes of each; `values`: quantity to number, of those that are there."""

    def __init__(self, detail_s=60):
        self.journal = Journal(65536, detail_s)
        self.schemas = Schemas()
        self.values = {}
        self.time = 100
        self.put = []

    def add(self, step=10, **changes):
        """One reading, its values changed by this much; what record it made."""
        for name, change in changes.items():
            self.values[quantity(name)] = self.values.get(quantity(name), 0) + change
        form = bytearray(COUNT)
        for id in self.values:
            form[id] = EXPONENT_ZERO
        schema = self.schemas.of(form)
        before = self.journal.length(0)
        self.journal.append(Reading(METER, self.journal.next, self.time, UPTIME, schema, [self.values[id] for id in schema.ids]))
        assert self.journal.last == 0
        self.put.append((self.time, dict(self.values)))
        self.time += step
        return list(self.journal.view(0)[before : self.journal.length(0)])

    def check(self, details=()):
        """All come back as they were put in; `details` are there or not."""
        got = self.journal.cursor().batch(len(self.put) + 1)
        assert len(got) == len(self.put)
        for reading, (time, values) in zip(got, self.put):
            kept = {id: reading.get(id) for id in reading.items()}
            for id in details:
                kept.setdefault(id, values[id])
            assert (reading.time, kept) == (time, values), reading.seq


def started():
    """A writer whose next reading is a usual one: three columns, ten seconds, import expected to grow."""
    writer = Writer()
    origin = [UPTIME, 0]
    columns = [0b1011, 0]
    first = writer.add(power_w=500, energy_import_t1_wh=10, energy_export_t1_wh=0)
    assert first == [224 + 1 + 2 + 4 + 8, 0xC8, 0x01] + origin + columns + [0, 0b111, 0xE8, 0x07, 20, 0]
    assert writer.add(power_w=-1, energy_import_t1_wh=1) == [224 + 1 + 8, 20, 2, 0b10, 2], "ten seconds for the first time"
    assert writer.add(energy_import_t1_wh=1) == [224 + 1, 20, 1], "and for the second, after which they are usual"
    return writer


def test_a_usual_record_is_one_byte_or_two():
    writer = started()
    assert writer.add() == [0]
    assert writer.add(power_w=-32, energy_import_t1_wh=1) == [63 * 2 + 1]
    assert writer.add(power_w=31) == [62 * 2]
    assert writer.add(power_w=32) == [128 + 32, 22]
    assert writer.add(power_w=-33) == [128 + 64, 22]
    assert writer.add(energy_import_t1_wh=2) == [128 + 2, 1]
    assert writer.add(power_w=190, energy_import_t1_wh=31) == [128 + 64 + 31, 127]
    assert writer.add(power_w=-190) == [128 + 32, 127]
    assert writer.add(power_w=-191) == [128, 128, 1]
    assert writer.add(power_w=-5000, energy_import_t1_wh=1) == [129, 0x86, 26]
    writer.check()


def test_what_is_not_usual_has_a_mask():
    writer = started()
    assert writer.add(energy_import_t1_wh=32) == [232, 0, 0b10, 64]
    assert writer.add(energy_import_t1_wh=-1) == [232, 0, 0b10, 1], "a counter that falls"
    assert writer.add(power_w=1, energy_export_t1_wh=1) == [232, 4, 0b100, 2], "another counter"
    assert writer.add(energy_export_t1_wh=1) == [1], "which is expected from then on"
    assert writer.add(energy_export_t1_wh=1, energy_import_t1_wh=1) == [232, 1, 0b10, 2], "both: the one that was not expected"
    assert writer.add(step=11, energy_import_t1_wh=1) == [1]
    assert writer.add(energy_import_t1_wh=1) == [225, 2, 1], "a second late"
    writer.check()


def test_what_is_absent_and_comes_back():
    writer = started()
    power = writer.values.pop(POWER)
    assert writer.add() == [232, 0, 1, 0]
    assert writer.add(energy_import_t1_wh=3) == [128 + 3, 1], "the others go on as usual"
    writer.values[POWER] = power
    assert writer.add(power_w=7, energy_import_t1_wh=1) == [232, 0, 0b11, 14, 2]
    taken = writer.values.pop(T1)
    assert writer.add(power_w=1) == [232, 0, 0b11, 2, 0]
    assert writer.add(power_w=1) == [4]
    writer.values[T1] = taken
    assert writer.add() == [232, 0, 0b10, 0], "as it was before"
    assert writer.add(energy_import_t1_wh=1) == [1]
    assert writer.add(gas_l=5)[:1] == [224 + 4 + 8], "another column"
    assert writer.add(energy_import_t1_wh=1) == [232, 0, 0b10, 2], "nothing is expected after that"
    assert writer.add(energy_import_t1_wh=1, gas_l=1) == [232, 1, 0b1000, 2]
    assert writer.add(energy_import_t1_wh=1) == [1], "gas is not energy: the counter stays"
    writer.check()


def test_details():
    writer = Writer(20)
    writer.add(power_w=1, voltage_l1_mv=230000)
    writer.add()
    assert writer.add(power_w=1, voltage_l1_mv=-1) == [224 + 1 + 16, 20, 4, 1, 1]
    assert writer.add(power_w=-1, voltage_l1_mv=5) == [2]
    assert writer.add(power_w=40) == [224 + 16, 128 + 64, 27, 1, 10]
    writer.add()
    assert writer.add() == [240, 0, 0], "none has changed"
    writer.check((VOLTAGE,))


def test_columns_without_power_or_without_any():
    writer = Writer()
    writer.add(energy_import_t1_wh=2**33)
    writer.add()
    writer.add()
    assert writer.add(energy_import_t1_wh=1) == [4], "the first column is as good as the power"
    assert writer.add(energy_import_t1_wh=-(2**33) - 4)[-1] > 0
    writer.check()
    writer = Writer()
    writer.add()
    writer.add()
    writer.add()
    assert writer.add() == [0]
    writer.check()


def test_walks():
    state = 1
    for kind in range(6):
        writer = Writer()
        writer.add(power_w=0, energy_import_t1_wh=0, energy_export_t1_wh=0, gas_l=0)
        for _ in range(400):
            state = (state * 1103 + 12345) % 1000003
            size = (3, 70, 400, 800, 40000, 3)[kind]
            changes = {"power_w": state % size - size // 2}
            counter = ("energy_import_t1_wh", "energy_export_t1_wh", "energy_import_t2_wh")[state // 37 % 40 // 19]
            changes[counter] = (state // 11 % 3, state // 11 % 40)[state // 13 % 2]
            if state % 29 == 0:
                changes["gas_l"] = state % 7 - 3
            if state % 97 == 0 and kind == 5 and POWER in writer.values:
                del writer.values[POWER]
            writer.add(10 if state % 31 else state % 9, **changes)
            if writer.journal.length(0) > 900:
                break
        writer.check()
