"""The simulated meters: their bytes against published vectors, their days and nights against arithmetic. No firmware is involved."""

import re
from decimal import Decimal

import pytest

from host_tools.errors import UserError
from host_tools.meters import METERS, crc, make, p1_be, p1_nl, sml, write_telegrams
from host_tools.meters.localtime import local, month_start, stamp
from host_tools.meters.p1 import Identity, fixed
from host_tools.meters.p1_meters import P1_METERS
from host_tools.meters.sml_meters import SML_METERS, dzg_entries, fnn_entries, identity_entries, reduced_entries
from tests.sim.published import listed, octets

HALF_HOUR = 1800
NOON = 1_750_500_000  # 2025-06-21 10:00 UTC: the sun is high
SIM_ID = bytes.fromhex("0a0153494d0000000001")


def test_check_sums_have_their_published_check_values():
    assert (crc.arc(b"123456789"), crc.x25(b"123456789"), crc.kermit(b"123456789")) == (0xBB3D, 0x906E, 0x2189)


def phases(values):
    """{"voltage_l{}_mv": (1, 2, 3)} spelled out per phase."""
    return {name.format(n): value for name, row in values.items() for n, value in enumerate(row, 1)}


def test_dsmr50_is_the_vector_byte_for_byte():
    who = Identity("XXX5SIM-NL50", "E0000000000000001", "50", gas_id="G0000000000000001")
    values = {
        "time": 1743296460, "tariff": 1, "power_import_w": 512, "power_export_w": 0,  # 2025-03-30T01:01:00Z
        "energy_import_t1_wh": 1234567, "energy_import_t2_wh": 2345678, "energy_export_t1_wh": 12345, "energy_export_t2_wh": 23456,
        "power_failures": 7, "long_power_failures": 2, "failures": [(1704106800, 300), (1719831600, 600)],
        "gas_time": 1743296400, "gas_l": 345678,
    } | phases({
        "voltage_sags_l{}": (1, 0, 0), "voltage_swells_l{}": (0, 0, 0), "voltage_l{}_mv": (230100, 229800, 231000),
        "current_l{}_ma": (1000, 0, 2000), "power_import_l{}_w": (200, 12, 300), "power_export_l{}_w": (0, 0, 0),
    })
    assert p1_nl.dsmr50(values, who) == octets("p1_nl_dsmr50")


def test_dsmr22_is_the_vector_byte_for_byte():
    who = Identity("XXX3SIM-NL30", "E0000000000000002", gas_id="G0000000000000002")
    values = {
        "tariff": 1, "power_import_w": 290, "power_export_w": 0, "power_limit_w": 999_000, "breaker_state": 1, "gas_valve_state": 1,
        "energy_import_t1_wh": 123456, "energy_import_t2_wh": 234567, "energy_export_t1_wh": 0, "energy_export_t2_wh": 0,
        "gas_time": 1736931600, "gas_l": 345678,  # 2025-01-15T09:00:00Z
    }
    assert p1_nl.dsmr22(values, who) == octets("p1_nl_dsmr30")


def test_emucs_is_the_vector_byte_for_byte():
    who = Identity("FLU5\\SIM_A", "1SAG0000000001", "50221", phases=1, gas_id="7FLO00000000001", water_id="8SIM0000000001",
                   channels=((1, "gas"), (2, "water")))
    values = {
        "time": 1736932500, "tariff": 1, "power_import_w": 834, "power_export_w": 0,  # 2025-01-15T09:15:00Z
        "energy_import_t1_wh": 345601, "energy_import_t2_wh": 456702, "energy_export_t1_wh": 10001, "energy_export_t2_wh": 20002,
        "power_demand_w": 2351, "power_peak_month_w": 5120, "power_peak_month_time": 1736426700,
        "month_history": [(1730415600, 1729440900, 3995), (1733007600, 1731343500, 4420), (1735686000, None, 0)],
        "power_import_l1_w": 834, "power_export_l1_w": 0, "voltage_l1_mv": 232000, "current_l1_ma": 3700,
        "breaker_state": 1, "gas_valve_state": 1, "power_limit_w": 999_900, "fuse_limit_ma": 999_000,
        "gas_time": 1736932202, "gas_l": 112384, "water_time": 1736932201, "water_l": 872234,
    }
    assert p1_be.emucs171(values, who) == octets("p1_be_emucs171")


