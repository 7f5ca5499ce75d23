"""Most objects of a P1 telegram in machine code: telegram text in, `emit` called with the register for each value out.

Importing it fails where there is no native emitter; p1.py then reads every object its own, slower way, as it does what this
one leaves. Work array, 32 bits each: parts of an object, objects seen so far, table of units; see the indexes in p1.py.
"""

import micropython


@micropython.viper
def run(buffer, at: int, end: int, work, register, views, emit, known) -> int:
    """Reads objects from `at` on; gives where it stopped: `end`, or an object that p1.py must look at."""
    text = ptr8(buffer)
    out = ptr32(work)
    rows = ptr32(work)  # never looked at when nothing is known: out[14] is high then
    exponents = form = ptr8(buffer)
    values = views
    if out[14] < 145:  # KNOWN_CELLS
        rows = ptr32(known.rows)
        exponents = ptr8(known.exponent)
        form = ptr8(known.form)
        values = known.value
    while at < end:
        if text[at] == 13 or text[at] == 10:
            at += 1
            continue
        rows[0] = 0
        after = int(code(buffer, at, work))
        if after == 0:
            return at
        after = int(group(buffer, after, end, work))
        if after == 0:
            return at
        if out[9] != 0 and int(again(work)) != 0:
            return at
        kind = out[12]
        row = out[14]
        if row < 145:  # KNOWN_CELLS
            out[14] = row + 3
            if (kind == 1 or kind == 8) and out[2] == 255:
                if rows[row] == out[1] and rows[row + 1] == out[0] << 16 | out[11] << 5 | out[4]:
                    place = rows[row + 2]
                    slot = place & 255
                    value = out[3]
                    if exponents[slot] == (place >> 8) & 255:
                        if value >= int(values[slot]) if place >> 16 else value < 1000000:
                            values[slot] = value
                            form[slot] = exponents[slot]
                            at = after
                            continue
                rows[0] = row
        fill(register, work, views)
        emit(register)
        at = after
    return at


@micropython.viper
def fill(register, work, views):
    """Writes the object that was read to `register`."""
    out = ptr32(work)
    places = ptr32(views.places)
    kind = out[12]
    register.ab = out[0]
    register.cde = out[1]
    register.f = out[2]
    if kind & 1:
        register.value = out[3] if kind & 4 == 0 else 0 - out[3]
        register.scaler = 0 - out[4]
        register.unit = out[11]
    else:
        index = places[0]
        if index < 24 and places[index + 1] == out[5] << 14 | out[6]:
            places[0] = index + 1
            register.value = views.kept[index]
        else:
            register.value = views.get(out[5], out[6])
        register.scaler = 0
        register.unit = 0
    if kind & 2:
        register.time = views.get(out[7], out[8])
    else:
        register.time = views.nothing  # None as a literal becomes the number 0 here


@micropython.viper
def code(buffer, at: int, work) -> int:
    """A-B:C.D.E( or A-B:C.D.E*F( at `at`; the index behind the bracket, or 0. The '!' behind the text ends any loop."""
    text = ptr8(buffer)
    out = ptr32(work)
    field = 0
    value = 0
    digits = 0
    group = 0
    out[2] = 255
    while True:
        octet = int(text[at])
        at += 1
        if octet >= 48 and octet <= 57:
            value = value * 10 + octet - 48
            digits += 1
            if digits > 3:
                return 0
            continue
        if digits == 0 or value > 255:
            return 0
        if field == 5:
            out[2] = value
            return at if octet == 40 else 0
        group = group << 8 | value
        if field == 4:
            out[1] = group
            if octet == 40:
                return at
            if octet != 42:
                return 0
        elif field == 1:
            if octet != 58:
                return 0
            out[0] = group
            group = 0
        elif octet != (46 if field else 45):
            return 0
        value = digits = 0
        field += 1


@micropython.viper
def group(buffer, at: int, end: int, work) -> int:
    """One value, or a time and one value, up to the end of the line; the index of the next line, or 0."""
    text = ptr8(buffer)
    out = ptr32(work)
    out[12] = 0
    if out[1] == 6422784 or out[1] == 6512896:  # 98.1.0, 99.97.0: a list, as it stands
        out[5] = at - 1
        while at < end and text[at] != 13 and text[at] != 10:
            at += 1
        if text[at - 1] != 41:
            return 0
        out[6] = at
    else:
        start = at
        at = int(number(buffer, at, work))
        if at and out[13] == 12 and text[at] == 41 and text[at + 1] == 40:  # twelve digits: a time, if a value follows
            out[7] = start
            out[8] = at
            start = at + 2
            at = int(number(buffer, start, work))
            out[12] = 2
        if at == 0:
            return 0
        out[12] = out[12] | out[15]
        while at < end and text[at] != 41:
            if text[at] == 42 or text[at] == 10:
                return 0
            at += 1
        if at >= end:
            return 0
        out[5] = start
        out[6] = at
        at += 1
    if at < end and text[at] == 13:
        at += 1
    if at < end:
        if text[at] != 10 or text[at + 1] == 40:  # more on this line, or the object goes on in the next
            return 0
        at += 1
    return at


@micropython.viper
def number(buffer, at: int, work) -> int:
    """Value, scaler and unit of the number at `at`; the index behind it, or behind the digits of what is no number with a unit
    and a season's letter that follows twelve of them; 0 when the number or its unit is out of the ordinary."""
    text = ptr8(buffer)
    out = ptr32(work)
    out[15] = 0
    if text[at] == 45:
        out[15] = 4
        at += 1
    value = 0
    digits = 0
    point = -1
    while True:
        octet = int(text[at])
        if octet >= 48 and octet <= 57:
            if value > 99999999:
                value = 0x3FFFFFFF  # more than nine digits
            else:
                value = value * 10 + octet - 48
            digits += 1
        elif octet == 46 and point < 0 and digits > 0:
            point = digits
        else:
            break
        at += 1
    out[13] = digits if point < 0 and out[15] == 0 else 0
    if octet != 42:
        out[15] = 0
        if octet == 41 and digits > 0 and value < 0x3FFFFFFF and out[13] != 0:
            out[15] = 8
            out[3] = value
            out[4] = out[11] = 0
        return at + 1 if digits == 12 and (octet == 83 or octet == 87) else at
    if digits == 0 or digits > 20 or value == 0x3FFFFFFF:
        return 0
    out[3] = value
    out[4] = digits - point if point >= 0 else 0  # negative words of a ptr32 read back as large ones on 64-bit machines
    out[15] |= 1
    key = 0
    digits = 0
    while True:
        at += 1
        octet = int(text[at])
        if octet == 41:
            break
        key = key << 6 | ((octet & 0xDF if octet > 64 else octet) - 48) & 63
        digits += 1
        if digits > 5:
            return 0
    if digits == 0:
        return 0
    row = 96
    while out[row] != key:
        if out[row] == 0:
            return 0
        row += 2
    out[11] = out[row + 1]
    return at


@micropython.viper
def again(work) -> int:
    """Was the object seen before? Notes it when not."""
    out = ptr32(work)
    seen = out[10]
    if seen >= 40:
        return 1
    row = 0
    while row < seen:
        if out[16 + row] == out[1] and out[56 + row] == out[0]:
            return 1
        row += 1
    out[16 + seen] = out[1]
    out[56 + seen] = out[0]
    out[10] = seen + 1
    return 0
