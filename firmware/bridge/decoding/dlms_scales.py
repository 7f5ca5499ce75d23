"""Scalers and units that DLMS meters do not send: register and the meter's row in, the register's scaler and unit out.

The unit follows from the OBIS code. The scaler is Wh, W, var, VA as they are, but where a row says otherwise. A voltage or
frequency that no row knows is scaled by its size: no grid of a home is above 999 V or 99 Hz.
"""

from micropython import const

# What the list id, the logical device name or the system title begins with; place and text of the kind of meter (96.1.1) that must
# match too; powers of ten of volts and amperes (None: not known), of energies, of power factors; whether the clock shows standard
# time all year. The first that matches counts.
_ROWS = (
    # Kamstrup's list, HAN-NVE interface description: energy in 10 Wh, current in 0.01 A, of meters with transformers (685) 0.001 A
    # (amshan). Sweden's ("...092") sends Wh since the list there has three decimals (amsreader-firmware issues 239, 811): the telegram says no
    # more about it, so everywhere else, Denmark too, it is the documented 10 Wh. Voltage of the N1 in 0.01 V (issue 814), of others in V.
    # Clock: standard time with a daylight bit that means nothing (issue 1191).
    (b"Kamstrup", 15, b"092", None, -2, 0, -2, True),
    (b"Kamstrup", 0, b"685", None, -3, 1, -2, True),
    (b"Kamstrup", 0, b"", None, -2, 1, -2, True),
    (b"AIDON", 0, b"", None, None, 0, -3, True),  # sends scalers; clock: amsreader-firmware
    (b"KFM", 0, b"", -1, -3, 0, -3, False),  # Kaifa's KFM_001: NVE's list of Kaifa, protocols 6.11
    (b"ISK", 0, b"", -1, -2, 0, -3, False),  # Iskraemeco AM550 (protocols 6.9, Slovenia), IE.5 (amsreader-firmware issue 1072)
    (b"LGZ", 0, b"", 0, -2, 0, -3, False),  # Landis+Gyr E450: protocols 6.6, Burgenland's specification, VSE's list
    (b"", 0, b"", None, None, 0, -3, False),
)
_VOLTS, _AMPERES, _ENERGY, _FACTOR = const(3), const(4), const(5), const(6)  # of a row
# Units of C: 1 and 2 active, 3 to 8 reactive, 9 and 10 apparent, 11 current, 12 voltage, 14 frequency, 15 and 16 active; the same
# of phase 1 from 21 on, of 2 from 41, of 3 from 61. An energy's is three more than its power's.
_UNITS = b"\x00\x1b\x1b\x1d\x1d\x1d\x1d\x1d\x1d\x1c\x1c\x21\x23\x00\x2c\x1b\x1b"
_AMPERE, _VOLT, _HERTZ, _DEGREE = const(33), const(35), const(44), const(8)
_POWER_FACTOR, _ANGLE = const(13), const(81)
_ENERGIES = const(8)  # D: a counter; 4 to 7 are powers and the like


def row_of(buffer, id_at: int, type_at: int) -> tuple:
    """The row of the meter whose list id and kind are at these places of `buffer`, -1 when it has none."""
    for row in _ROWS:
        at = type_at + row[1]
        if not row[0] or id_at >= 0 and buffer.find(row[0], id_at, id_at + len(row[0])) == id_at:
            if not row[2] or type_at >= 0 and buffer.find(row[2], at, at + len(row[2])) == at:
                return row


def apply(register, row: tuple) -> None:
    """Sets scaler and unit of a register that has none; one of an unknown kind, or of unknown scale, keeps none."""
    c = register.cde >> 16
    d = register.cde >> 8 & 255
    if register.ab >> 8 != 1 or not 4 <= d <= _ENERGIES:
        return
    if c == _ANGLE:
        register.unit = _DEGREE
        return
    kind = (c - 20) % 20 if 20 < c <= 80 else c
    unit = _UNITS[kind] if kind < len(_UNITS) else 0
    scaler = 0
    if d == _ENERGIES:
        if unit > 29:
            return
        scaler = row[_ENERGY]
        unit = unit and unit + 3
    elif unit == _VOLT:
        scaler = _sized(register.value, 1000) if row[_VOLTS] is None else row[_VOLTS]
    elif unit == _HERTZ:
        scaler = _sized(register.value, 100)
    elif unit == _AMPERE:
        scaler = row[_AMPERES]
        if scaler is None:
            return
    elif kind == _POWER_FACTOR:
        scaler = row[_FACTOR]
    register.scaler = scaler
    register.unit = unit


def _sized(value: int, limit: int) -> int:
    """The power of ten that brings `value` below `limit`."""
    scaler = 0
    while value >= limit:
        limit *= 10
        scaler -= 1
    return scaler
