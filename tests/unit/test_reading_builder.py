"""Registers in, a Reading out: values, times, sub-meters and derived quantities worked out by hand from the specifications."""

from bridge.core.civil import seconds
from bridge.decoding.obis import GIGAJOULE
from bridge.reading import builder, obis_tables, quantities, reading, submeters, values
from bridge.reading.builder import Builder
from bridge.reading.quantities import quantity
from bridge.reading.reading import BRIDGE, METER, UPTIME

try:
    from registers import A, HZ, KW, KWH, M3, NOON, V, VARH, W, WH, got, names, read, sml, text
except ImportError:
    from tests.unit.registers import A, HZ, KW, KWH, M3, NOON, V, VARH, W, WH, got, names, read, sml, text

NL = (
    ("1-3:0.2.8", b"50"),
    ("0-0:1.0.0", b"250330030100S"),
    ("0-0:96.1.1", b"4530303030303030303030303030303031"),
    ("1-0:1.8.1", 1234567, -3, KWH),
    ("1-0:1.8.2", 2345678, -3, KWH),
    ("1-0:2.8.1", 12345, -3, KWH),
    ("1-0:2.8.2", 23456, -3, KWH),
    ("0-0:96.14.0", b"0001"),
    ("1-0:1.7.0", 512, -3, KW),
    ("1-0:2.7.0", 0, -3, KW),
    ("0-0:96.7.21", b"00007"),
    ("0-0:96.7.9", b"00002"),
    ("1-0:32.32.0", b"00001"),
    ("0-0:96.13.0", b""),
    ("1-0:32.7.0", 2301, -1, V),
    ("1-0:31.7.0", 1, 0, A),
    ("1-0:21.7.0", 200, -3, KW),
    ("1-0:22.7.0", 0, -3, KW),
    ("0-1:24.1.0", b"003"),
    ("0-1:96.1.0", b"4730303030303030303030303030303031"),
    ("0-1:24.2.1", 345678, -3, M3, b"250330030000S"),
)


def test_dutch_telegram():
    b = Builder()
    r = read(b, NL, seconds(2025, 3, 30, 1, 0, 30), head=b"/XXX5SIM-NL50\r\n\r\n")
    assert r.seq == 1 and r.time == seconds(2025, 3, 30, 1, 1) and r.time_source == METER
    for name, value in (
        ("energy_import_t1_wh", "1234567"),
        ("energy_import_wh", "3580245"),
        ("energy_export_wh", "35801"),
        ("power_w", "512"),
        ("power_import_w", "512"),
        ("power_export_w", "0"),
        ("power_l1_w", "200"),
        ("voltage_l1_mv", "230100"),
        ("current_l1_ma", "1000"),
        ("power_failures", "7"),
        ("long_power_failures", "2"),
        ("voltage_sags_l1", "1"),
        ("tariff", "1"),
        ("gas_l", "345678"),
    ):
        assert text(r, name) == value and got(r, name) == int(value), name
    assert got(r, "gas_time") == seconds(2025, 3, 30, 1) and got(r, "water_l") is None
    m = r.meter
    assert (m.id, m.gas_id) == ("E0000000000000001", "G0000000000000001")
    assert (m.protocol, m.identification, m.manufacturer, m.version, m.message) == ("p1", "XXX5SIM-NL50", "XXX", "50", "")
    assert list(r.items()) == sorted(r.items()) and b.counters.as_dict() == {}


def test_readings_share_schema_and_meter():
    b = Builder()
    first, second = read(b, NL), read(b, NL, seq=2)
    assert first.schema is second.schema and first.meter is second.meter and first.values == second.values
    third = read(b, NL[:-3], seq=3)
    assert third.schema is not first.schema and got(third, "gas_l") is None and got(first, "gas_l") == 345678
    assert read(b, NL, seq=4).schema is first.schema


def test_absent_is_an_error_as_text():
    r = read(Builder(), (("1-0:1.8.0", 5, 0, WH),))
    try:
        text(r, "gas_l")
    except KeyError:
        pass
    else:
        assert False


