"""What a meter does not say but what follows from what it says: net, import and export power, net power of the phases, totals
of tariffs. Slots of a plausibility.Values in, more slots filled; a value that the meter sends is never replaced.
"""

from bridge.reading.obis_tables import slot

_POWER = slot("power_w")
_IMPORT = slot("power_import_w")
_EXPORT = slot("power_export_w")
_ABSOLUTE = slot("_power_absolute")
_PHASE_1 = slot("power_l1_w")  # L2 and L3 follow it, as they follow the helpers' first
_IMPORT_1 = slot("_import_l1")
_EXPORT_1 = slot("_export_l1")
_STATUS = slot("_status")
_TOTALS = (slot("energy_import_wh"), slot("energy_export_wh"))  # T1 to T4 follow each


def derive(values) -> None:
    """Everything below, in an order in which one builds on the other."""
    form = values.form
    for phase in range(3):
        if not form[_PHASE_1 + phase] and (form[_IMPORT_1 + phase] or form[_EXPORT_1 + phase]):
            _difference(values, _PHASE_1 + phase, _IMPORT_1 + phase, _EXPORT_1 + phase)
    if not form[_POWER]:
        _net(values)
    if form[_POWER]:
        _directions(values)
    for total in _TOTALS:
        if not form[total]:
            _sum(values, total, total + 1, total + 5)


def _net(values) -> None:
    form = values.form
    if form[_ABSOLUTE]:
        power = abs(values.value[_ABSOLUTE])
        if form[_STATUS] and exports(values.value[_STATUS]):
            power = -power
        values.put(_POWER, power, form[_ABSOLUTE])
    elif form[_IMPORT] or form[_EXPORT]:
        _difference(values, _POWER, _IMPORT, _EXPORT)
    else:
        _sum(values, _POWER, _PHASE_1, _PHASE_1 + 3)


def exports(status: int) -> bool:
    """Whether a status word says export: bit 11 in FNN meters (bit 2 set, 3 to 7 clear), bit 5 in old EDL ones."""
    if status & 0xFC == 4:
        return bool(status & 0x800)
    return bool(status & 0x20)


def _directions(values) -> None:
    """Import and export from net. A meter that sends one direction alone, negative, means net by it."""
    form, value = values.form, values.value
    net, exponent = value[_POWER], form[_POWER]
    if not form[_IMPORT] or value[_IMPORT] < 0:
        values.put(_IMPORT, net if net > 0 else 0, exponent)
    if not form[_EXPORT]:
        values.put(_EXPORT, 0 if net > 0 else -net, exponent)


def _difference(values, target: int, plus: int, minus: int) -> None:
    """target = plus - minus, where one of them may be missing."""
    form, value = values.form, values.value
    if form[plus] == form[minus]:
        value[target] = value[plus] - value[minus]
        form[target] = form[plus]
        return
    plus_exponent = form[plus] or form[minus]
    minus_exponent = form[minus] or plus_exponent
    a = value[plus] if form[plus] else 0
    b = value[minus] if form[minus] else 0
    if plus_exponent > minus_exponent:
        a *= 10 ** (plus_exponent - minus_exponent)
        plus_exponent = minus_exponent
    elif minus_exponent > plus_exponent:
        b *= 10 ** (minus_exponent - plus_exponent)
    values.put(target, a - b, plus_exponent)


def _sum(values, target: int, first: int, end: int) -> None:
    """target = what there is of the slots first..end-1, with as many decimals as the finest of them."""
    form, value = values.form, values.value
    exponent = 0
    for slot in range(first, end):
        if form[slot] and (not exponent or form[slot] < exponent):
            exponent = form[slot]
    if not exponent:
        return
    total = 0
    for slot in range(first, end):
        if form[slot] > exponent:
            total += value[slot] * 10 ** (form[slot] - exponent)
        elif form[slot]:
            total += value[slot]
    values.put(target, total, exponent)