IMPORTING = {"energy_import_wh": Decimal("1234567.8"), "energy_export_wh": Decimal("56789.0"), "power_w": 613, "_status": 0x1C0104}
REDUCED = {"energy_import_wh": 1234000, "energy_export_wh": 56000, "_status": 0x1C0104}
ESCAPED = {"energy_import_wh": Decimal(0x1B1B1B1B) / 10, "_status": 0x1C0104}
DZG = {"energy_import_wh": Decimal("5430157.7"), "power_w": Decimal("356.24"), "_status": 0x1C0104}


@pytest.mark.parametrize(("name", "entries", "seconds", "style"), [
    ("sml_without_pin", reduced_entries(REDUCED), 86400, sml.Style()),
    ("sml_with_pin_import", fnn_entries(IMPORTING), 86401, sml.Style()),
    ("sml_with_pin_export", fnn_entries(IMPORTING | {"power_w": -2345, "_status": 0x1C7904}), 86402, sml.Style()),
    ("sml_kermit_trailer", fnn_entries(IMPORTING | {"power_w": 460}), 86403, sml.Style(sml.KERMIT)),
    ("sml_escaped_1b", fnn_entries(ESCAPED), 86404, sml.Style()),
])
def test_sml_is_the_vector_byte_for_byte(name, entries, seconds, style):
    assert sml.file([*identity_entries(b"SIM", SIM_ID), *entries], SIM_ID, seconds, style=style).hex() == octets(name).hex()


def test_dzg_is_the_vector_byte_for_byte():
    server_id = bytes.fromhex("0a01445a470002887fa0")
    rows = [*identity_entries(b"DZG", server_id)[1:], *dzg_entries(DZG)]
    assert sml.file(rows, server_id, 86405).hex() == octets("sml_dzg_unsigned_bug").hex()


FAMILIES = [kind.name for kind in (*P1_METERS, *SML_METERS)]
TWO_WAY = [name for name in FAMILIES if name not in ("sml-reduced", "sml-oneway", "sml-tariff", "sml-dzg")]
WINTER_NIGHT = 1_737_061_200  # 2025-01-16 21:00 UTC
OCTOBER_NIGHT = 1_761_440_400  # 2025-10-26 01:00 UTC: clocks go back
MARCH_NIGHT = 1_743_296_400  # 2025-03-30 01:00 UTC: clocks go forward
FEBRUARY = 1_738_364_400  # 2025-02-01 00:00 local


def objects(telegram):
    """OBIS code to the text of its brackets, by a pattern of the tests' own; checks the frame and every line's form."""
    text = telegram.decode("ascii")
    assert re.fullmatch(r"/\w{3}\d[ -~]+\r\n\r\n(\d-\d:\d+\.\d+\.\d+(\([ -~]*?\))+\r\n|\(\d+\.\d+\)\r\n)+!(?:[0-9A-F]{4})?\r\n", text)
    return dict(re.findall(r"^(\d-\d:\d+\.\d+\.\d+)(\(.*\)(?:\r\n\(.*\))?)\r$", text, re.MULTILINE))


def registers(telegram):
    """OBIS octets to (value, scaler) of an SML file's numbers, by a reader of the tests' own."""
    return {code: (value[0], scaler[0]) for code, (_, _, _, scaler, value) in listed(telegram)[1].items() if isinstance(value, tuple)}


def test_an_unknown_meter_is_told_with_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'p1-nl42'.*p1-be.*sml-dzg"):
        make("p1-nl4")
    with pytest.raises(UserError, match="there are: p1-nl, "):
        make("zzz")


