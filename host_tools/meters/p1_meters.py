"""The simulated P1 meters: a home's state in, values at the resolution of the telegram out; one row per meter. All ids are invented."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from host_tools.meters import p1_be, p1_nl
from host_tools.meters.house import MWS_PER_WH, House, belgian_tariff
from host_tools.meters.kinds import Kind, watts
from host_tools.meters.line import P1_FAST, P1_SLOW, Line
from host_tools.meters.localtime import HOUR
from host_tools.meters.p1 import Identity

_NO_LIMIT_W, _NO_LIMIT_OLD_W, _NO_FUSE_MA = 999_900, 999_000, 999_000


def _rounded(value: int, step: int) -> int:
    return (value + step // 2) // step * step


def read_home(house: House, unix: int, *, span: int, power_step_w: int = 1, ampere_step_ma: int = 1000, limit_w: int = _NO_LIMIT_W) -> dict:
    """What most P1 meters show; `span` seconds lie between two readings of the gas meter."""
    gas_at, gas_ml, _ = house.captured[span]
    net = _rounded(abs(watts(house.net_mw)), power_step_w)
    values = {
        "time": unix, "tariff": house.tariff,
        **{f"energy_import_t{n}_wh": total // MWS_PER_WH for n, total in house.imported.items()},
        **{f"energy_export_t{n}_wh": total // MWS_PER_WH for n, total in house.exported.items()},
        "power_import_w": net if house.net_mw > 0 else 0, "power_export_w": net if house.net_mw < 0 else 0,
        "gas_time": gas_at, "gas_l": gas_ml // 1000,
        "power_failures": house.short_failures, "long_power_failures": house.long_failures, "failures": house.failures,
        "power_limit_w": limit_w, "breaker_state": 1, "gas_valve_state": 1,
    }
    for number in range(1, house.phases + 1):
        power = watts(house.phase_mw[number - 1])
        values |= {
            f"power_import_l{number}_w": max(0, power), f"power_export_l{number}_w": max(0, -power),
            f"voltage_l{number}_mv": _rounded(house.voltage_mv(number - 1), 100),
            f"current_l{number}_ma": _rounded(house.current_ma(number - 1), ampere_step_ma),
            f"voltage_sags_l{number}": 0, f"voltage_swells_l{number}": 0,
        }
    return values


def only(values: dict, without: tuple[str, ...]) -> dict:
    return {name: value for name, value in values.items() if not name.startswith(without)}


_MODERN = ("power_limit", "breaker", "gas_valve")


def _read_dsmr50(house: House, unix: int) -> dict:
    return only(read_home(house, unix, span=300), _MODERN)


def _read_dsmr42(house: House, unix: int) -> dict:
    return only(read_home(house, unix, span=HOUR, limit_w=17_300), ("voltage_l",))


def _read_dsmr22(house: House, unix: int) -> dict:
    everything = read_home(house, unix, span=HOUR, power_step_w=10, limit_w=_NO_LIMIT_OLD_W)
    return only(everything, ("time", "voltage", "current", "power_import_l", "power_export_l", "power_failures", "long_", "failures"))


def _read_belgian(house: House, unix: int) -> dict:
    """Demand, peaks, water; gas and water carry the second at which their meter sent, a little before the five minutes are full."""
    values = only(read_home(house, unix, span=300, ampere_step_ma=10), ("voltage_s", "power_failures", "long_", "failures"))
    at, _, water_ml = house.captured[300]
    peak_at, peak_mw = house.month_peak
    return values | {
        "gas_time": at - 2, "water_time": at - 1, "water_l": water_ml // 1000,
        "power_demand_w": watts(house.demand_mw), "power_peak_month_w": watts(peak_mw), "power_peak_month_time": peak_at,
        "month_history": [(end, peak, watts(mw)) for end, peak, mw in house.month_history], "fuse_limit_ma": _NO_FUSE_MA,
    }


def _ids(who: Identity) -> dict:
    named = {"identification": who.header, "meter_id": who.meter_id, "version": who.version, "gas_id": who.gas_id, "water_id": who.water_id}
    return {key: text for key, text in named.items() if text}


def kind(name: str, description: str, who: Identity, read: Callable[[House, int], dict], write: Callable[[dict, Identity], bytes], *,
         line: Line = P1_FAST, cadence_s: int = 1, **house: object) -> Kind:
    return Kind(name, description, "p1", line, cadence_s, read, partial(write, who=who), {"phases": who.phases, **house}, _ids(who))


_NL3 = Identity("XXX5SIM-NL50", "E0000000000005001", "50", gas_id="G0000000000005001")
_NL1 = Identity("XXX5SIM-NL51", "E0000000000005101", "50", phases=1, gas_id="G0000000000005101")
_NL42 = Identity("XXX5SIM-NL42", "E0000000000004201", "42", gas_id="G0000000000004201", channels=((2, "gas"),))
_NL30 = Identity("XXX5SIM-NL30", "E0000000000003001", phases=1, gas_id="G0000000000003001")
_NL22 = Identity("XXX3SIM-NL22", "E0000000000002201", gas_id="G0000000000002201")
_BE = Identity("FLU5\\SIM000001_A", "1SAG0000000101", "50217", phases=1, gas_id="7FLO0000000101", water_id="8SIM0000000101",
               channels=((1, "water"), (2, "gas")))
_BE3 = Identity("FLU5\\SIM000003_A", "1SAG0000000301", "50217", gas_id="7FLO0000000301", water_id="8SIM0000000301",
                channels=((3, "gas"), (1, "water")), peaks_newest_first=True)

P1_METERS = (
    kind("p1-nl", "Dutch, DSMR 5.0: three phases, solar, gas, every second", _NL3, _read_dsmr50, p1_nl.dsmr50),
    kind("p1-nl1", "Dutch, DSMR 5.0: one phase, gas, every second", _NL1, _read_dsmr50, p1_nl.dsmr50, solar_w=2600),
    kind("p1-nl42", "Dutch, DSMR 4.2: three phases, hourly gas, every 10 s", _NL42, _read_dsmr42, p1_nl.dsmr42, cadence_s=10),
    kind("p1-nl22", "Dutch, DSMR 2.2: 9600 baud, no checksum, gas on two lines, every 10 s", _NL22, _read_dsmr22, p1_nl.dsmr22,
         line=P1_SLOW, cadence_s=10),
    kind("p1-nl30", "Dutch, DSMR 3.0: one phase, 9600 baud, no checksum, gas on two lines, every 10 s", _NL30, _read_dsmr22, p1_nl.dsmr22,
         line=P1_SLOW, cadence_s=10, solar_w=2600),
    kind("p1-be", "Belgian, eMUCs 1.7.1: one phase, month peaks, gas, water", _BE, _read_belgian, p1_be.emucs171, tariff=belgian_tariff),
    kind("p1-be3", "Belgian, eMUCs 1.7.1: three phases, month peaks, gas, water", _BE3, _read_belgian, p1_be.emucs171,
         tariff=belgian_tariff),
)
