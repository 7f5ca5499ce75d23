"""Which OBIS code is which quantity: rows of text in, one table of packed integers out (see `rows` and `packed` for the layout).

Needed once: `builder` makes the table of it at the start and forgets this module.

A row: `C.D.E unit name [rule]`. The unit is the one the register must have ("-": none); the quantity's name says the
canonical unit, and SHIFTS how many powers of ten lie between. Names that start with "_" are no quantities: they are
used to derive some, or are times. Rules:

    limit   999 whole units mean "no limit"; amperes are taken too and become fuse_limit_ma
    stamp   the register has a time of its own; it becomes the quantity of the same name that ends in _time
    clock   the value is the time of the telegram
    status  the value is a status word
    checked the value has a lower bound, which decoders do not know

Sources: DSMR 5.0.2 P1, e-MUCs-P1 1.7.1, SML registers of FNN and EDL meters, DLMS UA blue book (codes, units).
"""

from bridge.decoding.register import GIGAJOULE
from bridge.reading.quantities import COUNT, quantity

# A = 1, electricity (B is 0, or 1 where a meter counts its channels)
ELECTRICITY = """
1.8.0 Wh energy_import_wh
1.8.1 Wh energy_import_t1_wh
1.8.2 Wh energy_import_t2_wh
1.8.3 Wh energy_import_t3_wh
1.8.4 Wh energy_import_t4_wh
2.8.0 Wh energy_export_wh
2.8.1 Wh energy_export_t1_wh
2.8.2 Wh energy_export_t2_wh
2.8.3 Wh energy_export_t3_wh
2.8.4 Wh energy_export_t4_wh
3.8.0 varh reactive_energy_import_varh
3.8.1 varh _reactive_import_t1
3.8.2 varh _reactive_import_t2
4.8.0 varh reactive_energy_export_varh
4.8.1 varh _reactive_export_t1
4.8.2 varh _reactive_export_t2
16.7.0 W power_w
1.7.1 W power_w
1.7.0 W power_import_w
2.7.0 W power_export_w
15.7.0 W _power_absolute
36.7.0 W power_l1_w
56.7.0 W power_l2_w
76.7.0 W power_l3_w
21.7.0 W _import_l1
41.7.0 W _import_l2
61.7.0 W _import_l3
22.7.0 W _export_l1
42.7.0 W _export_l2
62.7.0 W _export_l3
3.7.0 var reactive_power_import_var
4.7.0 var reactive_power_export_var
32.7.0 V voltage_l1_mv
52.7.0 V voltage_l2_mv
72.7.0 V voltage_l3_mv
31.7.0 A current_l1_ma
51.7.0 A current_l2_ma
71.7.0 A current_l3_ma
14.7.0 Hz frequency_mhz checked
13.7.0 - power_factor_permille
81.7.1 deg angle_u2_u1_deg
81.7.2 deg angle_u3_u1_deg
81.7.4 deg angle_i1_u1_deg
81.7.15 deg angle_i2_u2_deg
81.7.26 deg angle_i3_u3_deg
1.4.0 W power_demand_w
1.6.0 W power_peak_month_w stamp
31.4.0 A fuse_limit_ma limit
32.32.0 - voltage_sags_l1
52.32.0 - voltage_sags_l2
72.32.0 - voltage_sags_l3
32.36.0 - voltage_swells_l1
52.36.0 - voltage_swells_l2
72.36.0 - voltage_swells_l3
96.5.0 - _status status
"""

# 0-0, the meter itself
METER = """
1.0.0 - _time clock
96.14.0 - tariff
96.7.21 - power_failures
96.7.9 - long_power_failures
96.3.10 - breaker_state
17.0.0 W power_limit_w limit
"""

