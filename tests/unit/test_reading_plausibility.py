"""What is not believed, beside counters that fall (test_reading_counters.py): impossible values, sub-meters that start or take turns, signs."""

from bridge.reading import builder, falls, obis_tables, plausibility, submeters, texts
from bridge.reading.builder import Builder
from bridge.reading.plausibility import absurd, believed_time, most
from bridge.reading.quantities import QUANTITIES, quantity
from bridge.reading.reading import BRIDGE

try:
    from registers import A, HZ, KW, KWH, M3, NOON, V, W, WH, Frame, got, names, read, register, sml, text
except ImportError:
    from tests.unit.registers import A, HZ, KW, KWH, M3, NOON, V, W, WH, Frame, got, names, read, register, sml, text

ENERGY = ("1-0:1.8.0", 1000, 0, WH)


def ignored(b):
    return b.counters.get("ignored_values")


def test_bounds_of_gauges():
    for name, limit in (
        ("power_w", 1000000),
        ("power_l3_w", 1000000),
        ("reactive_power_export_var", 1000000),
        ("voltage_l1_mv", 1000000),
        ("current_l3_ma", 1000000),
        ("frequency_mhz", 70000),
        ("power_factor_permille", 1000),
        ("angle_u2_u1_deg", 360),
        ("angle_i3_u3_deg", 360),
        ("power_demand_w", 1000000),
        ("power_peak_month_w", 1000000),
        ("fuse_limit_ma", 1000000),
    ):
        slot = quantity(name)
        for digits in (0, 1, 3, 5):
            assert not absurd(slot, limit * 10**digits, 32 - digits) and absurd(slot, limit * 10**digits + 1, 32 - digits), (name, digits)
        assert absurd(slot, -limit - 1, 32) and absurd(slot, limit // 1000 + 1, 35), name
        assert absurd(slot, -limit, 32) == (name == "frequency_mhz"), name
    for value, exponent in ((39999, 32), (39, 35), (0, 35), (-50, 35)):
        assert absurd(quantity("frequency_mhz"), value, exponent)
    assert not absurd(quantity("frequency_mhz"), 40, 35)


def test_bounds_of_counters():
    for slot in range(26):
        assert QUANTITIES[slot][1] == 0
        assert not absurd(slot, 10**13, 32) and absurd(slot, 10**13 + 1, 32) and absurd(slot, -1, 32)
        assert not absurd(slot, 999999999, 35) and absurd(slot, 10**10 + 1, 35) and absurd(slot, 1, 45) and absurd(slot, 1, 19)
    assert most(0, 33) == 10**12


def test_an_impossible_value_costs_only_itself():
    good = [ENERGY, ("1-0:1.7.0", 512, -3, KW), ("1-0:2.7.0", 0, -3, KW), ("1-0:32.7.0", 2301, -1, V), ("1-0:31.7.0", 12, 0, A), ("1-0:14.7.0", 500, -1, HZ)]
    for place, wrong, name in (
        (3, 60000, "voltage_l1_mv"),
        (3, 10001, "voltage_l1_mv"),
        (4, 1001, "current_l1_ma"),
        (4, -1001, "current_l1_ma"),
        (5, 100, "frequency_mhz"),
        (5, 701, "frequency_mhz"),
    ):
        b = Builder()
        everything = names(read(b, good))
        rows = list(good)
        rows[place] = (good[place][0], wrong) + good[place][2:]
        for times in (1, 2):
            assert names(read(b, rows)) == [one for one in everything if one != name], (name, wrong)
            assert ignored(b) == times
        assert names(read(b, good)) == everything and ignored(b) == 2
        b = Builder()  # the first of all
        assert name not in names(read(b, rows)) and ignored(b) == 1
        assert names(read(b, good)) == everything


def test_of_an_impossible_power_nothing_follows():
    b = Builder()
    assert names(sml((ENERGY, ("1-0:16.7.0", 1000001, 0, W)), b)) == ["energy_import_wh"]
    assert names(sml((ENERGY, ("1-0:16.7.0", -80000000, -1, W)), b)) == ["energy_import_wh"]
    assert names(sml((ENERGY, ("1-0:36.7.0", 2000000, 0, W), ("1-0:56.7.0", 20, 0, W)), b)) == ["energy_import_wh", "power_l2_w"]
    assert names(sml((ENERGY, ("1-0:36.7.0", 2000000, 3, W), ("1-0:56.7.0", 20, 0, W)), b)) == ["energy_import_wh", "power_l2_w"]
    assert names(sml((ENERGY, ("1-0:21.7.0", 2000000, 1, W), ("1-0:41.7.0", 20, 0, W)), b)) == ["energy_import_wh", "power_l2_w"]
    found = sml((ENERGY, ("1-0:16.7.0", 3000000, 0, W), ("1-0:1.7.0", 30, 0, W), ("1-0:2.7.0", 0, 0, W)), b)
    assert names(found) == ["energy_import_wh", "power_import_w", "power_export_w"] and got(found, "power_import_w") == 30
    assert got(sml((ENERGY, ("1-0:16.7.0", 999999, 0, W)), b), "power_w") == 999999


def test_the_meters_own_net_power_wins():
    found = sml((ENERGY, ("1-0:16.7.0", -40, 0, W), ("1-0:1.7.0", 10, 0, W), ("1-0:2.7.0", 45, 0, W), ("1-0:36.7.0", 900, 0, W), ("1-0:56.7.0", 900, 0, W)))
    assert [got(found, name) for name in ("power_w", "power_import_w", "power_export_w", "power_l1_w", "power_l2_w")] == [-40, 10, 45, 900, 900]


def test_power_without_sign_or_status():
    absolute = ("1-0:15.7.0", 1635, -1, W)
    assert text(sml((ENERGY, absolute)), "power_w") == "163.5"
    assert text(sml((ENERGY, ("1-0:2.8.0", 0, -1, WH), absolute)), "power_w") == "163.5", "it never exported"
    assert names(sml((ENERGY, ("1-0:2.8.0", 5, -1, WH), absolute))) == ["energy_import_wh", "energy_export_wh"], "nobody knows"
    assert got(sml((ENERGY, ("1-0:2.8.0", 5, -1, WH), ("1-0:15.7.0", 0, 0, W))), "power_w") == 0
    rows = (("1-0:1.8.0", 1000, 0, WH, None, 0x1B0), ("1-0:2.8.0", 5, -1, WH), absolute)
    assert text(sml(rows), "power_w") == "-163.5"


def gas(b, value, stamp=b"250115120000W", id=b"4731", channel=1):
    at = "0-%d:" % channel
    return ((at + "24.1.0", b"3"), (at + "96.1.0", id), (at + "24.2.1", value, -3, M3, stamp))


def test_gas_that_sends_zero_for_hours_and_comes_back():
    for careful in (False, True):
        b = Builder(None, careful)
        assert got(read(b, (ENERGY,) + gas(b, 5000)), "gas_l") == 5000
        for n in range(60):
            found = read(b, (ENERGY,) + gas(b, 0, b"2501151%d%d000W" % (n // 30 + 2, n // 5 % 6)))
            assert got(found, "gas_l") == 5000 and found.meter.gas_id == "G1"
        assert b.counters.get("counter_falls") == 60
        assert got(read(b, (ENERGY,) + gas(b, 5004)), "gas_l") == 5004
        for n in range(30):
            assert got(read(b, (ENERGY,) + gas(b, 0)), "gas_l") == 5004


def test_gas_is_confirmed_by_values_that_grow():
    b = Builder()
    assert got(read(b, gas(b, 5000)), "gas_l") == 5000
    for value in (7, 8, 9, 10, 11):
        for n in range(10):  # each repeated for its hour
            assert got(read(b, gas(b, value)), "gas_l") == 5000
    assert got(read(b, gas(b, 12)), "gas_l") == 12


def test_gas_meter_that_was_exchanged():
    b = Builder()
    assert got(read(b, gas(b, 5000)), "gas_l") == 5000
    found = read(b, gas(b, 0, b"250115120500W", b"4732"))
    assert got(found, "gas_l") == 0 and found.meter.gas_id == "G2" and b.counters.get("counter_falls") == 0


def test_a_first_zero_of_a_submeter_is_none():
    b = Builder(None, True)
    for stamp in (b"632525252525W", b"000101000001W", b"250115120000W"):
        assert names(read(b, (ENERGY,) + gas(b, 0, stamp))) == ["energy_import_wh"], stamp
    assert got(read(b, (ENERGY,) + gas(b, 5000)), "gas_l") == 5000
    assert got(read(Builder(), gas(b, 0)), "gas_l") == 0, "a capture is shown as it is"
    assert b.counters.as_dict() == {}


def both(b, first, second):
    rows = gas(b, 111, b"250115%sW" % first) + gas(b, 222, b"250115%sW" % second, b"4732", 2)
    found = read(b, rows)
    return got(found, "gas_l"), found.meter.gas_id


def test_two_living_gas_meters_do_not_take_turns():
    b = Builder()
    assert got(read(b, gas(b, 111, b"250115120000W")), "gas_l") == 111
    assert both(b, b"120000", b"120100") == (222, "G2"), "newer: the first may be gone"
    for minute in range(3, 50, 2):
        assert both(b, b"12%02d00" % minute, b"12%02d30" % (minute - 1)) == (222, "G2")
        assert both(b, b"12%02d00" % minute, b"12%02d00" % (minute + 1)) == (222, "G2")
    assert both(b, b"145100", b"125000") == (111, "G1"), "two hours without it"
    assert both(b, b"145100", b"145200") == (111, "G1") and b.counters.get("counter_falls") == 0


def test_water_and_hot_water_are_two_meters():
    b = Builder()

    def water(cold, hot):
        stamp = b"250115120000W"
        rows = (("0-1:24.1.0", b"7"), ("0-1:96.1.0", b"5731"), ("0-1:24.2.1", cold, -3, M3, stamp))
        rows += (("0-2:24.1.0", b"6"), ("0-2:96.1.0", b"5732"), ("0-2:24.2.1", hot, -3, M3, stamp))
        found = read(b, rows)
        return got(found, "water_l"), got(found, "hot_water_l"), found.meter

    first = water(500, 300)
    assert first[:2] == (500, 300) and first[2].water_id == "W1"
    second = water(499, 299)
    assert second[:2] == (500, 300) and second[2] is first[2]


def test_exact_after_rounded_up_is_no_fall():
    b = Builder()

    def energy(value, scaler):
        return text(sml((("1-0:1.8.0", value, scaler, WH),), b), "energy_import_wh")

    assert energy(16825, 3) == "16825000"
    for n in range(9):
        assert energy(168245010 + n, -1) == "16825000", "a meter that rounds"
    assert energy(168250001, -1) == "16825000.1" and b.counters.get("counter_falls") == 0
    assert energy(16825, 3) == "16825000.1" and energy(168250002, -1) == "16825000.2"


def test_a_jump_is_believed_with_a_crc_and_asked_twice_with_a_bcc():
    for protocol, checksum, doubted in (("p1", "crc16", 0), ("sml", "crc16", 0), ("hdlc", "crc16", 0), ("d0", "bcc", 1), ("p1", "none", 1)):
        b = Builder(None, True)
        found = []
        for value in (1000, 9000, 9001):
            frame = Frame(protocol)
            frame.checksum = checksum
            b.begin(frame)
            b.add(register("1-0:1.8.0", value, 0, KWH))
            reading = b.finish(1, NOON + value, BRIDGE)
            found.append(reading and got(reading, "energy_import_wh") // 1000)
        assert found == ([1000, None, 9001] if doubted else [1000, 9000, 9001]), protocol
        assert b.counters.get("doubted_telegrams") == doubted


def test_clocks():
    for time, local, believed in (
        (NOON, False, NOON),
        (NOON + 86400, False, NOON + 86400),
        (NOON + 86401, False, None),
        (NOON - 86401, False, None),
        (NOON + 3600, False, NOON),
        (NOON - 3500, False, NOON + 100),
        (NOON + 1200, True, NOON + 1200),
        (NOON - 3600, True, None),
    ):
        assert believed_time(time, NOON, local) == believed


def test_numbers_of_slots():
    """On the device they are folded into the code; CPython can still see them."""
    for module, constant, name in (
        (builder, "_POWER", "power_w"),
        (builder, "_REACTIVE", "reactive_power_import_var"),
        (builder, "_ABSOLUTE", "_power_absolute"),
        (plausibility, "_FREQUENCY", "frequency_mhz"),
        (plausibility, "_FACTOR", "power_factor_permille"),
        (plausibility, "_DEMAND", "power_demand_w"),
        (plausibility, "_GAUGES_END", "tariff"),
        (plausibility, "_ABSOLUTE", "_power_absolute"),
        (plausibility, "_TIME", "_time"),
        (falls, "_SUBMETERS", "gas_l"),
        (falls, "_SUBMETERS_END", "power_failures"),
        (falls, "_POWER", "power_w"),
        (falls, "_IMPORT", "power_import_w"),
        (falls, "_EXPORT", "power_export_w"),
        (falls, "_GAUGES_END", "tariff"),
        (texts, "_GAS_SLOT", "gas_l"),
        (submeters, "_GAS_TIME", "gas_time"),
    ):
        assert getattr(module, constant, obis_tables.slot(name)) == obis_tables.slot(name), (module, constant)
