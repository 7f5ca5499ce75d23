"""Units of P1 lines: their text as sent in, a key and the code of a register's unit out.

Needed once: p1.py copies the table to its work array and forgets this module.
"""

from bridge.decoding.register import GIGAJOULE, UNIT_KILO, UNIT_MEGA


def key(text, start: int, end: int) -> int:
    """Six bits per character of text[start:end], letters of either case alike, as meters differ in it (kvarh, kVArh)."""
    key = 0
    for i in range(start, end):
        octet = text[i]
        key = key << 6 | (octet & 0xDF if octet > 64 else octet) - 48 & 63
    return key


_UNITS = (
    (b"Wh", 30), (b"kWh", UNIT_KILO | 30), (b"MWh", UNIT_MEGA | 30), (b"W", 27), (b"kW", UNIT_KILO | 27), (b"varh", 32), (b"kvarh", UNIT_KILO | 32),
    (b"var", 29), (b"kvar", UNIT_KILO | 29), (b"VA", 28), (b"kVA", UNIT_KILO | 28), (b"VAh", 31), (b"kVAh", UNIT_KILO | 31),
    (b"V", 35), (b"A", 33), (b"Hz", 44), (b"m3", 13), (b"GJ", GIGAJOULE), (b"s", 7), (b"min", 6),
)  # fmt: skip


def table() -> list:
    """Key and code of each unit in turn, with a 0 behind the last. Names have at most five characters: 30 bits of key."""
    found = []
    for name, code in _UNITS:
        found += [key(name, 0, len(name)), code]
    return found + [0]
