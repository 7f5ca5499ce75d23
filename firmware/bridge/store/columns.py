"""The vocabulary as the journal writes it: names of quantities in; RANK, DETAIL_IDS, DERIVED out, as ids. `records` takes them and lets this go.

Columns come in RANK order: what changes at nearly every reading first, so that its bit is in the first byte of a record.
Details (DETAIL_IDS) are kept once in a while, the others with each reading.
"""

from bridge.reading.quantities import COUNT, quantity

_FIRST = (
    "power_w energy_import_t1_wh energy_import_t2_wh energy_export_t1_wh energy_export_t2_wh gas_l energy_import_wh energy_export_wh "
    "gas_time power_import_w power_export_w energy_import_t3_wh energy_import_t4_wh"
)
_DETAILS = (
    "power_l1_w power_l2_w power_l3_w voltage_l1_mv voltage_l2_mv voltage_l3_mv current_l1_ma current_l2_ma current_l3_ma "
    "power_demand_w reactive_power_import_var reactive_power_export_var frequency_mhz power_factor_permille "
    "angle_u2_u1_deg angle_u3_u1_deg angle_i1_u1_deg angle_i2_u2_deg angle_i3_u3_deg"
)


def _ids(names: str) -> bytes:
    return bytes([quantity(name) for name in names.split(" ")])


def _tariffs(direction: str) -> bytes:
    return _ids(" ".join(["energy_%s_t%d_wh" % (direction, number) for number in (1, 2, 3, 4)]))


_first = _ids(_FIRST)
DETAIL_IDS = _ids(_DETAILS)
RANK = _first + bytes([id for id in range(COUNT) if id not in _first and id not in DETAIL_IDS]) + DETAIL_IDS
# (quantity, sign, those whose sum times the sign it is about, where that is positive): what a meter sends twice costs nothing then.
DERIVED = (
    (quantity("power_import_w"), 1, _ids("power_w")),
    (quantity("power_export_w"), -1, _ids("power_w")),
    (quantity("energy_import_wh"), 1, _tariffs("import")),
    (quantity("energy_export_wh"), 1, _tariffs("export")),
)