def test_nothing_is_no_reading():
    b = Builder()
    assert read(b, (("0-0:96.13.0", b""), ("1-0:99.97.0", b"()"))) is None
    assert read(b, ()) is None


def test_belgian_telegram():
    peaks = b"(1)(1-0:1.6.0)(1-0:1.6.0)(241101000000W)(241020181500S)(03.995*kW)"
    rows = (
        ("0-0:96.1.4", b"50221"),
        ("0-0:96.1.1", b"3153414730303030303030303031"),
        ("0-0:1.0.0", b"250115101500W"),
        ("1-0:1.8.1", 345601, -3, KWH),
        ("1-0:1.4.0", 2351, -3, KW),
        ("1-0:1.6.0", 5120, -3, KW, b"250109134500W"),
        ("0-0:98.1.0", peaks),
        ("0-0:17.0.0", 9999, -1, KW),
        ("1-0:31.4.0", 999, 0, A),
        ("0-0:96.3.10", b"1"),
        ("0-2:24.2.1", 872234, -3, M3, b"250115101001W"),  # the value before the type
        ("0-2:24.1.0", b"007"),
        ("0-2:96.1.1", b"3853494D30303030303030303031"),
        ("0-1:24.1.0", b"003"),
        ("0-1:24.4.0", b"1"),
        ("0-1:24.2.3", 112384, -3, M3, b"250115101002W"),
    )
    b = Builder()
    r = read(b, rows)
    assert got(r, "power_demand_w") == 2351 and got(r, "power_peak_month_w") == 5120
    assert got(r, "power_peak_month_time") == seconds(2025, 1, 9, 12, 45)
    assert got(r, "gas_l") == 112384 and got(r, "water_l") == 872234 and got(r, "water_time") == seconds(2025, 1, 15, 9, 10, 1)
    assert got(r, "breaker_state") == 1 and got(r, "gas_valve_state") == 1
    assert got(r, "power_limit_w") is None and got(r, "fuse_limit_ma") is None, "999 is no limit"
    assert r.meter.month_peaks == (("2024-10", seconds(2024, 10, 20, 16, 15), 3995),)
    assert r.meter.id == "1SAG0000000001" and r.meter.water_id == "8SIM0000000001" and r.meter.gas_id == ""
    assert read(b, rows, seq=2).meter is r.meter


def test_limits():
    r = read(Builder(), (("0-0:17.0.0", 173, -1, KW), ("1-0:31.4.0", 40, 0, A)))
    assert text(r, "power_limit_w") == "17300" and text(r, "fuse_limit_ma") == "40000"
    r = read(Builder(), (("0-0:17.0.0", 25, 0, A), ("1-0:1.8.0", 1, 0, WH)))
    assert text(r, "fuse_limit_ma") == "25000" and got(r, "power_limit_w") is None


def test_old_dutch_gas_and_coarse_power():
    rows = (("1-0:1.7.0", 29, -2, KW), ("0-1:24.1.0", b"3"), ("0-1:24.3.0", 345678, -3, M3, b"250115100000"))
    r = read(Builder(), rows)
    assert text(r, "power_w") == "290" and got(r, "power_import_w") == 290
    assert got(r, "gas_l") == 345678 and got(r, "gas_time") == seconds(2025, 1, 15, 9)
    assert r.time == NOON and r.time_source == BRIDGE


def test_every_kind_of_submeter_on_any_channel():
    for channel in (1, 2, 3, 4):
        for kind, unit, scaler, value, name, expected in (
            (b"002", KWH, -3, 12345, "submeter_energy_wh", "12345"),
            (b"3", M3, -2, 12345, "gas_l", "123450"),
            (b"004", GIGAJOULE, -2, 1234, "heat_kj", "12340000"),
            (b"006", M3, -3, 12345, "hot_water_l", "12345"),
            (b"07", M3, -3, 12345, "water_l", "12345"),
            (b"010", GIGAJOULE, -3, 1, "cold_kj", "1000"),
            (b"011", GIGAJOULE, -3, 1, "cold_kj", "1000"),
            (b"012", GIGAJOULE, -3, 2, "heat_kj", "2000"),
        ):
            at = "0-%d:" % channel
            r = read(Builder(), ((at + "24.2.1", value, scaler, unit, b"250115120000W"), (at + "24.1.0", kind)))
            assert names(r)[0] == name and text(r, name) == expected, (channel, kind)
            assert list(r.values)[1] == seconds(2025, 1, 15, 11) and len(r.values) == 2


