"""The simulated SML meters: a home's state in, values at the resolution of the file out; one row per meter. All ids are invented.

Values are in the unit of their name, exact (Decimal where it is not whole); keys that begin with _ are the file's own (clock, status).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from host_tools.meters.house import MWS_PER_WH, House, german_tariff
from host_tools.meters.kinds import Kind, watts
from host_tools.meters.line import INFRARED
from host_tools.meters.sml import (
    AMPERE, DEGREE, HERTZ, KERMIT, NOTHING, VOLT, WATT, WATT_HOUR, Entry, Style, file, octets, signed, unsigned,
)

_RUNNING_SINCE = 1_600_000_000  # unix seconds at which the meters' own clocks were 0
_STATUS_IDLE = 0x1C0004  # voltage on L1..L3
_PHASES = (("20", "1f", "24"), ("34", "33", "38"), ("48", "47", "4c"))  # octet C of voltage, current, power of L1..L3
_ANGLES = {"01": "angle_u2_u1_deg", "02": "angle_u3_u1_deg", "04": "angle_i1_u1_deg", "0f": "angle_i2_u2_deg", "1a": "angle_i3_u3_deg"}


def _tenths(milliwatt_seconds: int) -> Decimal:
    return Decimal(milliwatt_seconds * 10 // MWS_PER_WH) / 10


def _status(house: House) -> int:
    """Bit 8: current flows, 11: export, 12..14: export on L1..L3."""
    word = _STATUS_IDLE | (0x100 if abs(house.net_mw) > 20_000 else 0) | (0x800 if house.net_mw < 0 else 0)
    return word | sum(0x1000 << n for n, power in enumerate(house.phase_mw) if power < 0)


def _read(house: House, unix: int, names: tuple[str, ...], whole_kwh: bool = False) -> dict:
    """The registers in `names`, and the file's clock and status."""
    made, taken = sum(house.exported.values()), sum(house.imported.values())
    everything = {
        "energy_import_wh": taken, "energy_export_wh": made,
        "energy_import_t1_wh": house.imported[1], "energy_import_t2_wh": house.imported[2],
    }
    values = {name: _tenths(total) for name, total in everything.items()}
    if whole_kwh:
        values = {name: int(value) // 1000 * 1000 for name, value in values.items()}
    values |= {"power_w": watts(house.net_mw), "frequency_mhz": house.frequency_mhz // 100 * 100,
               "angle_u2_u1_deg": 120, "angle_u3_u1_deg": 240}
    for n, power in enumerate(house.phase_mw, 1):
        values |= {
            f"power_l{n}_w": watts(power), f"voltage_l{n}_mv": house.voltage_mv(n - 1) // 100 * 100,
            f"current_l{n}_ma": house.current_ma(n - 1) // 10 * 10, f"angle_i{n}_u{n}_deg": 18 if power >= 0 else 198,
        }
    clock = unix - _RUNNING_SINCE
    return {name: values[name] for name in names} | {"_seconds": clock, "_transaction": 3 * clock % (1 << 32), "_status": _status(house)}


def _read_dzg(house: House, unix: int) -> dict:
    """Power in hundredths of a watt."""
    values = _read(house, unix, ("energy_import_wh", "energy_export_wh"))
    return values | {"power_w": Decimal(house.net_mw // 10) / 100}


def identity_entries(maker: bytes, server_id: bytes) -> list[Entry]:
    return [Entry("010060320101", octets(maker)), Entry("0100600100ff", octets(server_id))]


def fnn_entries(values: dict) -> list[Entry]:
    """Energies in 0.1 Wh, import with the status word, then net power in watts: what most German meters send after their PIN."""
    entries = []
    if "energy_import_wh" in values:
        taken = unsigned(int(values["energy_import_wh"] * 10), 4)
        entries.append(Entry("0100010800ff", taken, WATT_HOUR, -1, unsigned(values["_status"], 4)))
    if "energy_export_wh" in values:
        entries.append(Entry("0100020800ff", unsigned(int(values["energy_export_wh"] * 10)), WATT_HOUR, -1))
    if "power_w" in values:
        entries.append(Entry("0100100700ff", signed(values["power_w"]), WATT, 0))
    return entries


def reduced_entries(values: dict) -> list[Entry]:
    """Whole kWh, no power: what a meter sends without its PIN."""
    return [
        Entry("0100010800ff", unsigned(values["energy_import_wh"] // 1000), WATT_HOUR, 3, unsigned(values["_status"], 4)),
        Entry("0100020800ff", unsigned(values["energy_export_wh"] // 1000), WATT_HOUR, 3),
    ]


def dzg_entries(values: dict) -> list[Entry]:
    """Status in three bytes; a positive power in one to three bytes has no room for a sign, though its type says that it is signed."""
    entries = [Entry("0100010800ff", unsigned(int(values["energy_import_wh"] * 10), 4), WATT_HOUR, -1, unsigned(values["_status"], 3))]
    if "energy_export_wh" in values:
        entries.append(Entry("0100020800ff", unsigned(int(values["energy_export_wh"] * 10), 4), WATT_HOUR, -1))
    hundredths = int(values["power_w"] * 100)
    if hundredths < 0:
        power = signed(hundredths, 4)
    else:
        plain = unsigned(hundredths)
        power = bytes([plain[0] & 0x0F | 0x50]) + plain[1:]
    return [*entries, Entry("0100100700ff", power, WATT, -2)]


def tariff_entries(values: dict) -> list[Entry]:
    """Two tariffs and no total, each with a bare time; net power, voltages, currents, angles, frequency."""
    clock = unsigned(values["_seconds"], 4)
    entries = [
        Entry(f"01000108{n:02x}ff", unsigned(int(values[f"energy_import_t{n}_wh"] * 10), 5), WATT_HOUR, -1,
              unsigned(values["_status"], 4) if n == 1 else NOTHING, clock)
        for n in (1, 2)
    ]
    entries.append(Entry("0100100700ff", signed(values["power_w"], 4), WATT, 0))
    for n, (volts, amperes, _) in enumerate(_PHASES, 1):
        entries.append(Entry(f"0100{volts}0700ff", unsigned(values[f"voltage_l{n}_mv"] // 100, 2), VOLT, -1))
        entries.append(Entry(f"0100{amperes}0700ff", unsigned(values[f"current_l{n}_ma"] // 10, 2), AMPERE, -2))
    entries += [Entry(f"01005107{which}ff", signed(values[name], 2), DEGREE, 0) for which, name in _ANGLES.items()]
    return [*entries, Entry("01000e0700ff", signed(values["frequency_mhz"] // 100, 2), HERTZ, -1)]


def _write(values: dict, server_id: bytes, maker: bytes, entries: Callable[[dict], list[Entry]], style: Style) -> bytes:
    rows = [*identity_entries(maker, server_id), *entries(values)]
    return file(rows, server_id, values["_seconds"], values["_transaction"], style)


def _kind(name: str, description: str, serial: int, entries: Callable[[dict], list[Entry]], read: Callable[[House, int], dict], *,
          maker: bytes = b"SIM", style: Style = Style(), **house: object) -> Kind:
    server_id = b"\x0a\x01" + maker + b"\x00" + serial.to_bytes(4, "big")
    write = partial(_write, server_id=server_id, maker=maker, entries=entries, style=style)
    return Kind(name, description, "sml", INFRARED, 1, read, write, {"tariff": german_tariff, **house}, {"meter_id": f"1{maker.decode()}00{serial:08d}"})


_TWO_WAY = ("energy_import_wh", "energy_export_wh", "power_w")
_MEASURED = ("energy_import_t1_wh", "energy_import_t2_wh", "power_w", "frequency_mhz", *_ANGLES.values(),
             *(f"{kind}_l{n}_{unit}" for n in (1, 2, 3) for kind, unit in (("voltage", "mv"), ("current", "ma"))))

SML_METERS = (
    _kind("sml", "German two-way meter after its PIN: 0.1 Wh, net power, status, every second", 11, fnn_entries,
          partial(_read, names=_TWO_WAY)),
    _kind("sml-reduced", "German two-way meter without PIN: whole kWh, no power", 12, reduced_entries,
          partial(_read, names=_TWO_WAY[:2], whole_kwh=True)),
    _kind("sml-oneway", "German one-way meter after its PIN: import only, no solar in the home", 13, fnn_entries,
          partial(_read, names=("energy_import_wh", "power_w")), solar_w=0, battery=False),
    _kind("sml-kermit", "old Holley: a check sum of its own kind, high byte first", 14, fnn_entries, partial(_read, names=_TWO_WAY),
          maker=b"HLY", style=Style(KERMIT)),
    _kind("sml-tariff", "two tariffs without a total, voltages, currents, angles, frequency", 15, tariff_entries,
          partial(_read, names=_MEASURED), maker=b"HLY", style=Style(tag_width=4, list_name=b"", version=False), battery=False, solar_w=0),
    # A home that often takes 330 to 650 W: there the fault shows.
    _kind("sml-dzg", "DZG: positive power marked as signed without room for the sign", 42_500_011, dzg_entries, _read_dzg, maker=b"DZG",
          battery=False, standby_w=270),
)
