"""Simulated text meters and SML's odd ones: their bytes against published vectors and captures, a conversation against the standard's times."""

import json
import re
from decimal import Decimal
from functools import reduce

import pytest

from host_tools.meters import METERS, d0, d0_meters, make, p1_world, p1_world_meters, sml_quirk_meters, text
from host_tools.meters.crc import arc
from host_tools.meters.d0_meters import D0_METERS
from host_tools.meters.kinds import Meter
from host_tools.meters.p1_world_meters import P1_WORLD_METERS
from host_tools.meters.sml_quirk_meters import SML_QUIRK_METERS
from tests.sim.published import listed, octets, shared

NOON = 1_750_500_000  # 2025-06-21 10:00 UTC
WINTER = 1_737_061_200  # 2025-01-16 21:00 UTC
PUSHED = [kind.name for kind in D0_METERS if kind.line.baud != 300]
ASKED = [kind.name for kind in D0_METERS if kind.line.baud == 300]
TEXT = [kind.name for kind in (*P1_WORLD_METERS, *D0_METERS)]
SML = [kind.name for kind in SML_QUIRK_METERS]


def said(name, unix=NOON):
    """(meter, what it sends when it has something to say) without a conversation."""
    meter = make(name)
    return meter, Meter.telegram(meter, unix)


def objects(data):
    """Code to what stands in its brackets, by a pattern of the tests' own; the last one of a code."""
    return dict(re.findall(r"^(?:\x02)?((?:\d-\d:)?[\dCF]+\.[\dF]+[\d.]*(?:\*\d+)?)(\([^\r]*\))\r$", data.decode("ascii"), re.MULTILINE))


# the bytes -------------------------------------------------------------------------------------------------------------


def test_a_pushed_telegram_is_the_vector_byte_for_byte():
    values = {"meter_id": "1EBZ0100000001", "energy_import_wh": Decimal("1234567.8"), "power_w": 613, "power_l1_w": 200, "power_l2_w": 213,
              "power_l3_w": 200, "_seconds": 0xA0B}
    assert d0_meters.write_push(values, "EBZ5DD3SIM", d0_meters.EBZ) == octets("d0_push_ebz")


def test_a_data_block_is_the_vector_byte_for_byte():
    assert d0_meters.write_block({"energy_import_wh": Decimal("1234567.8"), "power_w": 613}, d0_meters.ISKRA) == octets("d0_mode_c_block")


def test_luxembourgs_text_is_the_vector_byte_for_byte():
    values = {"version": "42", "time": 1736932500, "energy_import_wh": 25653, "energy_export_wh": 40, "power_import_w": 5, "power_export_w": 0}
    assert p1_world_meters.luxembourg(values) == octets("p1_lu_smarty_encrypted")


