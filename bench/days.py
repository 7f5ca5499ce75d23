"""A household's day as the journal's budgets mean it: time, import, export and net power of the simulated home in, 16-byte records out.

A record: seconds since 2000 and counters in Wh (unsigned), net power in W (signed), four bytes each, little-endian.
"""

import pathlib
import struct

from host_tools.meters.house import MWS_PER_WH, House

RECORD = struct.Struct("<IIIi")
TO_2000 = 946_684_800  # unix seconds of the board's epoch
MORNING = 1_750_045_500  # 05:45 local time on a June day: night, breakfast, sun and clouds follow
DAY_S = 86_400


def write(path: pathlib.Path, step_s: int = 1, seconds: int = DAY_S) -> pathlib.Path:
    """Writes the readings of `seconds` from MORNING on, `step_s` apart, and returns `path`."""
    house = House(1, MORNING)
    with path.open("wb") as file:
        for time in range(MORNING, MORNING + seconds, step_s):
            house.advance(time)
            counters = (sum(counted.values()) // MWS_PER_WH for counted in (house.imported, house.exported))
            file.write(RECORD.pack(time - TO_2000, *counters, house.net_mw // 1000))
    return path
