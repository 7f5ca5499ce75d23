"""Simulated P1 meters beyond the Netherlands and Belgium: a home's state in, values of the telegram out; one row per meter. All ids are invented.

`luxembourg` offers the plain text of a Smarty meter to the meter that encrypts it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from host_tools.meters import p1_world, text
from host_tools.meters.house import MWS_PER_WH, House, german_tariff
from host_tools.meters.kinds import Kind, watts
from host_tools.meters.line import P1_FAST, Line
from host_tools.meters.localtime import local, month_start
from host_tools.meters.p1_meters import only, read_home

EIGHT_EVEN = Line(115200, parity=0, inverted=True)
SEVEN_EVEN = Line(115200, bits=7, parity=0, inverted=True)
_LONGEST_TEXT = ("Meldung des Netzbetreibers: dies ist eine Simulation. " * 10).encode().hex().upper()[:1024]


def _extras(house: House, unix: int) -> dict:
    """What Dutch meters do not show. Reactive power is invented: three tenths of what is taken, one tenth of what is given."""
    taken, given = sum(house.imported.values()), sum(house.exported.values())
    power = watts(house.net_mw)
    amperes = [house.current_ma(n) // 10 * 10 for n in range(house.phases)]
    month = local(unix)
    values = {
        "energy_import_wh": taken // MWS_PER_WH, "energy_export_wh": given // MWS_PER_WH, "_energy_both_wh": (taken + given) // MWS_PER_WH,
        "reactive_energy_import_varh": taken * 3 // (10 * MWS_PER_WH), "reactive_energy_export_varh": given // (10 * MWS_PER_WH),
        "reactive_power_import_var": max(0, power) * 3 // 10, "reactive_power_export_var": max(0, -power) // 10,
        "_quadrant_1_varh": taken * 3 // (10 * MWS_PER_WH), "_quadrant_2_varh": 0, "_quadrant_3_varh": 0, "_quadrant_4_varh": given // (10 * MWS_PER_WH),
        "_quadrant_1_var": max(0, power) * 3 // 10, "_quadrant_4_var": max(0, -power) // 10,
        "_apparent_import_va": max(0, power) * 21 // 20, "_apparent_export_va": max(0, -power) * 21 // 20,
        "frequency_mhz": house.frequency_mhz // 10 * 10, "power_factor_permille": 950,
        "_current_sum": sum(amperes), "_current_neutral": max(amperes) - min(amperes), "_voltage_mean": house.voltage_mv(0) // 100 * 100,
        "_month_time": month_start(month), "_month_import_wh": 1_000_000 + (month.year % 10 * 12 + month.month) * 5_000,
        "_month_peak_w": 3_000 + month.month * 117,
    }
    for n, milliwatts in enumerate(house.phase_mw[:house.phases], 1):
        own = watts(milliwatts)
        values |= {f"_reactive_import_l{n}": max(0, own) * 3 // 10, f"_reactive_export_l{n}": max(0, -own) // 10,
                   f"_mean_voltage_l{n}": 230_500 + n * 100, f"_factor_l{n}": 940 + n}
    return values


def read_world(house: House, unix: int, *, table: str, ampere_step_ma: int = 10, power_step_w: int = 1, texts: dict | None = None) -> dict:
    """The values of a table of p1_world; `texts` are the ids and words that it prints."""
    everything = read_home(house, unix, span=300, ampere_step_ma=ampere_step_ma, power_step_w=power_step_w, limit_w=17_200)
    everything |= _extras(house, unix) | (texts or {})
    shown = text.names(table)
    if "gas" in shown:
        shown |= {"gas_time", "gas_l"}
    if "_month_end" in shown:
        shown |= {"_month_time", "_month_import_wh", "_month_peak_w"}
    return {name: value for name, value in everything.items() if name in shown}


def _kind(name: str, description: str, header: str, table: str, texts: dict, *, line: Line = P1_FAST, cadence_s: int = 10, ampere_step_ma: int = 10,
          checksum: bool = True, tariff: Callable[[int], int] = german_tariff, phases: int = 3, **house: object) -> Kind:
    read = partial(read_world, table=table, ampere_step_ma=ampere_step_ma, texts=texts)
    write = partial(p1_world.telegram, header=header, table=table, checksum=checksum)
    ids = {"identification": header} | {key: value for key, value in texts.items() if not key.startswith("_")}
    return Kind(name, description, "p1", line, cadence_s, read, write, {"tariff": tariff, "phases": phases, **house}, ids)


P1_WORLD_METERS = (
    _kind("p1-se", "Swedish, H1 v2: winter time all year, reactive power, every 10 s", "LGF5E360-SIM", p1_world.SWEDEN, {}, ampere_step_ma=100),
    _kind("p1-lt", "Lithuanian, ESO: eastern European time, totals and tariffs, means, every 10 s", "XXX5SIM-LT", p1_world.LITHUANIA,
          {"version": "50", "meter_id": "LT00000000000101", "_logical_name": "SIM0000000000101"}),
    _kind("p1-hu", "Hungarian, E.ON: four quadrants, month-end values without counts, a text of a thousand characters, every 10 s",
          "XXX5SIM-HU", p1_world.HUNGARY,
          {"meter_id": "99000000101", "_logical_name": "SIM0000000000201", "_relay": "ON", "_message": _LONGEST_TEXT}, ampere_step_ma=1000),
    _kind("p1-dk", "Danish, NES: even parity, totals, every 10 s", "NES5SIM-DK", p1_world.DENMARK,
          {"version": "50", "meter_id": "DK00000000000101"}, line=EIGHT_EVEN, ampere_step_ma=100),
    _kind("p1-si", "Slovenian, AM550: seven bits with even parity, no checksum, every 10 s", "ISK5\\2SIM-SI", p1_world.SLOVENIA,
          {"meter_id": "SI00000000000101"}, line=SEVEN_EVEN, checksum=False),
    _kind("p1-ie", "Irish, AM550: western European time, one phase, totals, every 10 s", "ISK5\\2SIM-IE", p1_world.IRELAND,
          {"version": "50", "meter_id": "IE00000000000101", "_logical_name": "SIM0000000000301"}, phases=1, solar_w=2600),
)

_SMARTY = {
    "version": "42", "meter_id": "SIM0000000000401", "gas_id": "SIM0000000000402", "_message": "", "_water_type": 7,
    "_never": ("632525252525S", "00000.000"), "_fuses": ("100*A", "-063*A"), "_apparent_limit_va": 69_000, "_relay_1": 0, "_relay_2": 0,
}
LUXEMBOURG_IDS = {"identification": "Lux5\\SIM", "meter_id": _SMARTY["meter_id"], "version": "42", "gas_id": _SMARTY["gas_id"]}


def read_luxembourg(house: House, unix: int) -> dict:
    """The values of a Smarty meter."""
    return only(read_world(house, unix, table=p1_world.LUXEMBOURG, ampere_step_ma=1000, texts=_SMARTY), ("power_limit",))


def luxembourg(values: dict) -> bytes:
    """The text that a Smarty meter encrypts, with its own checksum."""
    return p1_world.telegram(values, LUXEMBOURG_IDS["identification"], p1_world.LUXEMBOURG)
