"""Ordinary entries of SML value lists where there is no machine code: as sml_viper.py, without its work array's parts and kept views.

Imported by sml.py only when the emitter is missing.
"""

_KINDS = b"\x50\x60"  # signed and unsigned integers


def _head(buffer, at: int, register) -> int:
    """Code, status and time of the entry at `at`; the index behind them, 0 when they are not ordinary or the time is absolute."""
    register.ab = buffer[at + 2] << 8 | buffer[at + 3]
    register.cde = buffer[at + 4] << 16 | buffer[at + 5] << 8 | buffer[at + 6]
    register.f = buffer[at + 7]
    at += 8
    status = 0
    size = buffer[at] - 0x60
    if 2 <= size <= 5:
        for octet in buffer[at + 1 : at + size]:
            status = status << 8 | octet
        at += size
    elif buffer[at] == 1:
        at += 1
    else:
        return 0
    register.status = status
    if buffer[at] == 1:
        return at + 1
    if buffer[at] == 0x72 and buffer[at + 1] == 0x62 and buffer[at + 2] == 1:  # seconds since power-up
        at += 3
    size = buffer[at] - 0x60
    return at + size if 2 <= size <= 5 else 0


def run(buffer, at: int, end: int, work, register, views, emit) -> int:
    """Reads entries from `at` on, as many as work[0] says, and counts that down; gives where it stopped."""
    register.time = None
    left = work[0]
    odd = work[9]
    while left:
        if at + 32 > end or buffer[at] != 0x77 or buffer[at + 1] != 7:
            break
        after = _head(buffer, at, register)
        if not after or after + 8 > end:
            break
        if register.status:
            work[12] = register.status & 0xFFFF
        cde = register.cde
        unit = scaler = 0
        if buffer[after] == 0x62:
            unit = buffer[after + 1]
            after += 2
        elif buffer[after] == 1:
            after += 1
        else:
            break
        if buffer[after] == 0x52:
            scaler = buffer[after + 1]
            after += 2
        elif buffer[after] == 1:
            after += 1
        else:
            break
        register.unit = unit if unit != 255 else 0
        register.scaler = scaler if scaler < 128 else scaler - 256
        kind = buffer[after] & 0xF0
        size = (buffer[after] & 15) - 1
        after += 1
        behind = after + size
        if size < 0 or behind >= end or not 0 < buffer[behind] < 16:
            break
        if kind == 0:
            if size:
                register.value = views.get(after, behind)
                emit(register)
        elif kind in _KINDS and 0 < size < 9:
            value = 0
            for octet in buffer[after:behind]:
                value = value << 8 | octet
            if kind == 0x50 and buffer[after] > 127 and (cde != odd or size > work[10] or work[12] & work[13] != work[14]):
                value -= 1 << 8 * size
            register.value = value
            emit(register)
        else:
            break
        at = behind + buffer[behind]  # the signature
        left -= 1
    work[0] = left
    return at


def skip(buffer, at: int, end: int, count: int) -> int:
    """The index behind `count` elements, lists with all that is in them; 0 when they do not end before `end`."""
    while count > 0:
        if at >= end:
            return 0
        octet = first = buffer[at]
        size = octet & 15
        fields = 1
        while octet & 0x80:
            if at + fields >= end or size > 255:
                return 0
            octet = buffer[at + fields]
            size = size << 4 | octet & 15
            fields += 1
        count -= 1
        if first & 0x70 == 0x70:
            count += size
            at += fields
        else:
            if size < fields:
                return 0
            at += size
    return at if at <= end else 0


def payload(buffer, at: int, end: int) -> int:
    """The index of the payload of the message at `at` when it is a list of values; 0 when it is not, or not ordinary."""
    if buffer[at] != 0x76:
        return 0
    at = skip(buffer, at + 1, end, 3)
    if not at or at + 6 > end or buffer[at] != 0x72:
        return 0
    if buffer[at + 1] == 0x63 and buffer[at + 2] == 7 and buffer[at + 3] == 1:
        return at + 4
    if buffer[at + 1] == 0x65 and not buffer[at + 2] | buffer[at + 3] and buffer[at + 4] == 7 and buffer[at + 5] == 1:
        return at + 6
    return 0
