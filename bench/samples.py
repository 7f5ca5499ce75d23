"""Telegrams for the benchmarks: from the project's simulated meters, written to a file that a script on MicroPython reads."""

import pathlib

from host_tools import meters

COUNT = 16  # successive telegrams, so that values change as in a house
NOON = 1_750_000_000  # a June day, with sun on the roof
# protocol: (simulated meter, fixed name in the design's list of figures)
SAMPLES = {"p1": ("p1-nl", "p1_1kb"), "sml": ("sml-tariff", "sml_400b")}


def write(meter: str, path: pathlib.Path, count: int = COUNT) -> pathlib.Path:
    """Writes `count` telegrams of `meter`, a cadence apart: a line of lengths, then the bytes. Returns `path`."""
    source = meters.make(meter)
    telegrams = [source.telegram(NOON + number * source.cadence_s) for number in range(count)]
    path.write_bytes(" ".join(str(len(one)) for one in telegrams).encode() + b"\n" + b"".join(telegrams))
    return path
