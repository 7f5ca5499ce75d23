"""The project's vocabulary: every quantity a reading can have, its unit in its name, whole numbers of that unit.

A quantity's id is its index in QUANTITIES. Counters come first, so `quantity < COUNTERS` tells a counter; those only grow.
Signs: power is positive when the home imports.
"""

COUNTER = 0  # never falls
GAUGE = 1
STATE = 2  # a small number that stands for something: tariff 2, breaker 1 (closed)
TIME = 3  # UTC, seconds since 2000

_COUNTER_NAMES = (
    "energy_import_wh",
    "energy_import_t1_wh",
    "energy_import_t2_wh",
    "energy_import_t3_wh",
    "energy_import_t4_wh",
    "energy_export_wh",
    "energy_export_t1_wh",
    "energy_export_t2_wh",
    "energy_export_t3_wh",
    "energy_export_t4_wh",
    "reactive_energy_import_varh",
    "reactive_energy_export_varh",
    "gas_l",
    "water_l",
    "hot_water_l",
    "heat_kj",
    "cold_kj",
    "submeter_energy_wh",
    "power_failures",
    "long_power_failures",
    "voltage_sags_l1",
    "voltage_sags_l2",
    "voltage_sags_l3",
    "voltage_swells_l1",
    "voltage_swells_l2",
    "voltage_swells_l3",
)
_GAUGE_NAMES = (
    "power_w",  # net
    "power_import_w",
    "power_export_w",
    "power_l1_w",  # net, as all three
    "power_l2_w",
    "power_l3_w",
    "reactive_power_import_var",
    "reactive_power_export_var",
    "voltage_l1_mv",
    "voltage_l2_mv",
    "voltage_l3_mv",
    "current_l1_ma",
    "current_l2_ma",
    "current_l3_ma",
    "frequency_mhz",
    "power_factor_permille",
    "angle_u2_u1_deg",
    "angle_u3_u1_deg",
    "angle_i1_u1_deg",
    "angle_i2_u2_deg",
    "angle_i3_u3_deg",
    "power_demand_w",  # mean import of the running quarter hour
    "power_peak_month_w",  # highest quarter hour of the running month
    "power_limit_w",
    "fuse_limit_ma",
)
_STATE_NAMES = ("tariff", "breaker_state", "gas_valve_state")
_TIME_NAMES = ("power_peak_month_time", "gas_time", "water_time", "hot_water_time", "heat_time", "cold_time", "submeter_time")


def _rows():
    for kind, names in ((COUNTER, _COUNTER_NAMES), (GAUGE, _GAUGE_NAMES), (STATE, _STATE_NAMES), (TIME, _TIME_NAMES)):
        for name in names:
            yield name, kind


QUANTITIES = tuple(_rows())  # rows (name, kind)
COUNT = len(QUANTITIES)  # ids are below 128, so that seven bits hold one
COUNTERS = len(_COUNTER_NAMES)
GAUGES_END = COUNTERS + len(_GAUGE_NAMES)  # ids from COUNTERS up to here are gauges


def quantity(name: str) -> int:
    """The id of a quantity; ValueError for a name that is not in the vocabulary."""
    for index in range(COUNT):
        if QUANTITIES[index][0] == name:
            return index
    raise ValueError(name)
