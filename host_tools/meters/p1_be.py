"""Belgian telegrams, eMUCs-P1 1.7.1: a dictionary of values in canonical units in; the telegram (bytes) out.

Keys as for the Dutch ones, and `month_history`: [(unix end of the month, unix end of the peak's quarter hour or None, W)], oldest first.
"""

from __future__ import annotations

from host_tools.meters.localtime import stamp
from host_tools.meters.p1 import Identity, energy, fixed, hexed, obj, per_phase, power, telegram, volume
from host_tools.meters.p1_nl import TARIFF_REGISTERS, phase_powers, volts

NEVER = "632525252525W"  # printed for a month without a peak


def _amperes(code: str, milliamperes: int) -> str:
    return obj(code, fixed(milliamperes, 5, 2) + "*A")


def _kilowatts(watts: int) -> str:
    return fixed(watts, 5, 3) + "*kW"


def _history(v: dict, who: Identity) -> str:
    months = v["month_history"]
    groups = []
    for end, peak, watts in reversed(months) if who.peaks_newest_first else months:
        groups += [stamp(end), NEVER if peak is None else stamp(peak), _kilowatts(watts)]
    return obj("0-0:98.1.0", str(len(months)), "1-0:1.6.0", "1-0:1.6.0", *groups)


def _channels(v: dict, who: Identity) -> list[str]:
    """Gas (not converted for temperature) and water, in the order in which the technician paired them."""
    lines = []
    for channel, kind in who.channels:
        at = f"0-{channel}:"
        if kind == "gas":
            lines += [
                obj(at + "24.1.0", "003"), obj(at + "96.1.1", hexed(who.gas_id)), obj(at + "24.4.0", str(v["gas_valve_state"])),
                obj(at + "24.2.3", stamp(v["gas_time"]), volume(v["gas_l"]) + "*m3"),
            ]
        else:
            lines += [
                obj(at + "24.1.0", "007"), obj(at + "96.1.1", hexed(who.water_id)),
                obj(at + "24.2.1", stamp(v["water_time"]), volume(v["water_l"]) + "*m3"),
            ]
    return lines


def emucs171(v: dict, who: Identity) -> bytes:
    """One per second, with quarter-hour demand and month peaks; tariff 1 is the day."""
    return telegram(who.header, [
        obj("0-0:96.1.4", who.version), obj("0-0:96.1.1", hexed(who.meter_id)), obj("0-0:1.0.0", stamp(v["time"])),
        *(energy(code, v[name]) for code, name in TARIFF_REGISTERS),
        obj("0-0:96.14.0", f"{v['tariff']:04d}"),
        obj("1-0:1.4.0", _kilowatts(v["power_demand_w"])),
        obj("1-0:1.6.0", stamp(v["power_peak_month_time"]), _kilowatts(v["power_peak_month_w"])),
        _history(v, who),
        power("1-0:1.7.0", v["power_import_w"]), power("1-0:2.7.0", v["power_export_w"]),
        *phase_powers(v, who),
        *per_phase(who, "32.7.0", v, "voltage_l{}_mv", volts), *per_phase(who, "31.7.0", v, "current_l{}_ma", _amperes),
        obj("0-0:96.3.10", str(v["breaker_state"])), obj("0-0:17.0.0", fixed(v["power_limit_w"], 4, 1) + "*kW"),
        obj("1-0:31.4.0", fixed(v["fuse_limit_ma"], 3, 0) + "*A"), obj("0-0:96.13.0", hexed(v.get("message", ""))),
        *_channels(v, who),
    ])
