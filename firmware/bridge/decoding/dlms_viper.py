"""Numbers of DLMS lists in machine code: octets of a notification in, `emit` called with the register for each number out.

Importing it fails where there is no native emitter; dlms_walk then reads every value its own, slower way, as it does what this
leaves: texts, times, structures of other shapes. Work array, 32 bits each: see dlms_walk.
"""

import micropython


@micropython.viper
def run(codes, buffer, at: int, end: int, work, register, walk, emit, known) -> int:
    """Reads numbers from `at` on, of work[0] values, and counts that down; gives where it stopped."""
    out = ptr32(work)
    rows = ptr32(work)  # never looked at when nothing is known: out[1] is high then
    exponents = form = ptr8(buffer)
    values = work
    if out[1] < 145:  # KNOWN_CELLS
        rows = ptr32(known.rows)
        exponents = ptr8(known.exponent)
        form = ptr8(known.form)
        values = known.value
    while out[0] > 0:
        after = int(number(codes, buffer, at, end, work))
        if after == 0:
            break
        at = after
        row = out[1]
        if row < 145:  # KNOWN_CELLS
            out[1] = row + 3
            if out[4] == 255 and out[9] == 1 and out[7] == 0 and rows[row] == out[3]:
                head = rows[row + 1]
                unit = head >> 5 & 0x7FF
                mine = out[2] << 16 | out[6] << 5 | 256 - out[5] & 255
                if out[6] == 256 and unit >= 27 and unit <= 32:  # none was sent; those of powers and energies are always the same
                    mine = head if head >> 16 == out[2] else 0
                place = rows[row + 2]
                slot = place & 255
                value = out[8]
                if mine == head and (out[5] == 0 or out[5] > 224) and exponents[slot] == place >> 8 & 255:
                    if value < 1000000000 and value >= int(values[slot]) if place >> 16 else value < 1000000:
                        values[slot] = value
                        form[slot] = exponents[slot]
                        continue
            rows[0] = row
        fill(register, work, walk)
        if out[6] == 256:
            register.implied = out[13]
            walk.scale()
        emit(register)
        if row < 145:
            rows[0] = 0
    return at


@micropython.viper
def fill(register, work, walk):
    """Writes the number that was read to `register`."""
    out = ptr32(work)
    register.ab = out[2]
    register.cde = out[3]
    register.f = out[4]
    register.scaler = out[5] if out[5] < 128 else out[5] - 256
    register.unit = out[6] & 255
    register.time = walk.nothing  # None as a literal becomes the number 0 here
    register.implied = 0
    if out[7] == 0:
        register.value = out[8] if out[9] == 1 else -1 - out[8]
    else:
        register.wide(out[7], out[8], out[9] == 2)


@micropython.viper
def number(codes, buffer, at: int, end: int, work) -> int:
    """Code, number, scaler and unit at `at` to `work`; the index behind them, 0 when they are not there as usual."""
    octets = ptr8(buffer)
    names = ptr8(codes)
    out = ptr32(work)
    code = out[11]
    members = 0
    if out[10] != 0:  # the codes are in a list
        if code >= out[12] or names[code + 7] != 2:
            return 0
    else:
        if at + 12 > end:
            return 0
        if octets[at] == 2:
            members = octets[at + 1]
            if members != 2 and members != 3:
                return 0
            at += 2
        code = at + 2
        at += 8
        if octets[code - 2] != 9 or octets[code - 1] != 6 or octets[code] > 15:
            return 0
    if at + 2 > end:
        return 0
    kind = octets[at]
    size = 4 if kind == 6 or kind == 5 else 2 if kind == 18 or kind == 16 else 8 if kind == 20 or kind == 21 else 1
    if size == 1 and kind != 17 and kind != 15 and kind != 22 and kind != 3:
        return 0
    at += 1
    after = at + size
    if after > end:
        return 0
    flip = 255 if (kind == 5 or kind == 15 or kind == 16 or kind == 20) and octets[at] > 127 else 0
    high = low = 0
    while at < after:
        if high > 0x3FFFFF:
            return 0
        high = high << 8 | low >> 16
        low = (low & 0xFFFF) << 8 | octets[at] ^ flip
        at += 1
    if high < 64:
        low |= high << 24
        high = 0
    out[7] = high
    out[8] = low
    out[9] = 2 if flip else 1
    out[5] = 0
    out[6] = 256
    if members != 0 or out[10] != 0 or at < end and octets[at] == 2:
        at = int(rest(buffer, at, end, work, members))
        if at == 0:
            return 0
    elif out[0] < 2:
        return 0
    else:
        out[0] = out[0] - 2
    out[2] = names[code] << 8 | names[code + 1]
    out[3] = names[code + 2] << 16 | names[code + 3] << 8 | names[code + 4]
    out[4] = names[code + 5]
    return at


@micropython.viper
def rest(buffer, at: int, end: int, work, members: int) -> int:
    """Scaler and unit, if they are at `at`, to `work`, and the count of what was used; the index behind them, 0 when that is not as usual."""
    octets = ptr8(buffer)
    out = ptr32(work)
    left = out[0]
    used = 2
    if at + 6 <= end and octets[at] == 2 and octets[at + 1] == 2 and octets[at + 2] == 15 and octets[at + 4] == 22 and members != 2:
        if members != 0 or left > out[14]:
            out[5] = octets[at + 3]
            out[6] = octets[at + 5] if octets[at + 5] != 255 else 0
            at += 6
            used = 3
    if members != 0:
        if members != used:
            return 0
        used = 1
    elif out[10] != 0:
        used -= 1
        out[11] = out[11] + out[10] * used
    if used > left:
        return 0
    out[0] = left - used
    return at
