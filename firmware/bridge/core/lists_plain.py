"""Values between lists by id where there is no machine code: lists and ids in, the same numbers at other places out."""


def pick(found: list, values: list, ids: bytes) -> None:
    """found[i] = values[ids[i]] for each of the `ids`."""
    at = 0
    for id in ids:
        found[at] = values[id]
        at += 1


def spread(values: list, found: list, ids: bytes) -> None:
    """The way back: values[ids[i]] = found[i]."""
    at = 0
    for id in ids:
        values[id] = found[at]
        at += 1


def inside(found: list, first: int, limits: list) -> bool:
    """Whether found[first + i] is between -limits[i] and limits[i] for each of the `limits`."""
    for limit in limits:
        if not -limit <= found[first] <= limit:
            return False
        first += 1
    return True


def changed(values: list, before: list, there: bytearray, form: bytes, ids: bytes, first: int, end: int) -> int:
    """Bit i is set where the id ids[first + i] has a form and values[id] is not before[id] or not `there`, or has none and is; 30 of them at most."""
    mask = 0
    bit = 1
    for at in range(first, end):
        id = ids[at]
        if (not there[id] or values[id] != before[id]) if form[id] else there[id]:
            mask |= bit
        bit <<= 1
    return mask
