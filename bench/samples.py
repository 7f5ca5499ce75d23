"""Telegrams for the benchmarks: from the project's simulated meters, written to a file that a script on MicroPython reads."""

import pathlib

from host_tools import meters

COUNT = 16  # successive telegrams, so that values change as in a house
NOON = 1_750_000_000  # a June day, with sun on the roof
# protocol: (simulated meter, fixed name in the design's list of figures)
SAMPLES = {"p1": ("p1-nl", "p1_1kb"), "sml": ("sml-tariff", "sml_400b"), "hdlc": ("at-steiermark-e450", "dlms_300b")}


def write(meter: str, path: pathlib.Path, count: int = COUNT) -> pathlib.Path:
    """Writes `count` telegrams of `meter`, a cadence apart; see `store`. Returns `path`."""
    source = meters.make(meter)
    return store(path, [source.telegram(NOON + number * source.cadence_s) for number in range(count)], source.keys)


def store(path: pathlib.Path, telegrams: list, keys: dict) -> pathlib.Path:
    """A line of lengths, a line with the two keys in hex (- for none), then the bytes. Returns `path`."""
    head = " ".join(str(len(one)) for one in telegrams), " ".join(keys.get(name, "-") for name in ("key", "auth_key"))
    path.write_bytes("\n".join((*head, "")).encode() + b"".join(telegrams))
    return path
