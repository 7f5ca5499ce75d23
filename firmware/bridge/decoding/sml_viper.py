"""Ordinary entries of SML value lists in machine code: a file's body in, `emit` called with the register for each entry out.

Importing it fails where there is no native emitter; sml.py then reads every element its own, slower way, as it does what
these leave. Work array, 32 bits each: see sml.py.
"""

import micropython


@micropython.viper
def run(buffer, at: int, end: int, work, register, views, emit) -> int:
    """Reads entries from `at` on, as many as work[0] says, and counts that down; gives where it stopped."""
    out = ptr32(work)
    kept = views.kept
    places = ptr32(views.places)
    register.time = views.nothing  # None as a literal becomes the number 0 here
    while out[0] > 0:
        after = int(entry(buffer, at, end, work))
        if after == 0:
            return at
        at = after
        out[0] = out[0] - 1
        kind = out[11]
        if kind == 0:
            continue
        register.ab = out[1]
        register.cde = out[2]
        register.f = out[3]
        register.status = out[4]
        register.unit = out[5]
        register.scaler = out[6] if out[6] < 128 else out[6] - 256
        if kind == 3:
            index = places[0]
            if index < 24 and places[index + 1] == out[7] << 14 | out[8]:
                places[0] = index + 1
                register.value = kept[index]
            else:
                register.value = views.get(out[7], out[8])
        elif out[7] == 0:
            register.value = out[8] if kind == 1 else -1 - out[8]
        else:
            register.wide(out[7], out[8], kind == 2)
        emit(register)
    return at


@micropython.viper
def entry(buffer, at: int, end: int, work) -> int:
    """The entry at `at`: code, status, unit, scaler, kind and value to `work`; the index behind it, 0 when it is not ordinary."""
    octets = ptr8(buffer)
    out = ptr32(work)
    if at + 20 > end or octets[at] != 0x77 or octets[at + 1] != 7:
        return 0
    out[1] = octets[at + 2] << 8 | octets[at + 3]
    out[2] = octets[at + 4] << 16 | octets[at + 5] << 8 | octets[at + 6]
    out[3] = octets[at + 7]
    at = int(head(buffer, at + 8, end, work))
    if at == 0 or at + 8 > end:
        return 0
    out[5] = 0
    if octets[at] == 0x62:
        out[5] = octets[at + 1] if octets[at + 1] != 255 else 0
        at += 2
    elif octets[at] == 1:
        at += 1
    else:
        return 0
    out[6] = 0
    if octets[at] == 0x52:
        out[6] = octets[at + 1]
        at += 2
    elif octets[at] == 1:
        at += 1
    else:
        return 0
    at = int(value(buffer, at, end, work))
    if at == 0 or at >= end or octets[at] > 15 or octets[at] == 0:
        return 0
    return at + octets[at]  # the signature


@micropython.viper
def head(buffer, at: int, end: int, work) -> int:
    """Status and time at `at`; the index behind them, 0 when they are not ordinary or the time is absolute."""
    octets = ptr8(buffer)
    out = ptr32(work)
    status = 0
    size = octets[at] - 0x61
    if octets[at] == 1:
        at += 1
    elif size >= 1 and size <= 4:
        at += 1
        while size > 0:
            if status > 0x3FFFFF:
                return 0
            status = status << 8 | octets[at]
            at += 1
            size -= 1
    else:
        return 0
    out[4] = status
    if status:
        out[12] = status
    if octets[at] == 1:
        return at + 1
    if octets[at] == 0x72 and octets[at + 1] == 0x62 and octets[at + 2] == 1:  # seconds since power-up
        at += 3
    size = octets[at] - 0x60
    return at + size if size >= 2 and size <= 5 else 0


@micropython.viper
def value(buffer, at: int, end: int, work) -> int:
    """The value at `at`: kind 0 none, 1 number, 2 negative number (as its complement), 3 octets; 0 when it is not ordinary."""
    octets = ptr8(buffer)
    out = ptr32(work)
    kind = octets[at] & 0xF0
    size = (octets[at] & 15) - 1
    at += 1
    after = at + size
    if after > end or size < 0:
        return 0
    if kind == 0:
        out[11] = 3 if size else 0
        out[7] = at
        out[8] = after
        return after
    if kind != 0x50 and kind != 0x60 or size < 1 or size > 8:
        return 0
    flip = 0
    if kind == 0x50 and octets[at] > 127:
        if out[2] != out[9] or size > out[10] or out[12] & out[13] != out[14]:  # not a field that is unsigned in truth
            flip = 255
    out[11] = 2 if flip else 1
    high = 0
    while at < after - 3:
        if high > 0x3FFFFF:
            return 0
        high = high << 8 | octets[at] ^ flip
        at += 1
    low = 0
    while at < after:
        low = low << 8 | octets[at] ^ flip
        at += 1
    if high < 64:
        low |= high << 24
        high = 0
    out[7] = high
    out[8] = low
    return after


@micropython.viper
def skip(buffer, at: int, end: int, count: int) -> int:
    """The index behind `count` elements, lists with all that is in them; 0 when they do not end before `end`."""
    octets = ptr8(buffer)
    while count > 0:
        if at >= end:
            return 0
        octet = int(octets[at])
        size = octet & 15
        fields = 1
        while octet & 0x80:
            if at + fields >= end or size > 255:
                return 0
            octet = int(octets[at + fields])
            size = size << 4 | octet & 15
            fields += 1
        count -= 1
        if octets[at] & 0x70 == 0x70:
            count += size
            at += fields
        else:
            if size < fields:
                return 0
            at += size
    return at if at <= end else 0


@micropython.viper
def payload(buffer, at: int, end: int) -> int:
    """The index of the payload of the message at `at` when it is a list of values; 0 when it is not, or not ordinary."""
    octets = ptr8(buffer)
    if octets[at] != 0x76:
        return 0
    at = int(skip(buffer, at + 1, end, 3))
    if at == 0 or at + 6 > end or octets[at] != 0x72:
        return 0
    if octets[at + 1] == 0x63 and octets[at + 2] == 7 and octets[at + 3] == 1:
        return at + 4
    if octets[at + 1] == 0x65 and octets[at + 2] | octets[at + 3] == 0 and octets[at + 4] == 7 and octets[at + 5] == 1:
        return at + 6
    return 0
