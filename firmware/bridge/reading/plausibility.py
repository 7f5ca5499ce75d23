"""What the dongle believes of a number: rules without memory. A value in its slot's digits in, whether it can be out.

docs/data.md tells owners the same. What needs memory is built on these: counters that fall are held back in falls.py,
whole telegrams without a good checksum in doubt.py, sub-meters that start or take turns in submeters.py.

- Gauges have bounds, generous ones, of what a home can have (`most`, `absurd`); one outside is dropped, never changed.
- A counter that jumps up is believed where a CRC stands for it: so does a real one whose dongle was away.
- Of two registers that say the same, both stand: the meter's own net power need not be import less export, nor the sum
  of the phases. What the meter sends is never replaced by what could be derived.
- Power without a sign has that of the status word; without one it is import, but of a meter that has counted export
  nobody knows.
- A meter's clock is believed near the dongle's own (`believed_time`).
"""

from micropython import const

_ZERO = const(32)  # EXPONENT_ZERO
_COUNTERS = const(26)  # numbers of slots: see values.py
_FREQUENCY, _FACTOR = const(40), const(41)
_DEMAND = const(47)  # the angles are before it
_GAUGES_END = const(51)
_ABSOLUTE, _TIME = const(61), const(68)
_MAX_CLOCK_ERROR_S = const(86400)  # further from the dongle's own clock than this, a meter's clock is not believed
_ZONE_S, _ZONE_ERROR_S = const(3600), const(120)  # Lithuania's and Ireland's stamps are an hour from central Europe's, within this
_MAX_LOCAL_ERROR_S = const(1200)  # likewise, of a clock that does not say whether it is summer time: many know none


def most(slot: int, exponent: int) -> int:
    """The highest number that value[slot] may be with `exponent`, in a home and a little beyond.

    Counters: 10^13 Wh, litres, .. would take a house 100,000 years. Gauges: 1 MW, 1 Mvar, 1 kV, 1 kA, which are all 10^6 of
    their units (a main fuse of 3 x 100 A lets 75 kW pass; farms and workshops have current transformers), 70 Hz, a power
    factor of 1, an angle of 360 degrees. States only have to be numbers of proportion.
    """
    limit = 10**13 if slot < _COUNTERS else 10**9
    if _COUNTERS <= slot < _GAUGES_END or _ABSOLUTE <= slot < _TIME:
        limit = 10**6
        if _FREQUENCY <= slot < _DEMAND:
            limit = 70000 if slot == _FREQUENCY else 1000 if slot == _FACTOR else 360
    shift = _ZERO - exponent
    return limit * 10**shift if shift > 0 else limit // 10**-shift


def absurd(slot: int, value: int, exponent: int) -> bool:
    """Whether no meter of a home can mean value x 10^(exponent - 32), or the digits are out of all proportion."""
    if slot < _COUNTERS and 0 <= value < 1000000000 and 20 <= exponent <= 35:
        return False  # as ever, without large numbers
    if not 20 <= exponent <= 44 or slot < _COUNTERS and value < 0:
        return True
    limit = most(slot, exponent)
    return abs(value) > limit or slot == _FREQUENCY and value * 7 < limit * 4  # 40 Hz


def exports(status: int) -> bool:
    """Whether a status word says export: bit 11 in FNN meters (bit 2 set, 3 to 7 clear), bit 5 in old EDL ones."""
    return bool(status & (0x800 if status & 0xFC == 4 else 0x20))


def believed_time(time: int, now: int, local: bool):
    """The meter's `time`, put right by a whole zone, or None, beside the dongle's own `now`; `local`: of a clock without zone and summer time."""
    if not local and -_ZONE_ERROR_S <= abs(time - now) - _ZONE_S <= _ZONE_ERROR_S:
        time += _ZONE_S if time < now else -_ZONE_S
    limit = _MAX_LOCAL_ERROR_S if local else _MAX_CLOCK_ERROR_S
    return time if -limit <= time - now <= limit else None
