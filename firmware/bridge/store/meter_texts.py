"""Meters in, the text that stands for them on flash (UTF-8, a line for each of their texts) out, and back.

Loaded where a block on flash begins with it.
"""

from micropython import const

from bridge.reading.reading import Meter

_TEXT = const(60)  # characters of a meter's text: ids have 48 at most
_TEXTS = ("id", "gas_id", "water_id", "heat_id", "protocol", "identification", "version", "manufacturer")


def texts(meters) -> bytes:
    """METERS' payload."""
    return "\n".join([getattr(meter, name)[:_TEXT] for meter in meters for name in _TEXTS]).encode()


def meters(payload: bytes) -> tuple:
    """The meters of METERS' payload; none where that cannot be read."""
    try:
        words = str(payload, "utf-8").split("\n")
    except UnicodeError:
        words = ()
    found = []
    while len(words) >= len(_TEXTS):
        meter = Meter()
        for name in _TEXTS:
            setattr(meter, name, words.pop(0))
        found.append(meter)
    return tuple(found)