# M-Bus device types (EN 13757-3), printed decimal in 0-n:24.1.0: unit of the value, quantity, quantity of its time.
# 13 is a meter of heat and cold in one, whose value is its heat.
SUBMETERS = """
2 Wh submeter_energy_wh submeter_time
3 m3 gas_l gas_time
4 GJ heat_kj heat_time
6 m3 hot_water_l hot_water_time
7 m3 water_l water_time
10 GJ cold_kj cold_time
11 GJ cold_kj cold_time
12 GJ heat_kj heat_time
13 GJ heat_kj heat_time
"""

# Texts of the meter: A-B:C.D.E*F, kind. The first of a kind that a meter sends is taken, in this order. 96.1.0 and the
# others below A = 1 are SML and D0; 199.130.3 is the old EDL manufacturer; 1-1:0.0.5 Kamstrup's; 0-0:42.0.0 the logical device name.
TEXTS = """
0-0:96.1.1*255 id
0-0:96.1.0*255 id
1-0:96.1.0*255 id
1-0:0.0.9*255 id
1-0:0.0.0*255 id
1-0:0.0.5*255 id
0-0:42.0.0*255 id
0-0:96.1.255*255 id
1-0:96.50.1*1 manufacturer
129-129:199.130.3*255 manufacturer
1-3:0.2.8*255 version
0-0:96.1.4*255 version
0-0:96.13.0*255 message
"""

# Slots beside the quantities: what is measured but not in the vocabulary
HELPERS = (
    "_power_absolute", "_import_l1", "_import_l2", "_import_l3", "_export_l1", "_export_l2", "_export_l3", "_time", "_status",
    "_reactive_import_t1", "_reactive_import_t2", "_reactive_export_t1", "_reactive_export_t2",
)  # fmt: skip
SLOTS = COUNT + len(HELPERS)

_UNIT_CODES = {"-": 0, "deg": 8, "m3": 13, "GJ": GIGAJOULE, "W": 27, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35, "Hz": 44}
_SHIFTS = {"V": 3, "A": 3, "Hz": 3, "m3": 3, "GJ": 6}  # to mV, mA, mHz, litre, kJ
_RULES = ("", "limit", "stamp", "clock", "status", "checked")
_MEDIA = {"1-0": 0, "0-0": 1, "1-3": 2, "129-129": 3}  # the numbers of builder's MEDIA; *F other than 255 is 4
_SUBMETER = 5 << 24


def slot(name: str) -> int:
    """The slot of a quantity (its id) or of a helper."""
    if name in HELPERS:
        return COUNT + HELPERS.index(name)
    return quantity(name)


def packed(unit: str, name: str, rule: int) -> int:
    """A row as one small integer: slot | shift << 8 | rule << 12 | unit code << 16."""
    shift = 3 if name == "power_factor_permille" else _SHIFTS.get(unit, 0)
    return slot(name) | shift << 8 | rule << 12 | _UNIT_CODES[unit] << 16


def rows() -> dict:
    """All tables in one: {medium << 24 | C << 16 | D << 8 | E: packed row, or of texts -1 - their number}.

    With 5 << 24 | M-Bus type: packed row of a sub-meter, its "rule" the place of its time's slot behind gas_time.
    """
    found = {}
    for medium, text in ((0, ELECTRICITY), (1, METER)):
        for line in _lines(text):
            found[medium << 24 | _code(line[0])] = packed(line[1], line[2], _RULES.index(line[3] if len(line) > 3 else ""))
    for kind, unit, name, time_name in _lines(SUBMETERS):
        found[_SUBMETER | int(kind)] = packed(unit, name, slot(time_name) - slot("gas_time"))
    for number, line in enumerate(_lines(TEXTS)):
        medium, code = line[0].split(":")
        code, f = code.split("*")
        found[(_MEDIA[medium] if f == "255" else 4) << 24 | _code(code)] = -1 - number
    return found


def _lines(text: str) -> list:
    return [line.split(" ") for line in text.strip().split("\n")]


def _code(text: str) -> int:
    c, d, e = [int(part) for part in text.split(".")]
    return c << 16 | d << 8 | e
