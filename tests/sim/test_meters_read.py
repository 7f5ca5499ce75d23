"""Every simulated meter through the firmware's own code on MicroPython: the readings are what the meter's home says, nothing is left out."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from host_tools.meters import LOCKED, METERS
from host_tools.meters.kinds import Meter

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_750_500_000  # 2025-06-21 10:00 UTC
TELEGRAMS = 40
# Not part of a reading, or "there is no limit" in the telegram and absent from the reading.
BESIDE = {"identification", "version", "gas_id", "water_id", "month_peaks"}
NO_LIMIT = (999_000, 999_900)
# Clocks an hour from central Europe's: put right only by a dongle that knows the time, which this one does not.
OTHER_ZONE = ("p1-lt", "p1-ie")
# Lists that leave a scale or the zone of their clock open: their bytes and registers are compared elsewhere.
OPEN = {"ch-e360": ("voltage_l1_mv", "voltage_l2_mv", "voltage_l3_mv"), "dk-kamstrup": ("time", "energy_import_wh", "energy_export_wh", "reactive_energy_import_varh", "reactive_energy_export_varh"),
        "no-aidon": ("time",), "no-kamstrup": ("time",), "se-aidon": ("time",)}


def played(name):
    """(bytes of the line, what the meter says in each telegram); of a meter that is spoken to, without the conversation."""
    meter, stream, told = (METERS | LOCKED)[name](1), b"", []
    for number in range(TELEGRAMS):
        stream += Meter.telegram(meter, NOON + number * max(1, meter.cadence_s)) if meter.protocol == "d0" else meter.telegram(NOON + number * meter.cadence_s)
        told.append(meter.truth())
    return meter, stream, told


def readings(meter, stream):
    words = [sys.executable, "-m", "host_tools", "decode", "--json", "--protocol", meter.protocol, "-"]
    for name, option in (("key", "--key"), ("auth_key", "--auth-key")):
        words += [option, meter.keys[name]] if name in meter.keys else []
    done = subprocess.run(words, input=stream, capture_output=True, cwd=ROOT, timeout=60)
    rows = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    return [row["reading"] for row in rows if "summary" not in row and row["reading"]], done.stderr.decode()


@pytest.mark.parametrize("name", [name for name, kind in (METERS | LOCKED).items() if kind.protocol != "amis"])
def test_readings_are_what_the_meter_says(name):
    meter, stream, told = played(name)
    found, errors = readings(meter, stream)
    assert len(found) >= TELEGRAMS - 1 and errors == "", errors
    for said, reading in zip(told[-len(found):], found, strict=True):
        for quantity, value in said.items():
            if quantity in BESIDE or value in NO_LIMIT or (quantity == "time" and name in OTHER_ZONE) or quantity in OPEN.get(name, ()):
                continue
            got = reading.get(quantity)
            if isinstance(value, str):
                assert str(got).upper() == value.upper(), quantity
            else:
                assert got is not None and Decimal(str(got)) == value, (quantity, value, got)
