"""What decoders hand on: one register at a time, in an object and in views that are used again for the next.

A COSEM register: an OBIS code A-B:C.D.E*F with an integer value, a power of ten, a unit and perhaps a time of its own.

Meters send the same registers in the same order each time. So who takes the registers may note in `rows` what the n-th one
was and where its number goes; a decoder that finds it there again, at the same place, puts the number there instead of
emitting it: value[slot] = number, form[slot] = exponent[slot]. It does so only for usual numbers: with no time of their own,
of the same decimals as the last good value of the slot, not negative, below a million or, of a counter, below 10^9 and not
lower than value[slot]. Cells of `rows` (array "i", KNOWN_CELLS long): 0 the cell where the register being emitted may be
noted, 0 for nowhere; then three for each register: C.D.E; A-B << 16 | unit << 5 | decimals; slot | exponent << 8, and
1 << 16 for a counter. Digits without a unit count as a number of unit 0.
"""

from array import array

from micropython import const

KNOWN_CELLS = 145  # 48 registers: more than any meter seen sends
GIGAJOULE = 0x200 | 25  # not a DLMS code: heat meters on a P1 port count GJ, which no prefix of a register's unit says
UNIT_KILO = 0x100  # or-ed to `unit`: the telegram says kWh, kW, kvar, kVA (the value counts those)
UNIT_MEGA = 0x400  # likewise, MWh
_VIEWS = const(24)  # texts of a telegram whose views are kept: more than any seen; further ones are made each time


class Register:
    """One value of a telegram; valid during the call that it is handed to.

    ab      A << 8 | B of the OBIS code
    cde     C << 16 | D << 8 | E
    f       F, 255 where the code has none
    value   int, or bytes-like: text as sent (P1), octets (SML)
    scaler  the value counts 10 ** scaler units
    unit    DLMS unit code, or-ed with UNIT_KILO or UNIT_MEGA; 0: none
    time    of the value: None, the text YYMMDDhhmmss with or without S or W (P1), or seconds since 2000 UTC (SML)
    status  SML's status word, else 0
    code    the code as sent where ab, cde and f do not say it all (D0: F.F, 1.8.0, 6.8*01), else None; ab is 0xFFFF where they say nothing
    implied True: scaler and unit are not in the telegram, a table knows them (DLMS lists that send bare numbers)
    """

    def __init__(self):
        self.ab = 0
        self.cde = 0
        self.f = 255
        self.value = 0
        self.scaler = 0
        self.unit = 0
        self.time = None
        self.status = 0
        self.code = None
        self.implied = False

    def wide(self, high: int, low: int, negative: bool) -> None:
        """Sets `value` from its part above 24 bits and the rest; `negative`: they are its complement."""
        value = high << 24 | low
        self.value = ~value if negative else value


class Views:
    """Gives memoryviews of parts of one buffer, without an allocation while a meter's telegrams keep their layout.

    The n-th view asked for since `rewind` is kept, and given again when it is at the same place in the next telegram.
    For machine code: `kept` are the views, `nothing` is None; places[0] is the n of the next one, places[n + 1] = start << 14 | end of a kept one.
    """

    def __init__(self):
        self._whole = None
        self._buffer = None
        self.nothing = None
        self.kept = [None] * _VIEWS
        self.places = array("i", [0] * (_VIEWS + 1))

    def rewind(self, buffer: bytearray) -> None:
        """A new telegram, in `buffer` (at most 16 KB)."""
        self.places[0] = 0
        if buffer is not self._buffer:
            self._buffer = buffer
            self._whole = memoryview(buffer)
            for i in range(_VIEWS):
                self.places[i + 1] = -1
                self.kept[i] = self.nothing  # a view would keep the buffer before in memory

    def get(self, start: int, end: int) -> memoryview:
        """A view of buffer[start:end]."""
        index = self.places[0]
        if index >= _VIEWS:
            return self._whole[start:end]
        self.places[0] = index + 1
        place = start << 14 | end
        if self.places[index + 1] != place:
            self.kept[index] = self._whole[start:end]
            self.places[index + 1] = place
        return self.kept[index]
