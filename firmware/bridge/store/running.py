"""The running quarter hour in, a document for JSON out: Wh, W, times in ISO 8601. Loaded when somebody asks.

The forecast is of the mean power of the import over the whole quarter hour, if it goes on as now: what the meter tells of it so far (demand,
1-0:1.4.0: the share of the quarter that is over), or four times what was imported, and the power of now for the rest.
"""

from bridge.core.civil import iso
from bridge.reading.quantities import quantity
from bridge.store.peaks import Peaks
from bridge.store.rows import QUARTER_S, counter

# Flags of a row, as in books.py.
START, LATE, GAP, STEP, METER, OF_METER = 1, 2, 4, 8, 16, 32


def document(newest, zone: str, kept: tuple, flags: int) -> dict:
    """`newest` reading; `kept`: what books.py knows; `flags` of the running quarter hour."""
    counters = (counter(newest, quantity("energy_import_wh")), counter(newest, quantity("energy_export_wh")))
    last, before = kept[0][3:5]
    end = newest.time // QUARTER_S * QUARTER_S + QUARTER_S
    known = last and last[0] == end - QUARTER_S and not last[3] & LATE and not flags & (STEP | METER)
    bought, sold = energies(last, (end,) + counters + (0,)) if known else (None, None)
    found = {"start": iso(end - QUARTER_S), "end": iso(end), "energy_import_wh": bought, "energy_export_wh": sold}
    demand = newest.get(quantity("power_demand_w"))
    if demand is not None:
        found["demand_w"] = demand
    else:
        passed = newest.time - end + QUARTER_S
        found["power_w"] = None if bought is None or not passed else bought * 3600 // passed
        demand = None if bought is None else bought * 4
    power = newest.get(quantity("power_import_w"))
    if power is None:
        power = newest.get(quantity("power_w"))
    told = demand is not None and power is not None
    found["forecast_w"] = demand + max(0, power) * (end - newest.time) // QUARTER_S if told else None
    found["missing"] = not known or bool(flags & GAP)
    peak = Peaks(zone, kept[3]).of(newest.time)
    return {"quarter": found, "last_quarter": _closed(before, last) if last else None, "month_peak": _peak(newest, peak)}


def _closed(before, last: tuple) -> dict:
    bought, sold = energies(before, last)
    right = bought is not None and not last[3] & (START | LATE | STEP)
    power = bought * 4 if right else None
    return {"end": iso(last[0]), "energy_import_wh": bought, "energy_export_wh": sold, "power_w": power, "valid": not last[3]}


def _peak(newest, peak):
    """The meter's own where it has one."""
    watts = newest.get(quantity("power_peak_month_w"))
    when = newest.get(quantity("power_peak_month_time"))
    of_meter = watts is not None
    if not of_meter:
        if peak is None:
            return None
        when, watts, of_meter = peak
        of_meter &= OF_METER
    return {"time": None if when is None else iso(when), "power_w": watts, "source": "meter" if of_meter else "bridge"}


def energies(last, row: tuple) -> tuple:
    """(imported, exported) in the quarter hour that ends with `row`, `last` being the row before; None for what is not known."""
    if not last or last[0] != row[0] - 900 or row[3] & METER:
        return None, None
    return tuple([None if None in (last[at], row[at]) else row[at] - last[at] for at in (1, 2)])
