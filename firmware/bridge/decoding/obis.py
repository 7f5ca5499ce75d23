"""OBIS codes and units: numbers in, the texts that people know them by out.

A code A-B:C.D.E*F travels as three integers: ab = A << 8 | B, cde = C << 16 | D << 8 | E, and f (255 where none is sent).
"""

from bridge.decoding.register import GIGAJOULE

# DLMS unit codes (IEC 62056-6-2, enum of units) that meters of the home use, by the names of the standard.
UNITS = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "deg", 9: "degC", 13: "m3", 14: "m3", 25: "J", 27: "W",
    28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A", 35: "V", 44: "Hz", 56: "%", 70: "dBm",
}  # fmt: skip
"""Unit code to name."""

_KILO, _MEGA = 0x100, 0x400


def cde(c: int, d: int, e: int) -> int:
    """The group C.D.E as one integer."""
    return c << 16 | d << 8 | e


def text(ab: int, cde: int, f: int = 255) -> str:
    """ "1-0:1.8.0", with "*F" where F is not 255."""
    code = "%d-%d:%d.%d.%d" % (ab >> 8, ab & 255, cde >> 16, cde >> 8 & 255, cde & 255)
    return code if f == 255 else "%s*%d" % (code, f)


def unit_name(unit: int) -> str:
    """Name of a register's unit: "kWh", "W", "m3", "GJ"; "" for none or an unknown one."""
    if unit == GIGAJOULE:
        return "GJ"
    name = UNITS.get(unit & 0xFF, "")
    if unit & _MEGA:
        return "M" + name
    return "k" + name if unit & _KILO and name else name