def test_times_that_are_utc_already():
    """SML and DLMS send numbers, P1 text."""
    time = seconds(2025, 1, 15, 11)
    rows = (("0-1:24.1.0", 3), ("0-1:24.2.1", 5000, -3, M3, time), ("1-0:1.6.0", 2, 3, W, time), ("1-0:1.8.0", 1, 0, WH))
    r = read(Builder(), rows)
    assert got(r, "gas_time") == got(r, "power_peak_month_time") == time and text(r, "gas_l") == "5000"
    r = read(Builder(), (("0-1:24.1.0", 3), ("0-1:24.2.1", 5000, -3, M3, 3), ("1-0:1.8.0", 1, 0, WH)))
    assert names(r) == ["energy_import_wh"]


def test_submeter_oddities():
    b = Builder()
    rows = (
        ("1-0:1.8.0", 1, 0, WH),
        ("0-1:24.1.0", b"003"),
        ("0-1:24.2.1", 5, -3, GIGAJOULE, b"250115120000W"),  # gas in GJ
        ("0-2:24.2.1", 5, -3, M3, b"250115120000W"),  # no type
        ("0-3:24.1.0", b"007"),
        ("0-3:24.2.1", 0, -3, M3, b"632525252525W"),  # nothing heard of it yet
        ("0-4:24.1.0", b"003"),
        ("0-4:24.2.1", b""),
    )
    assert "gas_l" not in names(read(b, rows)) and b.counters.as_dict()["ignored_values"] == 2
    assert names(read(b, rows)) == ["energy_import_wh"]


def test_two_gas_channels_newest_time_wins():
    def gas(first, second):
        rows = (
            ("0-1:24.1.0", b"003"),
            ("0-1:24.2.1", 111, -3, M3, first),
            ("0-1:96.1.0", b"4731"),
            ("0-2:24.1.0", b"003"),
            ("0-2:24.2.1", 222, -3, M3, second),
            ("0-2:96.1.0", b"4732"),
        )
        r = read(Builder(), rows)
        return got(r, "gas_l"), r.meter.gas_id

    assert gas(b"250115120000W", b"240115120000W") == (111, "G1")
    assert gas(b"240115120000W", b"250115120000W") == (222, "G2")
    assert gas(b"250115120000W", b"250115120000W") == (111, "G1")
    assert gas(b"632525252525W", b"250115120000W") == (222, "G2")


def test_exchanged_gas_meter_may_start_lower():
    b = Builder()

    def gas(value, id):
        return got(read(b, (("0-1:24.1.0", b"3"), ("0-1:96.1.0", id), ("0-1:24.2.1", value, -3, M3, b"250115120000W"))), "gas_l")

    assert gas(5000, b"4731") == 5000 and gas(3, b"4731") == 5000 and gas(3, b"4732") == 3


def test_meter_clock_and_the_dongles():
    energy = ("1-0:1.8.0", 1, 0, WH)

    def when(stamp, now=NOON, source=BRIDGE):
        r = read(Builder(), (("0-0:1.0.0", stamp), energy), now, source)
        return r.time, r.time_source

    assert when(b"250115130000W") == (NOON, METER)
    unset = (b"632525252525W", b"000101000001W", b"", b"25011513")
    for bad in unset + (b"700101000000W", b"990101000000W", b"250117130000W", b"250113120000W"):
        assert when(bad) == (NOON, BRIDGE), bad
    assert when(b"250116125900W")[1] == METER
    assert when(b"250115130000W", 77, UPTIME) == (NOON, METER)
    for bad in (b"700101000000W", b"990101000000W", b"141231235959W", b"632525252525W"):
        assert when(bad, 77, UPTIME) == (77, UPTIME), bad
    assert when(b"681231235959W", 77, UPTIME)[1] == METER