@pytest.mark.parametrize("name", FAMILIES)
def test_size_frame_and_truth_of_every_meter(name):
    meter, low, high = make(name), *((430, 1700) if name.startswith("p1") else (212, 528))
    for step in range(9):
        telegram = meter.telegram(NOON + step * 1801)
        assert (900 if "be" in name else low) <= len(telegram) <= high
        assert len(telegram) * meter.line.byte_seconds < meter.cadence_s
        said = meter.truth()
        if meter.protocol == "p1":
            found = objects(telegram)
            assert found["1-0:1.8.1"] in (f"({said['energy_import_t1_wh'] / 1000:0{w}.3f}*kWh)" for w in (9, 10))
            assert said["power_import_w"] * said["power_export_w"] == 0
            assert ("gas_l" in said) == ("m3" in telegram.decode())
        elif "energy_import_wh" in said:
            value, scaler = registers(telegram)["0100010800ff"]
            assert Decimal(value).scaleb(scaler) == said["energy_import_wh"]


@pytest.mark.parametrize("name", ["p1-nl22", "p1-be3", "sml-tariff"])
def test_counters_never_fall_in_24_hours(name):
    meter, last = make(name), {}
    for minute in range(24 * 60):
        meter.telegram(WINTER_NIGHT + minute * 60)
        said = meter.truth()
        counters = {key: said[key] for key in said if key.startswith("energy") or key.endswith("_l")}
        assert all(counters[key] >= last.get(key, 0) for key in counters)
        last = last or counters
    assert all(counters[key] > last[key] for key in counters if "export" not in key)


@pytest.mark.parametrize("name", ["p1-nl", "p1-be", "sml"])
def test_energy_is_the_sum_of_the_power_that_was_printed(name):
    meter, watt_seconds, totals = make(name), 0, []
    for second in range(HALF_HOUR + 1):
        meter.telegram(NOON + second)
        said = meter.truth()
        net = said["power_w"] if name == "sml" else said["power_import_w"] - said["power_export_w"]
        watt_seconds += net if second else 0
        totals.append(sum(v if "import" in k else -v for k, v in said.items() if k.startswith("energy")))
        if "power_l2_w" in said:
            assert abs(sum(said[f"power_l{n}_w"] for n in (1, 2, 3)) - net) <= 2
    # Half a watt of rounding per second, and up to one last digit in each counter.
    assert abs(watt_seconds / 3600 - float(totals[-1] - totals[0])) <= 0.5 * HALF_HOUR / 3600 + 4


@pytest.mark.parametrize("start", [NOON, WINTER_NIGHT])
@pytest.mark.parametrize("name", TWO_WAY)
def test_import_and_export_both_show_within_two_minutes(name, start):
    meter, powers = make(name), []
    for second in range(0, 120, meter.cadence_s):
        meter.telegram(start + second)
        powers.append(meter.power_w)
    assert min(powers) < -100 and max(powers) > 100


def test_a_home_is_a_function_of_seed_and_start():
    assert make("p1-nl").telegram(NOON) == make("p1-nl").telegram(NOON) != make("p1-nl", seed=2).telegram(NOON)
    steps, jump = make("p1-be"), make("p1-be")
    steps.telegram(NOON), jump.telegram(NOON)
    for second in range(1000):
        last = steps.telegram(NOON + second)
    assert jump.telegram(NOON + 999.9) == last == steps.telegram(NOON)  # and time never goes back


@pytest.mark.parametrize(("edge", "before", "after"), [
    (OCTOBER_NIGHT, "251026025959S", "251026020000W"), (MARCH_NIGHT, "250330015959W", "250330030000S"),
])
def test_no_second_is_missing_when_the_clocks_change(edge, before, after):
    meter = make("p1-be")
    stamps = [objects(meter.telegram(edge + n))["0-0:1.0.0"] for n in range(-2, 3)]
    assert (stamps[1], stamps[2]) == (f"({before})", f"({after})")
    assert [meter.truth()["time"][-3:-1], len(set(stamps))] == ["02", 5]
    assert stamps[3][11:13] == "01" and stamps[4][11:13] == "02"


