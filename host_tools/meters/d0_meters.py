"""The simulated D0 meters: a home's state in, values at the resolution of the text out; one table and one row per meter. All ids are invented.

Values are in the unit of their name, exact (Decimal where it is not whole); keys that begin with _ are the meter's own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from host_tools.meters import d0, text
from host_tools.meters.house import MWS_PER_WH, House, german_tariff
from host_tools.meters.kinds import Kind, Meter
from host_tools.meters.line import Line
from host_tools.meters.request import Requested

PUSH = Line(9600, bits=7, parity=0)
ASKED = Line(300, bits=7, parity=0)
_RUNNING_SINCE = 1_600_000_000  # unix seconds at which the meters' own clocks were 0
_HISTORY = {96: 900, 97: 130, 98: 31, 99: 3, 100: 2}  # the counter divided by so much: 1, 7, 30, 365 days, since reset

EBZ = """
1-0:0.0.0*255 meter_id text
1-0:96.1.0*255 meter_id text
1-0:1.8.0*255 energy_import_wh 14.8 kWh
1-0:2.8.0*255 energy_export_wh 14.8 kWh
1-0:16.7.0*255 power_w -8.2 W
1-0:36.7.0*255/3 power_l{}_w -8.2 W
1-0:32.7.0*255/3 voltage_l{}_mv 4.1 V
1-0:96.5.0*255 _status X8
0-0:96.8.0*255 _seconds X8
"""
EASYMETER = """
1-0:0.0.0*255 meter_id text
1-0:1.8.0*255 energy_import_wh 15.7 kWh
1-0:2.8.0*255 energy_export_wh 15.7 kWh
1-0:21.7.255*255/3 power_l{}_w -8.2 W
1-0:1.7.255*255 power_w -8.2 W
1-0:96.5.5*255 _old_status X2
0-0:96.1.255*255 _plate text
"""
HAGER = """
1-0:0.0.0*255 meter_id text
1-0:1.8.0*255 energy_import_wh 10.4 Wh*
1-0:2.8.0*255 energy_export_wh 10.4 Wh*
1-0:96.5.5*255 _old_status X2
0-0:96.1.255*255 _plate text
1-0:32.7.0*255/3 voltage_l{}_mv 5.2 V
1-0:31.7.0*255/3 current_l{}_ma 5.2 A
1-0:21.7.0*255/3 power_l{}_w +5.0 W
1-0:96.50.0*0 _tariff_code X2
1-0:96.50.0*1 _limit X4
"""
LOGAREX = """
1-0:96.1.0*255 meter_id text
1-0:1.8.0*255 energy_import_wh 10.4 kWh
1-0:1.8.0*96 _history_96 6.1 kWh
1-0:1.8.0*97 _history_97 6.1 kWh
1-0:1.8.0*98 _history_98 6.1 kWh
1-0:1.8.0*99 _history_99 6.1 kWh
1-0:1.8.0*100 _history_100 6.1 kWh
1-0:2.8.0*255 energy_export_wh 10.4 kWh
1-0:16.7.0*255 power_w -6.0 W
"""
ISKRA = """
1-0:0.0.0*255 meter_id text
1-0:1.8.0*255 energy_import_wh 10.4 kWh
1-0:1.8.1*255 energy_import_t1_wh 10.4 kWh
1-0:1.8.2*255 energy_import_t2_wh 10.4 kWh
1-0:2.8.0*255 energy_export_wh 10.4 kWh
1-0:16.7.0*255 power_w -6.0 W
"""
LANDIS = """
F.F _errors X8
0.0.0 meter_id text
C.1.0 _plate text
0.9.1 _time clock
0.9.2 _time day
1.8.0 energy_import_wh 9.3 kWh
1.8.1 energy_import_t1_wh 9.3 kWh
1.8.2 energy_import_t2_wh 9.3 kWh
2.8.0 energy_export_wh 9.3 kWh
1.7.0 power_import_w 5.3 kW
2.7.0 power_export_w 5.3 kW
32.7.0/3 voltage_l{}_mv 3.0 V
31.7.0/3 current_l{}_ma 5.2 A
C.7.0 _failures X4
"""
SIEMENS = """
0.0.0 meter_id text
1.8.0 energy_import_wh 0.3 kWh
1.8.1 energy_import_t1_wh 0.3 kWh
1.8.2 energy_import_t2_wh 0.3 kWh
2.8.0 energy_export_wh 0.3 kWh
2.8.1 energy_export_t1_wh 0.3 kWh
2.8.2 energy_export_t2_wh 0.3 kWh
3.8.1 reactive_energy_import_varh 0.3 kvarh
4.8.1 reactive_energy_export_varh 0.3 kvarh
0.9.1 _time clock
0.9.2 _time day
1.7.0 power_import_w 0.3 kW
2.7.0 power_export_w 0.3 kW
3.7.0 reactive_power_import_var 0.3 kvar
4.7.0 reactive_power_export_var 0.3 kvar
14.7 frequency_mhz 0.2 Hz
32.7/3 voltage_l{}_mv 0.1 V
31.7/3 current_l{}_ma 0.2 A
81.7.4 angle_i1_u1_deg -0.1 Deg
81.7.15 angle_i2_u2_deg -0.1 Deg
81.7.26 angle_i3_u3_deg -0.1 Deg
"""


def _exact(total: int, per_unit: int, decimals: int) -> int | Decimal:
    """total / per_unit, cut to so many decimals towards zero."""
    scale = 10 ** decimals
    kept = abs(total) * scale // per_unit * (1 if total >= 0 else -1)
    return Decimal(kept).scaleb(-decimals) if decimals else kept


def read_fine(house: House, unix: int, *, energy_decimals: int, power_decimals: int = 0, volt_step_mv: int = 100, frequency_step_mhz: int = 10) -> dict:
    """All that a D0 or an SML meter may show; energies with so many decimals of a Wh, powers of a W."""
    taken, given = sum(house.imported.values()), sum(house.exported.values())
    totals = {
        "energy_import_wh": taken, "energy_import_t1_wh": house.imported[1], "energy_import_t2_wh": house.imported[2],
        "energy_export_wh": given, "energy_export_t1_wh": house.exported[1], "energy_export_t2_wh": house.exported[2],
        "reactive_energy_import_varh": taken * 3 // 10, "reactive_energy_export_varh": given // 10,
    }
    values = {name: _exact(total, MWS_PER_WH, energy_decimals) for name, total in totals.items()}
    net = _exact(house.net_mw, 1000, power_decimals)
    power = int(net)
    values |= {
        "power_w": net, "power_import_w": max(0, power), "power_export_w": max(0, -power),
        "reactive_power_import_var": max(0, power) * 3 // 10, "reactive_power_export_var": max(0, -power) // 10,
        "frequency_mhz": house.frequency_mhz // frequency_step_mhz * frequency_step_mhz, "angle_u2_u1_deg": 120, "angle_u3_u1_deg": 240,
    }
    for n, own in enumerate(house.phase_mw, 1):
        values |= {
            f"power_l{n}_w": _exact(own, 1000, power_decimals), f"voltage_l{n}_mv": house.voltage_mv(n - 1) // volt_step_mv * volt_step_mv,
            f"current_l{n}_ma": house.current_ma(n - 1) // 10 * 10, f"angle_i{n}_u{n}_deg": 18 if own >= 0 else -162,
        }
    away, seconds = house.net_mw < 0, unix - _RUNNING_SINCE
    phases = sum(0x1000 << n for n, own in enumerate(house.phase_mw) if own < 0)
    return values | {
        "_time": unix, "_seconds": seconds, "_old_status": 0xA2 if away else 0x82, "_tariff_code": 0x45, "_limit": 0x07D0, "_errors": 0, "_failures": 7,
        "_status": 0x1C0004 | (0x100 if abs(house.net_mw) > 20_000 else 0) | (0x800 if away else 0) | phases,
        **{f"_history_{code}": int(values["energy_import_wh"]) // share // 100 * 100 for code, share in _HISTORY.items()},
    }


def _read(house: House, unix: int, *, table: str, ids: dict, **resolution: int) -> dict:
    shown = text.names(table)
    return {name: value for name, value in (read_fine(house, unix, **resolution) | ids).items() if name in shown}


def write_push(values: dict, identification: str, table: str) -> bytes:
    """The telegram that a pushing meter sends."""
    return d0.push(identification, text.lines(table, values))


def write_block(values: dict, table: str) -> bytes:
    """The data block that a meter sends when it was asked."""
    return d0.block(text.lines(table, values))


def _kind(name: str, description: str, header: str, table: str, ids: dict, *, line: Line = PUSH, cadence_s: int = 1, energy: int = 0, power: int = 0,
          volt_step_mv: int = 100, phases: int = 3, **house: object) -> Kind:
    read = partial(_read, table=table, ids=ids, energy_decimals=energy, power_decimals=power, volt_step_mv=volt_step_mv)
    write: Callable[[dict], bytes] = partial(write_push, identification=header, table=table)
    meter: Callable[[Kind, int], Meter] | None = None
    if line == ASKED:
        write, meter = partial(write_block, table=table), partial(Requested, identification=header)
    said = {key: value for key, value in ids.items() if not key.startswith("_")} | {"identification": header}
    return Kind(name, description, "d0", line, cadence_s, read, write, {"tariff": german_tariff, "phases": phases, **house}, said, meter=meter)


D0_METERS = (
    _kind("d0-ebz", "eBZ DD3 OD: pushes every second, eight decimals, powers and voltages of the phases", "EBZ5DD3SIM", EBZ,
          {"meter_id": "1EBZ0100000101"}, energy=5, power=2),
    _kind("d0-easymeter", "EasyMeter Q3D: pushes every 2 s, seven decimals, codes that end in 255", "ESY5Q3DA1024 SIM", EASYMETER,
          {"meter_id": "110000101", "_plate": "1ESY1100000101"}, cadence_s=2, energy=4, power=2),
    _kind("d0-hager", "Hager eHZ: pushes every 2 s, energies without unit, no total power", "HAG5eHZ010C_SIM", HAGER,
          {"meter_id": "1095100000000101", "_plate": "0000000101"}, cadence_s=2, energy=1, volt_step_mv=10),
    _kind("d0-logarex", "Logarex LK13BE803039: pushes every second, consumption of past days beside the total", "LOG5LK13BESIM", LOGAREX,
          {"meter_id": "001LOG0000000101"}, energy=1),
    _kind("d0-iskra", "Iskra MT174: answers when asked at 300 baud, sends at 9600", "ISk5MT174-SIM", ISKRA,
          {"meter_id": "00000101"}, line=ASKED, cadence_s=15, energy=1),
    _kind("d0-landis", "Landis+Gyr ZMF: answers when asked at 300 baud, sends at 4800; short codes", "LGZ4ZMF100-SIM", LANDIS,
          {"meter_id": "00000201", "_plate": "00000201"}, line=ASKED, cadence_s=15, volt_step_mv=1000),
    _kind("d0-siemens", "Siemens TD-3511: answers when asked at 300 baud, sends at 19200; short codes, angles, no zeros in front", "SIE6TD3511-SIM",
          SIEMENS, {"meter_id": "110000301"}, line=ASKED, cadence_s=15),
)
