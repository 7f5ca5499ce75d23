"""Telegrams without a checksum: which are believed, and what a misread one costs."""

from bridge.reading.builder import Builder
from bridge.reading.reading import BRIDGE, METER, UPTIME

try:
    from registers import KWH, NOON, W, Frame, got, names, register, text
except ImportError:
    from tests.unit.registers import KWH, NOON, W, Frame, got, names, register, text

ID = ("1-0:0.0.0", b"1EBZ0100000001")


def frame(protocol="d0", checksum="none", security=""):
    made = Frame(protocol)
    made.checksum = checksum
    made.security = security
    return made


class Home:
    """A builder that is given a telegram a second."""

    def __init__(self, careful=True, **kind):
        self.builder = Builder(None, careful)
        self.kind = kind
        self.now = NOON
        self.reading = None

    def say(self, import_wh, scaler=-3, export_wh=5000000, after=1, id=ID):
        """The import counter of the reading, None when there is no reading."""
        self.now += after
        b = self.builder
        b.begin(frame(**self.kind))
        b.add(register("1-0:1.8.0", import_wh, scaler, KWH))
        if export_wh is not None:
            b.add(register("1-0:2.8.0", export_wh, -3, KWH))
        b.add(register("1-0:16.7.0", 300, 0, W))
        b.add(register(*id))
        self.reading = b.finish(0, self.now, BRIDGE)
        return None if self.reading is None else text(self.reading, "energy_import_wh")

    def doubted(self):
        return self.builder.counters.get("doubted_telegrams")


def test_the_first_needs_a_second():
    home = Home()
    assert home.say(1000000) is None and home.doubted() == 1
    assert home.say(1000001) == "1000001"
    assert home.say(1000002) == "1000002"
    assert home.doubted() == 1


def test_a_misread_first_one_sets_nothing():
    home = Home()
    assert home.say(9000000) is None
    assert home.say(1000001) is None
    assert home.say(1000002) == "1000002"
    assert home.builder.counters.get("counter_falls") == 0


def test_a_misread_digit_costs_that_telegram():
    for wrong in (9000000, 1100000, 1000900, 0, 999000):
        home = Home()
        home.say(1000000)
        assert home.say(1000001) == "1000001"
        assert home.say(wrong) is None
        assert home.say(1000003) == "1000003"
        assert home.say(1000004, export_wh=5900000) is None
        assert home.say(1000005) == "1000005" and got(home.reading, "energy_export_wh") == 5000000
        assert home.builder.counters.get("counter_falls") == 0


def test_a_lost_counter_or_another_id_is_doubted_too():
    home = Home()
    home.say(1000000)
    home.say(1000000)
    assert home.say(1000001, export_wh=None) is None
    assert home.say(1000001, id=("1-0:0.0.0", b"1EBZ0100000002")) is None
    assert home.say(1000002) == "1000002" and home.reading.meter.id == "1EBZ0100000001"


def test_a_real_jump_and_another_meter_are_believed_with_the_next():
    home = Home()
    home.say(1000000)
    home.say(1000000)
    assert home.say(1500000, after=3600) is None
    assert home.say(1500001) == "1500001"
    other = ("1-0:0.0.0", b"1EBZ0100000002")
    assert home.say(20000, id=other) is None
    assert home.say(20001, id=other) == "20001" and home.reading.meter.id == "1EBZ0100000002"
    assert home.say(20002, id=other) == "20002"


def test_a_real_fall_is_held_back_as_ever():
    home = Home()
    home.say(1000000)
    home.say(1000000)
    assert home.say(500000) is None
    assert home.say(500000) == "1000000"
    for _ in range(5):
        last = home.say(500000)
    assert last == "500000"


def test_other_decimals_are_no_other_counter():
    home = Home()
    home.say(100000012345, -8)
    assert home.say(100000012345, -8) == "1000000.12345"
    assert home.say(1000, 0) == "1000000.12345"  # locked: whole kWh
    assert home.say(100000022345, -8) == "1000000.22345"
    assert home.doubted() == 1


def test_slow_telegrams_at_full_load():
    home = Home()
    home.say(1000000)
    for n in range(1, 6):
        assert home.say(1000000 + 900 * n, after=60) == str(1000000 + 900 * n)


def test_a_plain_p1_telegram_may_be_the_first():
    home = Home(protocol="p1")
    assert home.say(1000000) == "1000000"
    assert home.say(9000000, after=10) is None
    assert home.say(1000002, after=10) == "1000002"


def test_what_is_checked_or_captured_is_not_doubted():
    for home in (Home(checksum="bcc"), Home(protocol="p1", security="unauthenticated"), Home(protocol="sml"), Home(careful=False)):
        assert home.say(1000000) == "1000000" and home.doubted() == 0


def test_clock_without_summer_time():
    for stamp, minutes, source in ((b"250115130000", 0, METER), (b"250115131500", 0, METER), (b"250115140000", 0, BRIDGE), (b"250114130000", 0, BRIDGE)):
        b = Builder()
        b.begin(frame(checksum="bcc"))
        b.add(register("1-0:1.8.0", 1, 0, KWH))
        b.add(register("0-0:1.0.0", stamp))
        reading = b.finish(0, NOON, BRIDGE)
        assert reading.time_source == source, stamp
        b.begin(frame(checksum="bcc"))
        b.add(register("1-0:1.8.0", 1, 0, KWH))
        b.add(register("0-0:1.0.0", stamp))
        assert b.finish(0, 5, UPTIME).time_source == METER  # better than none


def test_registers_of_d0_become_quantities():
    b = Builder()
    b.begin(frame(checksum="bcc"))
    b.add(register("1-0:1.8.0", 29055, -3, 0x400 | 30))  # MWh
    b.add(register("1-0:15.7.0", 100, 0, W))
    b.add(register("1-0:96.5.0", b"001C0904"))  # status in hex: export
    b.add(register("1-0:13.7.0", b"0.95"))
    reading = b.finish(0, NOON, BRIDGE)
    assert text(reading, "energy_import_wh") == "29055000"
    assert got(reading, "power_w") == -100
    assert got(reading, "power_factor_permille") == 950
    assert "power_export_w" in names(reading) and b.counters.get("ignored_values") == 0
