"""P1 text of countries beyond the Netherlands and Belgium: a dictionary of values in canonical units in; the telegram (bytes) out.

The layouts are tables (see text.py); `telegram` writes any of them. Clocks: Sweden's always shows winter time, Lithuania's is an hour
ahead of central Europe, Ireland's an hour behind; the letter says summer or winter all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from host_tools.meters import p1, text
from host_tools.meters.localtime import is_summer, local, stamp
from host_tools.meters.p1 import fixed

# Rows that several countries have, in the order in which all of them send these.
_TOTALS = """
1-0:1.8.0 energy_import_wh 9.3 kWh
1-0:2.8.0 energy_export_wh 9.3 kWh
"""
_REACTIVE_TOTALS = """
1-0:3.8.0 reactive_energy_import_varh 9.3 kvarh
1-0:4.8.0 reactive_energy_export_varh 9.3 kvarh
"""
_POWERS = """
1-0:1.7.0 power_import_w 5.3 kW
1-0:2.7.0 power_export_w 5.3 kW
"""
_REACTIVE_POWERS = """
1-0:3.7.0 reactive_power_import_var 5.3 kvar
1-0:4.7.0 reactive_power_export_var 5.3 kvar
"""
_TARIFFS = """
1-0:1.8.1 energy_import_t1_wh 9.3 kWh
1-0:1.8.2 energy_import_t2_wh 9.3 kWh
1-0:2.8.1 energy_export_t1_wh 9.3 kWh
1-0:2.8.2 energy_export_t2_wh 9.3 kWh
"""
_PHASE_POWERS = """
1-0:21.7.0/3 power_import_l{}_w 5.3 kW
1-0:22.7.0/3 power_export_l{}_w 5.3 kW
"""
_GAS = """
0-1:24.1.0 gas_type 3.0
0-1:96.1.0 gas_id hex
0-1:24.2.1 gas gas
"""

# H1 v2 of the Swedish energy companies' trade body: eight digits of kWh, four of kW, and no tariffs.
SWEDEN = """
0-0:1.0.0 time winter
1-0:1.8.0 energy_import_wh 11.3 kWh
1-0:2.8.0 energy_export_wh 11.3 kWh
1-0:3.8.0 reactive_energy_import_varh 11.3 kvarh
1-0:4.8.0 reactive_energy_export_varh 11.3 kvarh
1-0:1.7.0 power_import_w 7.3 kW
1-0:2.7.0 power_export_w 7.3 kW
1-0:3.7.0 reactive_power_import_var 7.3 kvar
1-0:4.7.0 reactive_power_export_var 7.3 kvar
1-0:21.7.0/3 power_import_l{}_w 7.3 kW
1-0:22.7.0/3 power_export_l{}_w 7.3 kW
1-0:23.7.0/3 _reactive_import_l{} 7.3 kvar
1-0:24.7.0/3 _reactive_export_l{} 7.3 kvar
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:31.7.0/3 current_l{}_ma 4.1 A
"""
LITHUANIA = """
1-3:0.2.8 version text
0-0:1.0.0 time eastern
0-0:42.0.0 _logical_name hex
0-0:96.1.1 meter_id hex
1-0:1.8.0 energy_import_wh 9.3 kWh
""" + _TARIFFS + """
1-0:2.8.0 energy_export_wh 9.3 kWh
""" + _REACTIVE_TOTALS + """
0-0:96.14.0 tariff 4.0
""" + _POWERS + _REACTIVE_POWERS + """
1-0:14.7.0 frequency_mhz 4.2 Hz
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:32.24.0/3 _mean_voltage_l{} 4.1 V
1-0:31.7.0/3 current_l{}_ma 5.2 A
1-0:11.7.0 _current_sum 5.2 A
1-0:12.7.0 _voltage_mean 4.1 V
1-0:91.7.0 _current_neutral 5.2 A
""" + _PHASE_POWERS
# E.ON: its 98.1.0 has values of the last month's end and no counts; the text line alone may have a thousand characters.
HUNGARY = """
0-0:1.0.0 time tst
0-0:42.0.0 _logical_name text
0-0:96.1.0 meter_id text
0-0:96.14.0 tariff 4.0
0-0:96.50.68 _relay text
0-0:17.0.0 power_limit_w 5.3 kW
1-0:1.8.0 energy_import_wh 9.3 kWh
1-0:1.8.1 energy_import_t1_wh 9.3 kWh
1-0:1.8.2 energy_import_t2_wh 9.3 kWh
1-0:2.8.0 energy_export_wh 9.3 kWh
1-0:2.8.1 energy_export_t1_wh 9.3 kWh
1-0:2.8.2 energy_export_t2_wh 9.3 kWh
""" + _REACTIVE_TOTALS + """
1-0:5.8.0 _quadrant_1_varh 9.3 kvarh
1-0:6.8.0 _quadrant_2_varh 9.3 kvarh
1-0:7.8.0 _quadrant_3_varh 9.3 kvarh
1-0:8.8.0 _quadrant_4_varh 9.3 kvarh
1-0:15.8.0 _energy_both_wh 9.3 kWh
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:31.7.0/3 current_l{}_ma 3.0 A
1-0:13.7.0 power_factor_permille 4.3 permille
1-0:33.7.0/3 _factor_l{} 4.3 permille
1-0:14.7.0 frequency_mhz 4.2 Hz
""" + _POWERS + """
1-0:5.7.0 _quadrant_1_var 5.3 kvar
1-0:6.7.0 _quadrant_2_varh 5.3 kvar
1-0:7.7.0 _quadrant_3_varh 5.3 kvar
1-0:8.7.0 _quadrant_4_var 5.3 kvar
0-0:98.1.0 _month_end groups
0-0:96.13.0 _message text
"""
DENMARK = """
1-3:0.2.8 version text
0-0:1.0.0 time tst
0-0:96.1.1 meter_id hex
""" + _TOTALS + _POWERS + """
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:31.7.0/3 current_l{}_ma 4.1 A
""" + _PHASE_POWERS
SLOVENIA = """
0-0:1.0.0 time tst
0-0:96.1.1 meter_id hex
""" + _TARIFFS + """
0-0:96.14.0 tariff 4.0
""" + _POWERS + """
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:31.7.0/3 current_l{}_ma 5.2 A
""" + _PHASE_POWERS
IRELAND = """
1-3:0.2.8 version text
0-0:1.0.0 time western
0-0:42.0.0 _logical_name hex
0-0:96.1.1 meter_id hex
""" + _TOTALS + _REACTIVE_TOTALS + _POWERS + """
1-0:32.7.0 voltage_l1_mv 4.1 V
1-0:31.7.0 current_l1_ma 5.2 A
"""
# Inside Luxembourg's encryption: totals without tariffs, apparent powers, two limits in one object, two channels that are empty.
LUXEMBOURG = """
1-3:0.2.8 version text
0-0:1.0.0 time tst
0-0:42.0.0 meter_id hex
""" + _TOTALS + _REACTIVE_TOTALS + _POWERS + _REACTIVE_POWERS + """
0-0:17.0.0 _apparent_limit_va 4.1 kVA
1-0:9.7.0 _apparent_import_va 5.3 kVA
1-0:10.7.0 _apparent_export_va 5.3 kVA
1-1:31.4.0 _fuses groups
0-0:96.3.10 breaker_state 1.0
0-1:96.3.10 _relay_1 1.0
0-2:96.3.10 _relay_2 1.0
0-0:96.7.21 power_failures 5.0
0-0:96.13.0 _message text
0-0:96.13.2 _message text
1-0:32.7.0/3 voltage_l{}_mv 4.1 V
1-0:31.7.0/3 current_l{}_ma 3.0 A
""" + _PHASE_POWERS + """
1-0:23.7.0/3 _reactive_import_l{} 5.3 kvar
1-0:24.7.0/3 _reactive_export_l{} 5.3 kvar
""" + _GAS + """
0-1:24.4.0 gas_valve_state 1.0
0-2:24.1.0 _water_type 3.0
0-2:96.1.0 _message text
0-2:24.2.1 _never groups
"""


def zoned(unix: int, hours: int) -> str:
    """A stamp of a country `hours` ahead of central Europe, with the letter of the season."""
    return (local(unix) + timedelta(hours=hours)).strftime("%y%m%d%H%M%S") + ("S" if is_summer(unix) else "W")


def winter_stamp(unix: int) -> str:
    """UTC+1 all year round."""
    return (datetime(1970, 1, 1) + timedelta(seconds=unix + 3600)).strftime("%y%m%d%H%M%S") + "W"


text.FORMS |= {
    "winter": lambda value: (winter_stamp(value),),
    "eastern": lambda value: (zoned(value, 1),),
    "western": lambda value: (zoned(value, -1),),
}


def month_end(v: dict) -> tuple[str, ...]:
    """Hungary's 98.1.0: when the month ended, then what the counters and the peak were, without saying how many follow."""
    counters = (v["_month_import_wh"], v["_month_import_wh"] * 3 // 4, v["_month_import_wh"] - v["_month_import_wh"] * 3 // 4, 0, 0)
    return (stamp(v["_month_time"]), *(fixed(wh, 9, 3) + "*kWh" for wh in counters * 2), fixed(v["_month_peak_w"], 5, 3) + "*kW")


def telegram(values: dict, header: str, table: str, checksum: bool = True) -> bytes:
    """A telegram of the table's objects that `values` has; ids and texts are values as well."""
    if "_month_time" in values:
        values = values | {"_month_end": month_end(values)}
    if "gas_l" in values:
        values = values | {"gas": (values["gas_time"], values["gas_l"]), "gas_type": 3}
    return p1.telegram(header, text.lines(table, values), checksum)