def test_gas_of_a_winter_month_has_its_own_hour_and_letter():
    meter = make("p1-nl22")
    telegram = meter.telegram(FEBRUARY + 3605)
    assert b"0-1:24.3.0(250201010000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(" in telegram


def test_a_belgian_month_closes_with_its_peak():
    meter = make("p1-be")
    before = objects(meter.telegram(FEBRUARY - 1))
    running = meter.truth()
    after = objects(meter.telegram(FEBRUARY))
    said = meter.truth()
    assert before["0-0:98.1.0"].startswith("(13)(1-0:1.6.0)(1-0:1.6.0)(240101000000W)(632525252525W)(00.000*kW)(240201000000W)")
    assert after["0-0:98.1.0"].startswith("(13)(1-0:1.6.0)(1-0:1.6.0)(240201000000W)")
    assert re.search(r"\(250201000000W\)\(2501\d{8}W\)\(\d\d\.\d{3}\*kW\)$", after["0-0:98.1.0"])
    assert said["month_peaks"][-1] == ("2025-02", running["power_peak_month_time"], running["power_peak_month_w"])
    assert (after["1-0:1.4.0"], after["1-0:1.6.0"]) == ("(00.000*kW)", "(250201000000W)(00.000*kW)")


def test_demand_rises_through_the_quarter_and_becomes_the_peak():
    meter, quarter = make("p1-be"), FEBRUARY + 900
    meter.telegram(FEBRUARY)
    start = meter.truth()
    meter.telegram(quarter - 1)
    end = meter.truth()
    taken = sum(end[f"energy_import_t{n}_wh"] - start[f"energy_import_t{n}_wh"] for n in (1, 2))
    assert abs(end["power_demand_w"] - taken * 4) <= 12
    meter.telegram(quarter)
    said = meter.truth()
    assert said["power_demand_w"] == 0 and abs(said["power_peak_month_w"] - end["power_demand_w"]) <= 20
    assert said["power_peak_month_time"] == "2025-01-31T23:15:00Z"


def test_the_zone_rule_through_a_year_of_changes():
    assert [stamp(t) for t in (MARCH_NIGHT - 1, MARCH_NIGHT, OCTOBER_NIGHT - 1, OCTOBER_NIGHT)] == [
        "250330015959W", "250330030000S", "251026025959S", "251026020000W"]
    assert month_start(local(NOON)) == 1_748_728_800  # 2025-06-01 00:00 local = 2025-05-31T22:00Z


@pytest.mark.parametrize(("value", "digits", "decimals"), [(1234567, 6, 3), (-1, 5, 3), (1234, 4, 1)])
def test_a_number_that_does_not_fit_is_refused(value, digits, decimals):
    with pytest.raises(ValueError, match="is no F"):
        fixed(value, digits, decimals)


def test_dzg_power_above_the_sign_bit_looks_negative_and_a_real_negative_is_four_bytes():
    positive, negative = dzg_entries(DZG | {"power_w": Decimal("356.24")})[-1], dzg_entries(DZG | {"power_w": Decimal("-1.00")})[-1]
    assert (positive.value.hex(), negative.value.hex()) == ("538b28", "55ffffff9c")


def test_the_dzg_fault_shows_in_many_evening_telegrams():
    meter, wrong = make("sml-dzg"), 0
    for minute in range(0, 120, 2):
        value, scaler = registers(meter.telegram(WINTER_NIGHT + minute * 60))["0100100700ff"]
        said = meter.truth()["power_w"]
        wrong += said > 0 > value
        assert Decimal(value).scaleb(scaler) == said or value < 0 < said
    assert wrong >= 10


def test_the_projects_own_telegrams_are_what_the_meters_write(tmp_path):
    names = write_telegrams.write(tmp_path)
    for name in names:
        for path in (f"{name}.bin", f"expected/{name}.json"):
            assert (write_telegrams.FOLDER / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run its writer again"
    kept = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert {path.relative_to(write_telegrams.FOLDER) for path in write_telegrams.FOLDER.rglob("*.*")} == kept
