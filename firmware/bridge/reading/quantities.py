"""The project's vocabulary: every quantity a reading can have, its unit in its name, whole numbers of that unit.

A quantity's id is its index in QUANTITIES. Counters come first, so `quantity < COUNTERS` tells a counter; those only grow.
Signs: power is positive when the home imports. power_w and power_l*_w are net; power_demand_w is the mean import of the
running quarter hour, power_peak_month_w the highest quarter hour of the running month.
"""

from micropython import const

COUNTER = 0  # never falls
GAUGE = 1
STATE = 2  # a small number that stands for something: tariff 2, breaker 1 (closed)
TIME = 3  # UTC, seconds since 2000

_NAMES = (
    " energy_import_wh energy_import_t1_wh energy_import_t2_wh energy_import_t3_wh energy_import_t4_wh "
    "energy_export_wh energy_export_t1_wh energy_export_t2_wh energy_export_t3_wh energy_export_t4_wh "
    "reactive_energy_import_varh reactive_energy_export_varh "
    "gas_l water_l hot_water_l heat_kj cold_kj submeter_energy_wh power_failures long_power_failures "
    "voltage_sags_l1 voltage_sags_l2 voltage_sags_l3 voltage_swells_l1 voltage_swells_l2 voltage_swells_l3 "
    # gauges
    "power_w power_import_w power_export_w power_l1_w power_l2_w power_l3_w "
    "reactive_power_import_var reactive_power_export_var "
    "voltage_l1_mv voltage_l2_mv voltage_l3_mv current_l1_ma current_l2_ma current_l3_ma frequency_mhz power_factor_permille "
    "angle_u2_u1_deg angle_u3_u1_deg angle_i1_u1_deg angle_i2_u2_deg angle_i3_u3_deg "
    "power_demand_w power_peak_month_w power_limit_w fuse_limit_ma "
    # states, then times
    "tariff breaker_state gas_valve_state "
    "power_peak_month_time gas_time water_time hot_water_time heat_time cold_time submeter_time "
)
COUNTERS = const(26)
GAUGES_END = const(51)  # ids from COUNTERS up to here are gauges
_STATES_END = const(54)
COUNT = const(61)  # ids are below 128, so that seven bits hold one


class _Quantities:
    """The rows (name, kind), by id: one string in memory, split when a row is asked for."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, id: int) -> tuple:
        if not 0 <= id < COUNT:
            raise IndexError
        start = 1
        for _ in range(id):
            start = _NAMES.find(" ", start) + 1
        return _NAMES[start : _NAMES.find(" ", start)], (id >= COUNTERS) + (id >= GAUGES_END) + (id >= _STATES_END)


QUANTITIES = _Quantities()


def quantity(name: str) -> int:
    """The id of a quantity; ValueError for a name that is not in the vocabulary."""
    at = _NAMES.find(" " + name + " ")
    if at < 0 or not name:
        raise ValueError(name)
    return _NAMES.count(" ", 0, at)