def test_meter_clock_of_another_zone():
    energy = ("1-0:1.8.0", 1, 0, WH)

    def when(stamp, now=NOON, source=BRIDGE):
        return read(Builder(), (("0-0:1.0.0", stamp), energy), now, source).time - NOON

    assert when(b"250115140003W") == 3 and when(b"250115115958W") == -2  # eastern and western Europe, a little off
    assert when(b"250115140301W") == 3781 and when(b"250115135759W") == 3479  # simply wrong
    assert when(b"250115140000W", 77, UPTIME) == 3600  # nobody knows better


def test_autumn_night_has_its_repeated_hour():
    b = Builder()

    def when(stamp):
        return read(b, (("0-0:1.0.0", stamp), ("1-0:1.8.0", 1, 0, WH)), 77, UPTIME).time

    assert when(b"251026023000S") == seconds(2025, 10, 26, 0, 30)
    assert when(b"251026023001S") == seconds(2025, 10, 26, 0, 30, 1)
    assert when(b"251026023000W") == seconds(2025, 10, 26, 1, 30)
    assert when(b"251026025959W") == seconds(2025, 10, 26, 1, 59, 59)
    assert when(b"251026030000W") == seconds(2025, 10, 26, 2)


def test_sml_keeps_every_digit():
    rows = (
        ("1-0:96.50.1*1", b"ISK"),
        ("1-0:96.1.0", b"\x0a\x01ISK\x00\x00\xbc\x61\x4e"),
        ("1-0:1.8.0", 123456789123, -4, WH, None, 0x1C0104),
        ("1-0:2.8.0", 5, -1, WH),
        ("1-0:16.7.0", -29914, -2, W),
        ("1-0:1.8.0*96", 99, 0, WH),
    )
    r = sml(rows)
    assert text(r, "energy_import_wh") == "12345678.9123" and got(r, "energy_import_wh") == 12345678
    assert text(r, "energy_export_wh") == "0.5" and got(r, "energy_export_wh") == 0
    assert text(r, "power_w") == "-299.14" and got(r, "power_w") == -299
    assert text(r, "power_export_w") == "299.14" and text(r, "power_import_w") == "0.00"
    assert r.meter.id == "1ISK0012345678" and r.meter.manufacturer == "ISK" and r.meter.protocol == "sml"


def test_rounding_of_whole_numbers():
    for value, scaler, power in ((5, -1, 1), (-5, -1, -1), (149, -2, 1), (-149, -2, -1), (-150, -2, -2), (44, -2, 0), (7, 1, 70)):
        assert got(sml((("1-0:16.7.0", value, scaler, W),)), "power_w") == power, value
    assert got(sml((("1-0:1.8.0", 1999, -3, WH),)), "energy_import_wh") == 1


def test_reduced_set_whole_kilowatt_hours():
    r = sml((("1-0:1.8.0", 1234, 3, WH), ("1-0:2.8.0", 0, 3, WH)))
    assert text(r, "energy_import_wh") == "1234000" and text(r, "energy_export_wh") == "0" and got(r, "power_w") is None


def test_absolute_power_gets_its_sign_from_the_status():
    def power(status, as_register=False):
        rows = (("1-0:15.7.0", 1635, -1, W),)
        if as_register:
            rows += (("1-0:96.5.0", status), ("1-0:1.8.0", 1, 0, WH))
        else:
            rows += (("1-0:1.8.0", 1, 0, WH, None, status),)
        return text(sml(rows), "power_w")

    assert power(0x182) == "163.5" and power(0x1B0) == "-163.5" and power(0x1A2) == "-163.5"
    assert power(0x1C0104) == "163.5" and power(0x1C0904) == "-163.5" and power(0x1C7904) == "-163.5"
    assert power(0x1C6904, True) == "-163.5" and power(0x1C0004, True) == "163.5"
    assert power(0) == "163.5"


