"""Values with a counter that fell, or with an impossible gauge, in; whether the counter is believed, or the same without the gauge, out.

A counter that falls (a meter that starts, a reset) keeps its last good value and is counted, until the lower one was
confirmed by CONFIRMATIONS telegrams in a row or belongs to another meter. A sub-meter's value is repeated for minutes or
hours, so that of those only values count that grew: zeros while it is not heard never become a fall. The same value in
other steps (a locked SML meter shows whole kWh) is no fall: the higher value stays until it is passed.

Most meters never need this, so that it is loaded when the first does.
"""

from micropython import const

from bridge.reading.plausibility import absurd

CONFIRMATIONS = const(6)  # telegrams in a row that show the lower value before it is believed
_SUBMETERS, _SUBMETERS_END = const(12), const(18)  # slots of gas_l .. submeter_energy_wh
_COUNTERS, _GAUGES_END = const(26), const(51)
_POWER, _IMPORT, _EXPORT = const(26), const(27), const(28)


def believed(values, slot: int, before: int, before_exponent: int) -> bool:
    """Whether the counter in `slot` stands, which was before x 10^before_exponent (see values.Values)."""
    value, exponent = values.value[slot], values.exponent[slot]
    gap = _lack(value, exponent, before, before_exponent)
    if gap <= 0:
        values.lower.pop(slot, None)
        return True
    if gap < 10 ** abs(exponent - before_exponent):
        return False
    waiting = values.lower.get(slot)
    if not waiting:
        waiting = values.lower[slot] = [0, 0, exponent]
    gap = _lack(value, exponent, waiting[1], waiting[2])
    if gap > 0:
        waiting[0] = 1
    elif gap or not _SUBMETERS <= slot < _SUBMETERS_END:
        waiting[0] += 1
    waiting[1] = value
    waiting[2] = exponent
    if waiting[0] >= CONFIRMATIONS:
        del values.lower[slot]
        return True
    values.falls += 1
    return False


def drop(values) -> None:
    """Takes gauges out of the telegram that no home can have; with an impossible net power, what followed from it."""
    form = values.form
    for slot in range(_COUNTERS, _GAUGES_END):
        if form[slot] and absurd(slot, values.value[slot], form[slot]):
            form[slot] = 0
            values.ignored += 1
    if not (form[_POWER] or form[_IMPORT] and form[_EXPORT]):
        form[_IMPORT] = form[_EXPORT] = 0


def _lack(a: int, a_exponent: int, b: int, b_exponent: int) -> int:
    """By how much a x 10^a_exponent is below b x 10^b_exponent, in the finer of their steps; 0 or less when it is not."""
    if a_exponent == b_exponent:
        return b - a
    finest = min(a_exponent, b_exponent)
    return b * 10 ** (b_exponent - finest) - a * 10 ** (a_exponent - finest)
