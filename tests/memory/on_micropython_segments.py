"""Runs under MicroPython with a folder: bytes that one write of a minute's readings to flash takes, mostly and with the start of a block.

    on_micropython_segments.py FOLDER kept|loaded        "loaded": its code with it, as each minute; otherwise that stays where it is
"""

import gc
import sys

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO, METER, Meter, Reading, Schema
from bridge.store import segments
from bridge.store.journal import Journal
from bridge.store.segments import Segments


def main(folder, code):
    # Nothing is collected: what a write takes is to be seen.
    segments.unload = lambda *names: [sys.modules.pop(name, None) for name in names if code == "loaded"]
    archive = Segments(folder, 1 << 20, 1)
    journal = Journal(12288, 60, None, archive)
    form = bytearray(COUNT)
    for name in ("power_w", "energy_import_wh", "energy_export_wh", "voltage_l1_mv"):
        form[quantity(name)] = EXPONENT_ZERO
    schema = Schema(form)
    meter = Meter("E0012345678901234", "p1", "/KFM5KAIFA-METER", "50", "KFM")
    meter.gas_id = "G0012345678901234"
    costs = []
    for n in range(1500):
        values = [n // 3, 0, n * 7919 % 3001, 230000]
        journal.append(Reading(meter, journal.next, 800000000 + n, METER, schema, values))
        if n % 55 == 54:
            places = {"mqtt:12345678": n + 2, "http:12345678": n - n % 7}
            gc.collect()
            gc.disable()
            before = gc.mem_alloc()
            assert archive.write(journal, places, 800000000), archive.problem
            costs.append(gc.mem_alloc() - before)
            gc.enable()
    costs = sorted(costs[2:])
    print(costs[len(costs) // 2], costs[-1])


main(sys.argv[1], sys.argv[2])