def test_other_sources_of_net_power():
    r = sml((("1-0:36.7.0", 6854, -2, W), ("1-0:56.7.0", -2580, -2, W), ("1-0:76.7.0", 1, 0, W)))
    assert text(r, "power_w") == "43.74" and text(r, "power_l3_w") == "1"
    r = sml((("1-0:1.7.1", -123456, -4, W),))
    assert text(r, "power_w") == "-12.3456" and text(r, "power_export_w") == "12.3456" and text(r, "power_import_w") == "0.0000"
    r = sml((("1-0:1.7.0", 10, 0, W), ("1-0:2.7.0", 125, -1, W)))
    assert text(r, "power_w") == "-2.5" and text(r, "power_import_w") == "10" and text(r, "power_export_w") == "12.5"
    r = sml((("1-0:2.7.0", 40, 0, W),))
    assert text(r, "power_w") == "-40" and text(r, "power_import_w") == "0"
    r = sml((("1-0:1.7.0", 138, -1, W),))
    assert text(r, "power_w") == "13.8" and text(r, "power_import_w") == "13.8"


def test_phases_net_of_import_and_export():
    rows = (("1-0:21.7.0", 0, -3, KW), ("1-0:22.7.0", 1234, -3, KW), ("1-0:41.7.0", 5, 0, W), ("1-0:62.7.0", 7, 0, W))
    r = read(Builder(), rows)
    assert [got(r, "power_l%d_w" % n) for n in (1, 2, 3)] == [-1234, 5, -7]


def test_totals_of_tariffs():
    r = sml((("1-0:1.8.1", 147981129, -1, WH), ("1-0:1.8.2", 20124, -1, WH)))
    assert text(r, "energy_import_wh") == "14800125.3"
    r = sml((("1-0:1.8.1", 1, 3, WH), ("1-0:1.8.2", 25, -2, WH), ("1-0:1.8.4", 3, 0, WH), ("1-0:2.8.1", 7, 0, WH)))
    assert text(r, "energy_import_wh") == "1003.25" and text(r, "energy_export_wh") == "7"
    r = sml((("1-0:1.8.0", 99, 0, WH), ("1-0:1.8.1", 1, 0, WH)))
    assert text(r, "energy_import_wh") == "99", "what the meter says is never replaced"


def test_what_does_not_fit_is_ignored_and_counted():
    b = Builder()
    rows = (
        ("1-0:1.8.0", 1, 0, V),
        ("1-0:2.8.0", -261, 0, WH),
        ("1-0:1.8.1", 72057594037927935, -1, WH),
        ("1-0:32.7.0", 10**7, 0, V),
        ("1-0:52.7.0", b"nonsense", 0, V),
        ("1-0:72.7.0", 230, -60, V),
        ("1-0:1.8.2", b"001234"),
        ("0-0:96.7.21", b"0x07"),
        ("0-0:96.14.0", b"12345678901"),
        ("1-0:16.7.0", 1, 99, W),
    )
    assert read(b, rows) is None and b.counters.as_dict() == {"ignored_values": len(rows)}
    assert got(read(b, (("1-0:1.8.0", 10**12, 0, WH),)), "energy_import_wh") == 10**12
    assert read(b, (("1-0:32.7.0", 2301, -1, V), ("1-0:32.7.0", 10**9, -1, V))).text(quantity("voltage_l1_mv")) == "230100"


def test_other_registers():
    angles = (("1-0:81.7.1", 120, 0, 8), ("1-0:81.7.26", -5, 0, 8))
    r = sml((("1-0:14.7.0", 4998, -2, HZ), ("1-0:3.8.0", 5, 3, VARH), ("1-0:13.7.0", 98, -2, 255)) + angles)
    assert text(r, "frequency_mhz") == "49980" and got(r, "angle_u2_u1_deg") == 120 and got(r, "angle_i3_u3_deg") == -5
    assert text(r, "reactive_energy_import_varh") == "5000" and got(r, "power_factor_permille") == 980


