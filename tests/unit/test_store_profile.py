"""Quarter hours, days, month peaks and gas hours from readings, against values worked out by hand; times are seconds since 2000 (UTC)."""

import gc
import os
import sys

from bridge.core.civil import seconds
from bridge.reading.reading import BRIDGE, UPTIME, Meter
from bridge.store.history import quarters
from bridge.store.history import rows as stored
from bridge.store.profile import Profile

try:
    from readings import Source, empty_folder
except ImportError:
    from tests.unit.readings import Source, empty_folder

START, LATE, GAP, STEP, METER, OF_METER = 1, 2, 4, 8, 16, 32
T = seconds(2026, 11, 10, 10)  # ten o'clock UTC, eleven in Berlin
MIDNIGHTS = (  # of Berlin around the changes of 2026, from the tz database
    827967600, 828054000, 828136800, 828223200,  # March 28 to 31
    846108000, 846194400, 846284400, 846370800,  # October 24 to 27
)  # fmt: skip


class World:
    """A meter that counts `watts`, a clock of the dongle, a profile; time passes by readings."""

    def __init__(self, name, zone="CET", **values):
        self.folder = empty_folder("profile-" + name)
        self.zone = zone
        self.source = Source()
        self.source.set(**(values or {"energy_import_wh": 0, "energy_export_wh": 5000}))
        self.milli = 1000000000  # the import counter in mWh
        self.watts = 720
        self.boot_s = 0  # true time at which the dongle's uptime was 0
        self.time = 0
        self.start()

    def start(self, boot_s=0):
        self.boot_s = boot_s
        self.profile = Profile(self.folder, self.zone, lambda: self.time - self.boot_s)

    def run(self, start, stop, every=10, ahead=0, off=()):
        """Readings at start, start + every, .. before `stop`, none in `off` (from, to); the clock that stamps them is `ahead` seconds."""
        for time in range(start, stop, every):
            if self.time and time > self.time:
                self.milli += (time - self.time) * self.watts * 1000 // 3600
            self.time = time
            if off and off[0] <= time < off[1]:
                continue
            self.source.set(energy_import_wh=self.milli // 1000)
            self.profile.take(self.source.reading(time + ahead))
            if time % 3600 < every:
                self.profile.save()

    def rows(self, kind="quarters"):
        self.profile.save()
        return list(stored(self.folder, kind))

    def flags(self, kind="quarters"):
        """[(minutes after T, flags)]"""
        return [((row[0] - T) // 60, row[-1]) for row in self.rows(kind)]


def test_counters_at_the_quarters():
    world = World("plain")
    world.run(T - 10, T + 3600 + 10)
    # 720 W are 180 Wh in a quarter; at 10 s before the first one the counter was 1000000 Wh.
    assert world.rows() == [
        (T - 900, 1000000, 5000, GAP | LATE | START),
        (T, 1000002, 5000, START),
        (T + 900, 1000182, 5000, 0),
        (T + 1800, 1000362, 5000, 0),
        (T + 2700, 1000542, 5000, 0),
        (T + 3600, 1000722, 5000, 0),
    ]
    assert list(quarters(world.folder))[2] == (T + 900, 1000182, 5000, 180, 0, 720, 0)
    assert list(quarters(world.folder))[1][3:] == (2, 0, None, START)  # its beginning came late: an energy, but no power
    assert list(quarters(world.folder))[0][3:6] == (None, None, None)


def test_late_readings_gaps_and_an_outage():
    world = World("outage")
    world.run(T, T + 900)
    world.run(T + 900, T + 1800, off=(T + 900, T + 960))  # a minute late is not late
    world.run(T + 1800, T + 2700, off=(T + 1790, T + 1870))  # 70 s are
    world.run(T + 2700, T + 3600, off=(T + 3000, T + 3100))  # a gap of 110 s
    world.run(T + 3600, T + 4500, off=(T + 3650, T + 3700))  # one of 60 s is none
    world.run(T + 4500, T + 5400, off=(T + 5000, T + 9999))
    world.run(T + 9100, T + 10810)  # an outage over four boundaries
    assert world.flags() == [
        (0, GAP | START), (15, GAP), (30, GAP | LATE), (45, START), (60, GAP), (75, 0),
        (150, GAP | LATE | START), (165, START), (180, 0),
    ]  # fmt: skip
    rows = world.rows()
    assert [row[1] for row in rows[-3:]] == [1000000 + 9100 // 5, 1000000 + 9900 // 5, 1000000 + 10800 // 5]
    # All have the same power: the first one that is known at both ends is the month's.
    assert world.rows("peaks") == [(T + 900, 4 * (960 // 5), GAP)]


def test_a_meter_that_speaks_every_five_minutes_has_no_gaps():
    world = World("slow")
    world.run(T, T + 3 * 900 + 1, 300)
    assert world.flags() == [(0, GAP | START), (15, GAP), (30, 0), (45, 0)]
    world.run(T + 3000, T + 5400 + 1, 300, off=(T + 3300, T + 4200))  # three are missing
    assert world.flags()[4:] == [(60, GAP | LATE), (75, START), (90, 0)]


def test_a_restart_inside_a_quarter():
    world = World("restart")
    world.run(T, T + 1200)
    world.profile.save()
    world.start(T + 1215)
    world.run(T + 1230, T + 3610)
    assert world.flags() == [(0, GAP | START), (15, 0), (30, GAP), (45, 0), (60, 0)]
    assert [row[1] for row in world.rows()] == [1000000 + 180 * index for index in range(5)]
    assert world.rows("days") == [world.rows("days")[0]] and len(os.listdir(world.folder)) == 3
    # Over a boundary: seen in time, and too late.
    world.start(T + 4490)
    world.run(T + 4520, T + 5300)
    world.profile.save()
    world.start(T + 5500)
    world.run(T + 5500, T + 7210)
    assert world.flags()[5:] == [(75, GAP), (90, GAP | LATE), (105, START), (120, 0)]


def test_what_was_not_saved_is_not_invented_after_a_power_cut():
    world = World("cut")
    world.run(T, T + 1000)
    world.profile.save()
    world.run(T + 1000, T + 1810)  # the row of 1800 is lost
    world.start(T + 1840)
    world.run(T + 1840, T + 2710)
    assert world.flags() == [(0, GAP | START), (15, 0), (30, GAP), (45, 0)]
    world.run(T + 2710, T + 3600)
    world.start(T + 3700)
    world.run(T + 3700, T + 4510)
    assert world.flags()[4:] == [(60, GAP | LATE), (75, START)]


def test_another_meter_starts_anew():
    world = World("exchange")
    world.run(T, T + 1000)
    world.source.meter = Meter("")  # a telegram without its name is no exchange
    world.run(T + 1000, T + 2000)
    world.source.meter = Meter("M1")
    world.run(T + 2000, T + 3000)
    world.source.meter = Meter("M2")
    world.milli = 7000000
    world.run(T + 3000, T + 4510)
    assert world.flags() == [(0, GAP | START), (15, 0), (30, 0), (45, 0), (60, METER), (75, 0)]
    assert list(quarters(world.folder))[4][3:6] == (None, None, None) and list(quarters(world.folder))[5][3:6] == (180, 0, 720)
    assert world.rows("peaks") == [(T + 900, 720, 0)]
    # The same id, but counters that began anew; then an exchange while the dongle was off, to a meter that has counted more.
    world.milli = 1000
    world.run(T + 4510, T + 5410)
    assert world.flags()[6:] == [(90, METER)]
    day = seconds(2026, 11, 10, 23)
    world.run(T + 5410, day + 100)
    assert world.rows("days")[-1][-1] == METER | START
    world.start()
    world.source.meter = Meter("M3")
    world.milli += 90000000
    world.run(day + 110, day + 1810)
    assert [row[-1] for row in world.rows()[-2:]] == [METER | GAP, 0]


def test_a_clock_that_is_set_makes_no_row_twice():
    world = World("step")
    world.run(T, T + 910)
    world.run(T + 910, T + 1810, ahead=-30)  # back over the boundary at 900
    assert world.flags() == [(0, GAP | START), (15, 0)]
    world.run(T + 1810, T + 2800, ahead=-30)
    assert world.flags() == [(0, GAP | START), (15, 0), (30, STEP), (45, 0)]
    world.run(T + 2800, T + 3700, ahead=25)  # forward by 55 s, within the limit of a gap
    assert world.flags()[4:] == [(60, STEP)]
    world.run(T + 3700, T + 4600)  # back by 25 s
    assert world.flags()[5:] == [(75, STEP)]
    world.run(T + 4600, T + 5500, ahead=5)  # what is put right all the time is no step
    world.run(T + 5500, T + 6400, ahead=-2)
    assert world.flags()[6:] == [(90, 0), (105, 0)]
    ends = [row[0] for row in world.rows()]
    assert ends == sorted(set(ends))


def test_a_clock_an_hour_or_years_ahead_is_put_right():
    for ahead in (3600, 900, 86400 * 400, 86400 * 40):
        world = World("ahead")
        world.run(T, T + 1900)
        world.run(T + 1900, T + 2100, ahead=ahead)
        world.run(T + 2100, T + 8 * 900 + 10)
        ends = [row[0] for row in world.rows()]
        assert ends == sorted(set(ends)) and ends[-3:] == [T + 6 * 900, T + 7 * 900, T + 8 * 900], ahead
        assert ends[-1] - ends[0] == 8 * 900, ahead  # nothing of the wrong clock is left
        assert world.rows()[-1][-1] == 0 and world.rows()[-1][1] == 1000000 + 8 * 180
        # None that claims to be right spans the change.
        for row in world.rows()[3:]:
            if row[-1] & ~GAP == 0:
                assert row[0] > T + 2700, (ahead, row)
        for peak in world.rows("peaks"):
            assert peak == (T + 900, 720, 0), ahead


def test_days_of_a_clock_that_was_ahead_give_way():
    world = World("ahead-days")
    begin = seconds(2026, 11, 9, 23)
    world.run(begin, begin + 7200, 60)
    world.run(begin + 7200, begin + 9000, 60, ahead=86400 * 40)
    world.run(begin + 9000, begin + 3 * 86400 + 60, 60)
    assert [(row[0], row[-1]) for row in world.rows("days")] == [
        (begin, GAP | START), (begin + 86400, START | STEP), (begin + 2 * 86400, 0), (begin + 3 * 86400, 0),
    ]  # fmt: skip
    assert [row[1] for row in world.rows("days")] == [1000000 + 720 * 24 * day for day in range(4)]


def test_one_stamp_from_nowhere_costs_one_quarter():
    for ahead in (-86400, -4000, 86400, 4000, 900):
        world = World("glitch")
        world.run(T, T + 1900)
        world.run(T + 1900, T + 1910, ahead=ahead)
        world.run(T + 1910, T + 5 * 900 + 10)
        wrong = [flags for minutes, flags in world.flags()[1:] if minutes in (15, 30, 60, 75)]
        assert [minutes for minutes, _ in world.flags()][-2:] == [60, 75], ahead
        assert wrong in ([0, 0, 0, 0], [0, 0, START, 0], [0, 0, START | STEP, 0]), (ahead, world.flags())
        assert [row for row in world.rows() if row[0] == T + 2700 and not row[-1] & STEP] == []


def test_a_clock_to_and_fro_at_a_boundary_without_a_save():
    world = World("to-and-fro")
    world.run(T, T + 890)
    world.profile.save()
    lost = []
    for count in (20, 200):  # readings each second from 10 s before the boundary, each other one stamped 15 minutes later
        for second in range(count):
            world.time = time = T + 890 + second
            world.source.set(energy_import_wh=1000000 + (time - T) // 5)
            world.profile.take(world.source.reading(time + second % 2 * 900))
        lost.append(world.profile.status()["lost"])
    assert 0 < lost[0] < 20 and 200 <= lost[1] <= 220  # 16 are kept
    assert "bridge.store.books" not in sys.modules  # nothing is loaded before somebody asks
    world.milli = 1000230000
    world.time = T + 1150
    world.run(T + 1160, T + 5 * 900 + 10)
    rows = world.rows()
    ends = [row[0] for row in rows]
    assert ends == sorted(set(ends)) and ends[-2:] == [T + 3600, T + 4500] and [row[-1] for row in rows[-2:]] == [0, 0]
    for row in rows[1:-2]:  # of the time in between none is called right
        assert row[-1] & STEP, row
    assert [(row[0], row[1]) for row in world.rows("peaks")] == [(T + 3600, 720)]


def test_many_oddities_within_a_quarter_need_no_notes():
    world = World("oddities")
    world.run(T, T + 100)
    world.profile.save()
    for second in range(700):  # a meter whose stamps are 20 s behind the dongle's, which stamps each other telegram; its name comes and goes
        world.time = time = T + 100 + second
        world.source.meter = Meter("" if second % 3 else "M1")
        world.source.set(energy_import_wh=1000020 + second // 5)
        world.profile.take(world.source.reading(time - second % 2 * 20))
    world.milli = 1000160000
    world.run(T + 800, T + 1801)
    assert world.profile.status()["lost"] == 0
    assert world.flags() == [(0, GAP | START), (15, STEP), (30, 0)]


def test_an_unset_clock_keeps_nothing():
    world = World("uptime")
    world.source.source = UPTIME
    world.run(0, 2000)
    assert world.rows() == [] and world.profile.running() == {} and world.folder[5:] not in os.listdir("/tmp")
    world.source.source = BRIDGE
    world.run(T, T + 910)
    assert world.flags()[0][0] == 0 and world.flags()[1] == (15, 0)


def test_days_of_23_24_and_25_hours():
    for first in (0, 4):
        world = World("days%d" % first)
        begin = MIDNIGHTS[first]
        world.source.set(energy_import_t1_wh=1, energy_import_t2_wh=2, gas_l=70, energy_export_t2_wh=9)
        for day in range(first, first + 3):
            # Each 60 s, so that it takes less time; the change of the clock is as any other hour.
            world.run(MIDNIGHTS[day], MIDNIGHTS[day + 1], 60)
        world.run(MIDNIGHTS[first + 3], MIDNIGHTS[first + 3] + 61, 60)
        rows = world.rows("days")
        assert [row[0] for row in rows] == list(MIDNIGHTS[first : first + 4])
        assert [row[-1] for row in rows] == [GAP | START, 0, 0, 0]
        hours = (24, 23, 24) if first == 0 else (24, 25, 24)
        assert [rows[at + 1][1] - rows[at][1] for at in range(3)] == [720 * count for count in hours]
        assert rows[1][2:9] == (5000, 1, 2, None, 9, 70, None)
        assert len(world.rows()) == (hours[0] + hours[1] + hours[2]) * 4 + 1
        assert (world.rows()[-1][0] - begin) // 3600 == sum(hours)


def test_other_zones_end_their_days_elsewhere():
    for zone, hour in (("UTC", 0), ("WET", 0), ("CET", 23), ("EET", 22)):
        world = World("zones", zone)
        world.run(seconds(2026, 12, 31, 20), seconds(2027, 1, 1, 2), 60)
        last = world.rows("days")[-1]
        expected = seconds(2027, 1, 1) if not hour else seconds(2026, 12, 31, hour)
        assert last[0] == expected and last[-1] == START, zone  # of the day before only its last hours


def test_a_day_without_readings_has_no_row():
    world = World("lost-day")
    days = [seconds(2028, 2, 26, 23) + 86400 * day for day in range(6)]  # 27, 28, 29 February, 1, 2 and 3 March begin
    assert days[4] == seconds(2028, 3, 1, 23)
    world.run(days[0] - 60, days[1] + 61, 60)
    world.run(days[3] + 7200, days[3] + 7201, 60)  # nothing on the 28th and 29th, one reading on March 1st
    world.run(days[4] - 60, days[5] + 61, 60)
    assert [(row[0], row[-1]) for row in world.rows("days")] == [
        (days[0] - 86400, GAP | LATE | START), (days[0], START), (days[1], 0),
        (days[3], GAP | LATE | START), (days[4], GAP | START), (days[5], 0),
    ]  # fmt: skip


# Local months of Berlin by their ends in UTC, the first and last of them years apart; of each a quarter that is its highest.
ENDS = tuple([seconds(year, month, day, hour) for year, month, day, hour in (
    (2026, 10, 31, 23), (2026, 11, 30, 23), (2026, 12, 31, 23), (2027, 1, 31, 23), (2027, 2, 28, 23), (2027, 3, 31, 22), (2027, 4, 30, 22),
    (2027, 5, 31, 22), (2027, 6, 30, 22), (2027, 7, 31, 22), (2027, 8, 31, 22), (2027, 9, 30, 22), (2027, 10, 31, 23), (2027, 11, 30, 23),
    (2027, 12, 31, 23), (2028, 1, 31, 23), (2028, 2, 29, 23), (2028, 3, 31, 22),
)])  # fmt: skip


def test_the_highest_quarter_of_each_of_15_months():
    source, folder = Source(), empty_folder("profile-months")
    profile = Profile(folder, "CET", lambda: 0)
    counter = 0
    for number, end in enumerate(ENDS):
        # The month's highest is its last quarter or the one before, in turn; an even higher one just after its end is the next month's.
        for time, energy in ((end - 2700, 0), (end - 1800, 50), (end - 900, 300 - number), (end, 299 + number % 2 * 10), (end + 900, 220)):
            counter += energy
            source.set(energy_import_wh=counter)
            profile = Profile(folder, "CET", lambda: 0)  # restarted all the time, so that no clock is known to have been set
            profile.take(source.reading(time))
            profile.save()
    # 4 x energy; 15 months are left of 18 and the one that has begun.
    expected = []
    for number, end in enumerate(ENDS):
        late = 299 + number % 2 * 10 > 300 - number
        expected.append((end if late else end - 900, 4 * (299 + number % 2 * 10 if late else 300 - number), GAP))
    expected.append((ENDS[-1] + 900, 880, GAP))
    assert list(stored(folder, "peaks")) == expected[-15:] and os.stat(folder + "/peaks")[6] == 15 * 11


def test_a_month_ends_with_its_last_quarter():
    world = World("month-end")
    end = ENDS[1]
    world.run(end - 2700, end + 10)
    world.watts = 1080
    world.run(end + 10, end + 910)
    assert [row[0] for row in world.rows("peaks")] == [end - 1800, end + 900]
    assert [row[1] for row in world.rows("peaks")] == [720, 1080]


def test_a_peak_needs_both_ends_but_not_what_is_between():
    world = World("peak-gap")
    world.run(T, T + 910)
    world.watts = 1440
    world.run(T + 910, T + 1810, off=(T + 1000, T + 1700))
    world.watts = 7200
    world.run(T + 1810, T + 2710, off=(T + 2600, T + 2700 + 100))  # the reading at its end comes late
    world.watts = 720
    world.run(T + 2800, T + 5500)
    assert world.flags()[1:4] == [(15, 0), (30, GAP), (45, GAP | LATE)]
    assert [(row[0], row[2]) for row in world.rows("peaks")] == [(T + 1800, GAP)] and 1424 <= world.rows("peaks")[0][1] <= 1440
    # It is there after a restart, a lower one does not change the file, a higher one does.
    world.start()
    before = os.stat(world.folder + "/peaks")[8]
    world.run(T + 5500, T + 7300)
    assert world.profile.running()["month_peak"] == {"time": "2026-11-10T10:30:00Z", "power_w": world.rows("peaks")[0][1], "source": "bridge"}
    assert os.stat(world.folder + "/peaks")[8] == before
    with open(world.folder + "/peaks", "rb") as file:
        data = bytearray(file.read())
    data[4] ^= 1
    with open(world.folder + "/peaks", "wb") as file:
        file.write(data + b"rest")
    world.start()
    assert world.rows("peaks") == []
    world.run(T + 7300, T + 10000)
    assert world.rows("peaks") == [(T + 8100, 720, GAP)]  # the quarter of the restart


def test_a_belgian_meter_knows_better():
    world = World("belgium", energy_import_t1_wh=0, power_import_w=3000, power_demand_w=0)
    peak = seconds(2026, 11, 3, 18, 15)
    world.source.set(power_peak_month_w=2589, power_peak_month_time=peak)
    world.watts = 3600
    world.run(T, T + 1800)
    assert world.rows("peaks") == [(peak, 2589, OF_METER)]
    world.source.set(power_demand_w=1000)
    world.run(T + 1800, T + 2110)  # 300 s into the quarter, 600 are left: 1000 + 3000 x 600 / 900
    got = world.profile.running()
    assert got["quarter"]["demand_w"] == 1000 and got["quarter"]["forecast_w"] == 3000 and "power_w" not in got["quarter"]
    assert got["month_peak"] == {"time": "2026-11-03T18:15:00Z", "power_w": 2589, "source": "meter"}
    world.source.set(power_peak_month_w=3600, power_peak_month_time=T + 2700)
    world.run(T + 2110, T + 2710)
    assert world.rows("peaks") == [(T + 2700, 3600, OF_METER)]
    # A telegram without it does not bring ours in.
    world.source.set(power_peak_month_w=None, power_peak_month_time=None)
    world.watts = 9999
    world.run(T + 2710, T + 4600)
    assert world.rows("peaks") == [(T + 2700, 3600, OF_METER)]
    # The next month; at its first telegrams the meter may still tell the last one.
    month = seconds(2026, 11, 30, 23)
    world.source.set(power_peak_month_w=3600, power_peak_month_time=T + 2700)
    world.run(month, month + 910)
    world.source.set(power_peak_month_w=500, power_peak_month_time=month + 900)
    world.run(month + 910, month + 1810)
    assert world.rows("peaks") == [(T + 2700, 3600, OF_METER), (month + 900, 500, OF_METER)]


def test_totals_from_tariffs_and_numbers_beyond_reason():
    world = World("tariffs", energy_import_t1_wh=100, energy_import_t2_wh=20, energy_import_t3_wh=3)
    world.source.set(energy_export_t1_wh=7)
    take = world.profile.take
    take(world.source.reading(T))
    world.source.set(energy_import_t1_wh=1 << 40, energy_export_t1_wh=8)
    take(world.source.reading(T + 900))
    world.source.set(energy_import_t1_wh=200, energy_export_t1_wh=None)
    take(world.source.reading(T + 1800))
    assert [row[1:3] for row in world.rows()] == [(123, 7), (None, 8), (223, None)]
    world.source.set(energy_import_wh=999, energy_import_t2_wh=None)
    take(world.source.reading(T + 2700))
    assert world.rows()[-1][1:3] == (999, None)


def test_telegrams_without_counters_wait_for_one_with():
    world = World("norway", power_w=500)
    world.profile.take(world.source.reading(T - 5))
    assert world.rows() == [] and world.profile.running()["quarter"]["energy_import_wh"] is None
    world.source.set(energy_import_wh=1000)
    world.profile.take(world.source.reading(T + 10))
    world.source.set(energy_import_wh=None)
    for time in range(T + 20, T + 3610, 10):
        world.profile.take(world.source.reading(time))
    world.source.set(energy_import_wh=1500)
    world.profile.take(world.source.reading(T + 3610))
    assert [(row[0] - T, row[1]) for row in world.rows()] == [(0, 1000), (3600, 1500)] and world.rows()[-1][-1] & START


def test_gas_by_its_own_meter_s_time():
    # DSMR 5: a value each five minutes, told for the first time some 40 s later.
    world = World("gas5", energy_import_wh=0, gas_l=0, gas_time=0)
    for time in range(T - 300, T + 7320, 60):
        stamp = (time - 40) // 300 * 300
        world.source.set(gas_time=stamp, gas_l=900000 + (stamp - T) // 100)
        world.profile.take(world.source.reading(time))
    assert world.rows("gas") == [(T - 3600, 900000 - 6, START | LATE), (T, 900000, START), (T + 3600, 900036, 0), (T + 7200, 900072, 0)]
    # DSMR 4: hourly, told in the hour after; a restart does not repeat it, and an hour that is missing has no row.
    world = World("gas60", energy_import_wh=0, gas_l=0, gas_time=0)
    for hour in (0, 1, 2, 4, 5):
        world.source.set(gas_time=T + hour * 3600, gas_l=1000 + hour)
        for minute in range(3, 60, 10):
            world.profile.take(world.source.reading(T + hour * 3600 + minute * 60))
        world.profile.save()
        world.start()
    assert world.rows("gas") == [
        (T, 1000, START), (T + 3600, 1001, 0), (T + 7200, 1002, 0), (T + 4 * 3600, 1004, START), (T + 5 * 3600, 1005, 0),
    ]  # fmt: skip
    # Belgium: stamps at any minute; then another gas meter.
    world = World("gasbe", energy_import_wh=0, gas_l=0, gas_time=0)
    for minute, litres in ((-10, 500), (4, 510), (59, 520), (61, 530), (127, 10)):
        world.source.set(gas_time=T + minute * 60 + 58, gas_l=litres)
        world.profile.take(world.source.reading(T + minute * 60 + 90))
    assert world.rows("gas") == [(T - 3600, 500, START | LATE), (T, 510, START), (T + 3600, 530, 0), (T + 7200, 10, METER | LATE)]


def test_the_running_quarter():
    world = World("running")
    world.run(T, T + 900)
    world.source.set(power_import_w=720)
    world.run(T + 900, T + 1210)  # 300 s, 60 Wh, 600 s are left
    assert world.profile.running() == {
        "quarter": {
            "start": "2026-11-10T10:15:00Z", "end": "2026-11-10T10:30:00Z", "energy_import_wh": 60, "energy_export_wh": 0,
            "power_w": 720, "forecast_w": 4 * 60 + 720 * 600 // 900, "missing": False,
        },
        "last_quarter": {"end": "2026-11-10T10:15:00Z", "energy_import_wh": 180, "energy_export_wh": 0, "power_w": 720, "valid": True},
        "month_peak": {"time": "2026-11-10T10:15:00Z", "power_w": 720, "source": "bridge"},
    }  # fmt: skip
    world.source.set(power_import_w=None, power_w=-50)  # exporting: the rest adds nothing
    world.run(T + 1210, T + 1220)
    assert world.profile.running()["quarter"]["forecast_w"] == 4 * 62
    world.source.set(power_w=None)
    world.run(T + 1220, T + 1230, off=(0, 0))
    assert world.profile.running()["quarter"]["forecast_w"] is None
    world.run(T + 1400, T + 1410)
    assert world.profile.running()["quarter"]["missing"] is True and world.profile.running()["quarter"]["energy_import_wh"] == 100
    # A quarter whose beginning nobody saw: nothing is made up.
    world.run(T + 2000, T + 2010)
    got = world.profile.running()
    assert [got["quarter"][key] for key in ("energy_import_wh", "power_w", "forecast_w", "missing")] == [None, None, None, True]
    assert got["last_quarter"]["valid"] is False and got["last_quarter"]["power_w"] is None
    world.run(seconds(2026, 12, 2), seconds(2026, 12, 2) + 10)
    assert world.profile.running()["month_peak"] is None


def test_all_is_forgotten_when_asked():
    world = World("erase")
    world.run(T, T + 910)
    world.profile.save()
    count, size = world.profile.erase()
    assert (count, size) == (3, 2 * 16 + 51 + 11) and os.listdir(world.folder) == []
    assert world.profile.running() == {} and world.profile.status()["last_quarter"] is None
    world.run(T + 910, T + 1810)
    assert world.flags() == [(15, START | GAP), (30, 0)] and world.rows("peaks") != []
    assert World("never").profile.erase() == (0, 0)


def test_a_flash_that_fails_is_told_and_bounded():
    world = World("full")
    with open(world.folder, "wb") as file:  # in the folder's place
        file.write(b"x")
    for quarter in range(30):
        world.run(T + quarter * 900, T + quarter * 900 + 60)
        world.profile.save()
    status = world.profile.status()
    assert status["problem"] and status["lost"] == 14 and status["last_quarter"] == "2026-11-10T17:15:00Z"
    os.remove(world.folder)
    world.run(T + 27000, T + 27010)
    assert len(world.rows()) == 16 and world.profile.status()["problem"] == ""


def test_nothing_is_allocated_while_nothing_happens():
    if sys.implementation.name != "micropython":
        return
    world = World("memory")
    world.source.set(gas_l=5, gas_time=T, energy_import_wh=5)
    readings = [world.source.reading(T + second) for second in range(40)]
    take = world.profile.take
    for reading in readings[:5]:
        take(reading)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    index = 5
    while index < 40:
        take(readings[index])
        index += 1
    took = gc.mem_alloc() - before
    gc.enable()
    assert not took, took
