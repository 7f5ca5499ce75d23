"""Values between lists by id, in machine code: lists and ids in, the same numbers at other places out; lists_plain.py does the same.

Importing it fails where there is no native emitter.
"""

import micropython


@micropython.viper
def pick(found, values, ids):
    """found[i] = values[ids[i]] for each of the `ids`, a bytes object."""
    which = ptr8(ids)
    count = int(len(ids))
    i = 0
    while i < count:
        found[i] = values[which[i]]
        i += 1


@micropython.viper
def spread(values, found, ids):
    """The way back: values[ids[i]] = found[i]."""
    which = ptr8(ids)
    count = int(len(ids))
    i = 0
    while i < count:
        values[which[i]] = found[i]
        i += 1


@micropython.viper
def inside(found, first: int, limits) -> bool:
    """Whether found[first + i] is between -limits[i] and limits[i] for each of the `limits`."""
    count = int(len(limits))
    i = 0
    while i < count:
        limit = limits[i]
        value = found[first + i]
        if value > limit or value < -limit:
            return False
        i += 1
    return True


@micropython.viper
def changed(values, before, there, form, ids, first: int, end: int) -> int:
    """Bit i is set where the id ids[first + i] has a form and values[id] is not before[id] or not `there`, or has none and is; 30 of them at most."""
    which = ptr8(ids)
    is_there = ptr8(there)
    wanted = ptr8(form)
    mask = 0
    bit = 1
    while first < end:
        id = which[first]
        if wanted[id]:
            if is_there[id] == 0 or values[id] != before[id]:
                mask |= bit
        elif is_there[id]:
            mask |= bit
        bit <<= 1
        first += 1
    return mask