def test_sml_counter_with_its_own_time():
    r = sml((("1-0:1.8.0", 5, 0, WH, NOON - 30),))
    assert r.time == NOON - 30 and r.time_source == METER


def test_numbers_of_slots_are_those_of_the_vocabulary():
    """On the device they are folded into the code; CPython can still see them."""
    assert quantities.QUANTITIES[quantities.COUNTERS - 1][1] == quantities.COUNTER and quantities.QUANTITIES[quantities.COUNTERS][1] == quantities.GAUGE
    assert quantities.QUANTITIES[quantities.GAUGES_END - 1][1] == quantities.GAUGE and quantities.QUANTITIES[quantities.GAUGES_END][1] == quantities.STATE
    assert len([row for row in quantities.QUANTITIES]) == quantities.COUNT == len(quantities.QUANTITIES) < 128
    for module, names in (
        (builder, (("_PEAK", "power_peak_month_w"), ("_FUSE", "fuse_limit_ma"), ("_PEAK_TIME", "power_peak_month_time"), ("_TIME", "_time"), ("_STATUS", "_status"))),
        (submeters, (("_VALVE_SLOT", "gas_valve_state"), ("_GAS_TIME", "gas_time"), ("_GAS_SLOT", "gas_l"))),
        (
            values,
            (
                ("_POWER", "power_w"), ("_IMPORT", "power_import_w"), ("_EXPORT", "power_export_w"), ("_PHASE_1", "power_l1_w"),
                ("_ABSOLUTE", "_power_absolute"), ("_IMPORT_1", "_import_l1"), ("_EXPORT_1", "_export_l1"), ("_STATUS", "_status"),
            ),
        ),
    ):  # fmt: skip
        for constant, name in names:
            assert getattr(module, constant, obis_tables.slot(name)) == obis_tables.slot(name), name
    for module in (builder, values):
        assert getattr(module, "_COUNTERS", quantities.COUNTERS) == quantities.COUNTERS
    assert getattr(values, "_SLOTS", obis_tables.SLOTS) == obis_tables.SLOTS < 256 and getattr(values, "_COUNT", quantities.COUNT) == quantities.COUNT
    assert getattr(builder, "_ZERO", reading.EXPONENT_ZERO) == reading.EXPONENT_ZERO == values.EXPONENT_ZERO
    assert [quantity(name) for name in ("energy_import_wh", "energy_export_wh")] == list(getattr(values, "_TOTALS", b"\x00\x05"))
    for name in ("", "power", "energy_import", " tariff"):
        try:
            quantity(name)
        except ValueError:
            continue
        assert False, name


def test_reactive_tariffs_add_up_only_where_there_is_no_total():
    rows = [("1-0:3.8.1", 100, 0, VARH), ("1-0:3.8.2", 20, 0, VARH), ("1-0:4.8.1", 3, 0, VARH)]
    r = read(Builder(), rows)
    assert got(r, "reactive_energy_import_varh") == 120 and got(r, "reactive_energy_export_varh") == 3
    r = read(Builder(), rows + [("1-0:3.8.0", 119, 0, VARH)])
    assert got(r, "reactive_energy_import_varh") == 119


def test_dlms_values():
    rows = [("0-0:1.0.0", NOON + 5, 0, 0, NOON + 5), ("1-1:1.8.0", 7745250, 1, WH), ("1-0:13.7.0", -987, -3), ("1-1:71.7.0", 896, -2, A), ("1-1:2.7.0", 5, 0, W)]
    b = Builder()
    for _ in range(2):
        r = read(b, rows, protocol="mbus")
        assert r.time == NOON + 5 and got(r, "energy_import_wh") == 77452500 and got(r, "power_factor_permille") == -987
        assert got(r, "current_l3_ma") == 8960 and got(r, "power_w") == -5
