"""What the meters of a household say: seconds in, Readings out, and what each must be when it comes back, reckoned here alone.

Times are seconds since 2000 (UTC); three meters take turns, and each quantity changes at nearly every reading.
"""

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, UPTIME, Meter, Reading, Schema

START = 804289200  # 2025-06-26 21:40 UTC: twenty minutes before midnight in Central Europe

# name: (decimals that the meter sends, how it goes on: per hour for counters, most for gauges)
_COMMON = {"power_w": (0, 9000), "energy_import_t1_wh": (1, 41000), "energy_import_t2_wh": (0, 7200), "energy_export_wh": (3, 5000000)}
_PHASES = {"voltage_l%d_mv" % n: (0, 240000) for n in (1, 2, 3)}
_PHASES.update({"current_l%d_ma" % n: (0, 25000) for n in (1, 2, 3)})
_PHASES.update({"power_l%d_w" % n: (0, 6000) for n in (1, 2, 3)})
_KINDS = (
    ("E0001", "G0001", dict(_COMMON, gas_l=(0, 1200), **_PHASES)),
    ("E0002", "", dict(_COMMON, energy_import_wh=(2, 700000), frequency_mhz=(0, 50000))),
    ("E0003", "G0003", dict(_COMMON, gas_l=(0, 300), tariff=(0, 2), **_PHASES)),
)


def _noise(number: int, most: int) -> int:
    number = number * 1103515245 + 12345 & 0x7FFFFFFF
    return (number >> 8 ^ number) % most


class Household:
    """Three meters. `made[boot, seq]` = (UTC, uptime where the clock was not set yet or None, meter, {id: whole number}) of each reading."""

    def __init__(self):
        self.made = {}
        self._meters = []
        for id, gas_id, columns in _KINDS:
            meter = Meter(id, "p1", "/XYZ5" + id, "50", "XYZ")
            meter.gas_id = gas_id
            form = bytearray(COUNT)
            for name, (decimals, _) in columns.items():
                form[quantity(name)] = EXPONENT_ZERO - decimals
            self._meters.append((meter, Schema(form), {quantity(name): row for name, row in columns.items()}))

    def reading(self, which: int, boot: int, seq: int, now: int, uptime=None) -> Reading:
        """The reading that meter `which` gives at `now`; `uptime`: the clock was not set yet, and this was the device's own."""
        meter, schema, columns = self._meters[which]
        values, whole = [], {}
        for id in schema.ids:
            decimals, pace = columns[id]
            if id < 26:  # counters
                value = pace * (now - START) // 3600 + 1000000 * 10**decimals
            else:
                value = _noise(now * 64 + id, pace)
                if id == quantity("power_w"):
                    value -= pace // 3
            values.append(value)
            whole[id] = value // 10**decimals
        self.made[boot, seq] = now, uptime, meter, whole
        return Reading(meter, seq, now if uptime is None else uptime, BRIDGE if uptime is None else UPTIME, schema, values)

    def differs(self, reading: Reading, boot: int) -> str:
        """"" when a reading is the one that was made with its number in that start, else what is wrong."""
        try:
            now, uptime, meter, whole = self.made[boot, reading.seq]
        except KeyError:
            return "reading %d of start %d was never made" % (reading.seq, boot)
        found = {id: reading.get(id) for id in reading.items()}
        if found != whole:
            return "reading %d of start %d: %s instead of %s" % (reading.seq, boot, found, whole)
        if (reading.meter.id, reading.meter.gas_id) != (meter.id, meter.gas_id):
            return "reading %d of start %d: meter %s instead of %s" % (reading.seq, boot, reading.meter.id, meter.id)
        if (reading.time_source, reading.time) != ((UPTIME, uptime) if reading.time_source == UPTIME else (BRIDGE, now)):
            return "reading %d of start %d: time %d instead of %d" % (reading.seq, boot, reading.time, now)
        return "" if uptime is not None or reading.time_source == BRIDGE else "reading %d of start %d has lost its time" % (reading.seq, boot)