def test_luxembourgs_text_has_the_objects_of_the_published_example():
    example = objects(shared("corpus", "open", "p1", "homey_dsmr-luxembourgh-spec-example.txt").read_bytes().replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"))
    meter = METERS["p1-se"](1)
    meter.telegram(NOON)
    mine = objects(p1_world_meters.luxembourg(p1_world_meters.read_luxembourg(meter.house, NOON)))
    assert len(mine) > 45 and set(mine) <= set(example)
    assert all(shape(mine[code]) == shape(example[code]) for code in mine if code not in ("0-0:42.0.0", "0-1:96.1.0", "0-2:96.1.0", "0-0:96.13.0"))


def shape(groups):
    """Digits and letters of a season made alike."""
    return re.sub(r"[SW]\)", "T)", re.sub(r"\d", "9", groups))


@pytest.mark.parametrize(("name", "file", "without"), [
    ("p1-se", "p1/amshan_EXAMPLE_DATA_A_LANDISGYR_360.txt", ()),
    ("d0-ebz", "d0/pysmartmeter_eBZ_DD3_big.txt", ("1-0:2.8.0*255",)),
    ("d0-easymeter", "d0/jonkerj_easymeter_d3da.txt", ()),
    ("d0-hager", "d0/jonkerj_hager_ehz161wa.txt", None),
    ("d0-siemens", "d0/scs_siemens_TD3511.txt", ()),
])
def test_codes_and_forms_are_those_of_a_capture(name, file, without):
    """Every value is written as the real meter writes it; a Hager of one phase has no more than one to compare."""
    real = objects(shared("corpus", "open", file).read_bytes())
    mine = objects(said(name)[1])
    common = mine.keys() & real.keys()
    assert len(common) >= (9 if without is None else len(real) - 2)
    if without is not None:
        assert set(mine) - set(real) == set(without)
    for code in common:
        assert form(mine[code]) == form(real[code]), code


def form(groups):
    """Decimals and unit of a number; of other things only that they are none."""
    number, _, unit = groups[1:-1].replace("VAr", "var").lstrip("-+").partition("*")
    return (len(number.partition(".")[2]), unit) if re.fullmatch(r"\d+\.\d+", number) else unit


@pytest.mark.parametrize("name", TEXT)
def test_frame_size_and_truth(name):
    meter, _ = said(name)
    for step in range(6):
        data = Meter.telegram(meter, NOON + step * 1801)
        told, found = meter.truth(), objects(data)
        assert data.isascii() and b"\r\n!" in data and len(found) == data.count(b"(") - data.count(b")(")
        total = found.get("1-0:1.8.0") or found.get("1-0:1.8.0*255") or found.get("1.8.0")
        if total:
            assert Decimal(total[1:-1].partition("*")[0]).scaleb(3) == told["energy_import_wh"]
        for code, power in (("1-0:16.7.0*255", "power_w"), ("1-0:1.7.0", "power_import_w"), ("2.7.0", "power_export_w")):
            if code in found:
                number, _, unit = found[code][1:-1].partition("*")
                assert Decimal(number).scaleb(3 if unit == "kW" else 0) == told[power]
        assert not any(key.startswith("_") for key in told)
        if meter.protocol == "d0" and meter.line.baud == 300:
            assert data[0] == 2 and data[-2] == 3 and data[-1] == reduce(lambda a, b: a ^ b, data[1:-1])
        elif meter.protocol == "d0":
            assert data.startswith(b"/" + told["identification"].encode() + b"\r\n\r\n") and data.endswith(b"\r\n!\r\n")
            assert len(data) * meter.line.byte_seconds < meter.cadence_s
        elif name == "p1-si":
            assert data.endswith(b"\r\n!\r\n")
        else:
            assert int(data[-6:-2], 16) == arc(data[:-6])


def test_each_country_has_its_own_time():
    expected = {"p1-se": ("250621110000W", "250116220000W"), "p1-lt": ("250621130000S", "250116230000W"),
                "p1-dk": ("250621120000S", "250116220000W"), "p1-ie": ("250621110000S", "250116210000W")}
    for name, (summer, winter) in expected.items():
        assert [objects(said(name, unix)[1])["0-0:1.0.0"] for unix in (NOON, WINTER)] == [f"({summer})", f"({winter})"]
        assert make(name).line.inverted


def test_hungarys_peculiar_lines():
    data = said("p1-hu")[1]
    assert max(len(line) for line in data.split(b"\n")) > 1037
    assert re.fullmatch(r"\(250601000000S\)(\(\d{6}\.\d{3}\*kWh\)){10}\(\d\d\.\d{3}\*kW\)", objects(data)["0-0:98.1.0"])


@pytest.mark.parametrize(("value", "form", "shift"), [(1234567, "5.3", 3), (-1, "5.0", 0), (Decimal("0.05"), "5.1", 0), (1, "5.2", 3)])
def test_a_number_that_does_not_fit_is_refused(value, form, shift):
    with pytest.raises(ValueError, match="is no"):
        text.number(value, form, shift)


@pytest.mark.parametrize(("value", "form", "written"), [(-26, "+5.0", "-00026"), (26, "+5.0", "+00026"), (Decimal("-73.69"), "-8.2", "-000073.69"),
                                                        (9, "0.3", "9.000"), (0, "0.1", "0.0")])
def test_signs_and_zeros(value, form, written):
    assert text.number(value, form) == written


# the conversation ------------------------------------------------------------------------------------------------------


def talk(meter, data, unix):
    """What the meter says and when, until it is silent: [(seconds from the call, baud, bytes)]."""
    meter.receive(data, unix)
    heard = []
    while meter.wake is not None and len(heard) < 9:
        at = meter.wake
        baud, sent = meter.line.baud, meter.telegram(at)
        if sent:
            heard.append((round(at - unix, 3), baud, sent))
        if not sent or sent.startswith(b"/"):
            break
    return heard


@pytest.mark.parametrize(("name", "reaction", "baud"), [("d0-iskra", 0.02, 9600), ("d0-landis", 0.2, 4800), ("d0-siemens", 0.2, 19200)])
def test_a_request_an_acknowledgement_and_the_data_at_the_new_speed(name, reaction, baud):
    meter = make(name)
    assert meter.telegram(NOON) == b"" and str(meter.line) == "300 7E1"
    (at, speed, ident), = talk(meter, d0.REQUEST, NOON)
    assert (at, speed) == (reaction, 300) and re.fullmatch(rb"/[A-Z][A-Z][A-Za-z]\d[ -~]+\r\n", ident)
    answered = NOON + reaction + len(ident) / 30 + 1.4 + 0.2
    (at, speed, block), = talk(meter, b"\x060" + ident[4:5] + b"0\r\n", answered)
    assert (at, speed) == (0.3, baud) and block[:1] == b"\x02" and block[-2:-1] == b"\x03"
    assert meter.telegram(answered + 60) == b"" and str(meter.line) == "300 7E1"
    assert talk(meter, d0.REQUEST, NOON + 90)


@pytest.mark.parametrize("answer", [b"", b"\x06040\r\n", b"\x15", b"\x06051\r\n"])
def test_without_a_good_answer_the_data_come_at_300_baud_after_2_seconds(answer):
    meter = make("d0-iskra")
    (_, _, ident), = talk(meter, d0.REQUEST, NOON)
    out = 0.02 + len(ident) / 30
    (at, speed, block), = talk(meter, answer, NOON + out + 0.5)
    assert speed == 300 and at == pytest.approx(1.5, abs=0.01) and block[:1] == b"\x02"


def test_an_answer_that_comes_too_late_changes_nothing():
    meter = make("d0-landis")
    (_, _, ident), = talk(meter, d0.REQUEST, NOON)
    (_, speed, _), = talk(meter, d0.acknowledgement("4"), NOON + 0.2 + len(ident) / 30 + 1.8)
    assert speed == 300


def test_requests_that_are_none_and_one_among_noise():
    meter = make("d0-landis")
    for noise in (b"/?!", b"/?\r\n", b"?!\r\n", b"\xff" * 500):
        assert not talk(meter, noise, NOON)
    assert not talk(make("d0-landis"), b"/?!\r", NOON)
    for part in (b"\x00\x00/", b"?1234", b"567!\r"):
        assert not talk(meter, part, NOON)
    assert talk(meter, b"\n", NOON)


# SML -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SML)
def test_an_sml_file_says_what_the_truth_says(name):
    meter = make(name)
    for step in range(5):
        data = meter.telegram(NOON + step * 1801)
        told, (_, found) = meter.truth(), listed(data)
        assert 212 <= len(data) <= 528 and len(data) * meter.line.byte_seconds < meter.cadence_s
        for code, key in (("0100010800ff", "energy_import_wh"), ("0100010801ff", "energy_import_t1_wh"), ("0100100700ff", "power_w"),
                          ("0100010701ff", "power_w"), ("0100240700ff", "power_l1_w")):
            if code in found:
                assert Decimal(found[code][4][0]).scaleb(found[code][3][0]) == told[key]


@pytest.mark.parametrize(("name", "file"), [
    ("sml-emh-ed300l", "lt_EMH_eHZ-HW8E2A5L0EK2P"), ("sml-emh-gw8", "lt_EMH_eHZ-GW8E2A500AK2"), ("sml-easymeter", "tibber_EASYMETER_Q3AA"),
    ("sml-itron", "lt_ITRON_OpenWay-3.HZ_with_PIN"), ("sml-iskra-mt175", "smllib_bare_00"), ("sml-ebz", "smllib_03_7605011fbc8362"),
])
def test_registers_have_the_widths_of_a_capture(name, file):
    """Same codes in the same order, but for those of an export that the captured meter does not have; widths, signs and decimals alike."""
    real = json.loads(shared("corpus", "open", "expected", "sml", f"{file}.json").read_text())["telegrams"][0]
    mine = listed(make(name).telegram(NOON))[1]
    by_code = {sml_quirk_meters.code_octets(code): row for code, row in real.items()}
    common = [code for code in mine if code in by_code]
    assert len(common) >= len(real) and common == [code for code in by_code if code in mine]
    for code in common:
        row, (status, _, _, scaler, value) = by_code[code], mine[code]
        if row["type"] in ("int", "uint"):
            assert (value[1], value[2]) == (row["type"] == "int", row["width"]), code
            assert max(0, -scaler[0]) == len(row["value"].partition(".")[2]), code
            assert bool(status) == ("status" in row), code


def test_amounts_have_their_direction_in_the_status_word():
    for name, bit in (("sml-emh-ed300l", 0x20), ("sml-sagemcom", 0x20)):
        meter, seen = make(name), set()
        for second in range(0, 120, 2):
            found = listed(meter.telegram(NOON + second))[1]
            power, status = found["01000f0700ff"][4][0], found["0100010800ff"][0][0]
            assert power >= 0
            if power:
                assert bool(status & bit) == (meter.truth()["power_w"] < 0)
                seen.add(bool(status & bit))
        assert seen == {True, False}


def test_times_in_three_forms():
    now, found = listed(make("sml-froetec").telegram(NOON))
    assert now == [(3, False, 1), [(NOON, False, 4), (60, True, 2), (60, True, 2)]] == found["0100010800ff"][1]
    now, found = listed(make("sml-holley-zdba").telegram(NOON))
    assert now[0][0] == 1 and found["0100010801ff"][1] == now[1] and "0100010800ff" not in found
    assert listed(make("sml-hager").telegram(NOON))[1]["0100010701ff"][3:4] == [(-4, True, 1)]


def test_codes_as_octets():
    assert sml_quirk_meters.code_octets("1-0:1.8.0*96") == "010001080060"
    assert sml_quirk_meters.code_octets("129-129:199.130.3") == "8181c78203ff"
    assert p1_world.winter_stamp(0) == "700101010000W"
