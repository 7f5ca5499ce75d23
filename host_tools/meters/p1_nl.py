"""Dutch telegrams, DSMR 2.2, 4.2 and 5.0: a dictionary of values in canonical units in; the telegram (bytes) out.

Keys are the project's quantity names with what a telegram has besides: `time` (unix seconds) and `failures` [(unix end, seconds)].
Times are unix seconds; a value must fit the digits that the standard gives it.
"""

from __future__ import annotations

from host_tools.meters.localtime import local, stamp
from host_tools.meters.p1 import Identity, energy, failures, fixed, hexed, obj, per_phase, power, telegram, volume

TARIFF_REGISTERS = (
    ("1-0:1.8.1", "energy_import_t1_wh"), ("1-0:1.8.2", "energy_import_t2_wh"),
    ("1-0:2.8.1", "energy_export_t1_wh"), ("1-0:2.8.2", "energy_export_t2_wh"),
)


def _count(code: str, value: int) -> str:
    return obj(code, f"{value:05d}")


def volts(code: str, millivolts: int) -> str:
    return obj(code, fixed(millivolts, 4, 1) + "*V")


def _whole_amperes(code: str, milliamperes: int) -> str:
    return obj(code, fixed(milliamperes, 3, 0) + "*A")


def _opening(v: dict, who: Identity) -> list[str]:
    """What DSMR 4 and 5 begin with: version to grid events."""
    return [
        obj("1-3:0.2.8", who.version), obj("0-0:1.0.0", stamp(v["time"])), obj("0-0:96.1.1", hexed(who.meter_id)),
        *(energy(code, v[name]) for code, name in TARIFF_REGISTERS),
        obj("0-0:96.14.0", f"{v['tariff']:04d}"),
        power("1-0:1.7.0", v["power_import_w"]), power("1-0:2.7.0", v["power_export_w"]),
    ]


def _events(v: dict, who: Identity) -> list[str]:
    return [
        _count("0-0:96.7.21", v["power_failures"]), _count("0-0:96.7.9", v["long_power_failures"]), failures(v["failures"]),
        *per_phase(who, "32.32.0", v, "voltage_sags_l{}", _count), *per_phase(who, "32.36.0", v, "voltage_swells_l{}", _count),
    ]


def phase_powers(v: dict, who: Identity) -> list[str]:
    return [
        *per_phase(who, "21.7.0", v, "power_import_l{}_w", power),
        *per_phase(who, "22.7.0", v, "power_export_l{}_w", power),
    ]


def _gas(v: dict, who: Identity) -> list[str]:
    channel = who.channels[0][0]
    return [
        obj(f"0-{channel}:24.1.0", "003"), obj(f"0-{channel}:96.1.0", hexed(who.gas_id)),
        obj(f"0-{channel}:24.2.1", stamp(v["gas_time"]), volume(v["gas_l"]) + "*m3"),
    ]


def dsmr50(v: dict, who: Identity) -> bytes:
    """One per second, with voltages."""
    return telegram(who.header, [
        *_opening(v, who), *_events(v, who), obj("0-0:96.13.0", hexed(v.get("message", ""))),
        *per_phase(who, "32.7.0", v, "voltage_l{}_mv", volts), *per_phase(who, "31.7.0", v, "current_l{}_ma", _whole_amperes),
        *phase_powers(v, who), *_gas(v, who),
    ])


def dsmr42(v: dict, who: Identity) -> bytes:
    """One in ten seconds, without voltages, with limiter, breaker and valve."""
    return telegram(who.header, [
        *_opening(v, who), obj("0-0:17.0.0", fixed(v["power_limit_w"], 4, 1) + "*kW"), obj("0-0:96.3.10", str(v["breaker_state"])),
        *_events(v, who), obj("0-0:96.13.1", ""), obj("0-0:96.13.0", hexed(v.get("message", ""))),
        *per_phase(who, "31.7.0", v, "current_l{}_ma", _whole_amperes), *phase_powers(v, who), *_gas(v, who),
        obj(f"0-{who.channels[0][0]}:24.4.0", str(v["gas_valve_state"])),
    ])


def dsmr22(v: dict, who: Identity) -> bytes:
    """One in ten seconds, no time, no CRC, power in steps of 10 W, the gas value on a line of its own under a local time without letter."""
    return telegram(who.header, [
        obj("0-0:96.1.1", hexed(who.meter_id)), *(energy(code, v[name], 8) for code, name in TARIFF_REGISTERS),
        obj("0-0:96.14.0", f"{v['tariff']:04d}"),
        power("1-0:1.7.0", v["power_import_w"], 6, 2), power("1-0:2.7.0", v["power_export_w"], 6, 2),
        obj("0-0:17.0.0", fixed(v["power_limit_w"], 6, 2) + "*kW"), obj("0-0:96.3.10", str(v["breaker_state"])),
        obj("0-0:96.13.1", ""), obj("0-0:96.13.0", hexed(v.get("message", ""))),
        obj("0-1:24.1.0", "3"), obj("0-1:96.1.0", hexed(who.gas_id)),
        obj("0-1:24.3.0", local(v["gas_time"]).strftime("%y%m%d%H%M%S"), "00", "60", "1", "0-1:24.2.1", "m3"),
        f"({volume(v['gas_l'])})", obj("0-1:24.4.0", str(v["gas_valve_state"])),
    ], checksum=False)
