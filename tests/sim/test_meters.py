"""The simulated meters: their bytes against published vectors, their days and nights against arithmetic. No firmware is involved."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.meters import METERS, crc, make, p1_be, p1_nl, sml
from host_tools.meters.localtime import local, month_start, stamp
from host_tools.meters.p1 import Identity, fixed
from host_tools.meters.sml_meters import dzg_entries, fnn_entries, identity_entries, reduced_entries

VECTORS = Path(__file__).parents[3] / "shared" / "vectors.json"
HALF_HOUR = 1800
NOON = 1_750_500_000  # 2025-06-21 10:00 UTC: the sun is high
SIM_ID = bytes.fromhex("0a0153494d0000000001")


def vector(name):
    if not VECTORS.exists():
        assert not os.environ.get("CI"), f"{VECTORS} is missing: the meters' bytes cannot be checked"
        pytest.skip(f"{VECTORS} is not on this machine")
    found = next(v for v in json.loads(VECTORS.read_text()) if v["name"] == name)
    return found["ascii"].encode() if "ascii" in found else bytes.fromhex(found["hex"])


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
    assert p1_nl.dsmr50(values, who) == vector("p1_nl_dsmr50")


def test_dsmr22_is_the_vector_byte_for_byte():
    who = Identity("XXX3SIM-NL30", "E0000000000000002", gas_id="G0000000000000002")
    values = {
        "tariff": 1, "power_import_w": 290, "power_export_w": 0, "power_limit_w": 999_000, "breaker_state": 1, "gas_valve_state": 1,
        "energy_import_t1_wh": 123456, "energy_import_t2_wh": 234567, "energy_export_t1_wh": 0, "energy_export_t2_wh": 0,
        "gas_time": 1736931600, "gas_l": 345678,  # 2025-01-15T09:00:00Z
    }
    assert p1_nl.dsmr22(values, who) == vector("p1_nl_dsmr30")


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
    assert p1_be.emucs171(values, who) == vector("p1_be_emucs171")


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
    assert sml.file([*identity_entries(b"SIM", SIM_ID), *entries], SIM_ID, seconds, style=style).hex() == vector(name).hex()


def test_dzg_is_the_vector_byte_for_byte():
    server_id = bytes.fromhex("0a01445a470002887fa0")
    rows = [*identity_entries(b"DZG", server_id)[1:], *dzg_entries(DZG)]
    assert sml.file(rows, server_id, 86405).hex() == vector("sml_dzg_unsigned_bug").hex()
