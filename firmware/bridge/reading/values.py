"""The values of the telegram being read, in slots: numbers in, the same without what is not believed, and what follows from them.

A counter that falls keeps its last good value until the lower one is believed (see falls.py).

`derive` fills what the meter does not say but what follows: net, import and export power, net power of the phases, totals
of tariffs. A value that the meter sends is never replaced.
"""

from array import array

from micropython import const

from bridge.decoding.register import KNOWN_CELLS
from bridge.reading.plausibility import exports

EXPONENT_ZERO = const(32)  # as in reading.py
_SLOTS = const(74)
_COUNT = const(61)
_COUNTERS = const(26)
# Slots: quantities, then obis_tables.HELPERS. The phases follow their first, T1 to T4 their total.
_TOTALS = b"\x00\x05"  # energy_import_wh, energy_export_wh
_EXPORTED = const(5)
_POWER = const(26)
_IMPORT = const(27)
_EXPORT = const(28)
_PHASE_1 = const(29)
_ABSOLUTE = const(61)
_IMPORT_1 = const(62)
_EXPORT_1 = const(65)
_STATUS = const(69)
_REACTIVE = const(10)  # reactive energy imported, exported
_REACTIVE_TARIFFS = const(70)  # two of each


class Values:
    """Slot s holds value[s] x 10^(exponent[s] - EXPONENT_ZERO); form[s] is that exponent when this telegram has it, else 0.

    Value and exponent outlive the telegram: they are the last good ones. `falls`: values held back, `ignored`: values not taken;
    their reader sets them to 0. With `rows` it is what decoders know of the next telegram (see decoding/register.py).
    """

    def __init__(self):
        self.value = [0] * _SLOTS
        self.exponent = bytearray(_SLOTS)
        self.form = bytearray(_SLOTS)
        self.rows = array("i", bytes(4 * KNOWN_CELLS))
        self.quantities = memoryview(self.form)[:_COUNT]  # the form without the helpers
        self.falls = self.ignored = 0
        self._believed = None  # of falls.py
        self._nothing = bytes(_SLOTS)
        self._before = {}  # slot: (value, exponent) that this telegram replaced by something lower or of other decimals; None: settled
        self.lower = {}  # slot: [times, value, exponent] of the lower value waiting to be confirmed

    def begin(self) -> None:
        """A new telegram. Of one that was never settled, the doubtful values are taken back."""
        self.rows[0] = 0
        if self._before:
            for slot, before in self._before.items():
                if before is not None:
                    self.value[slot] = before[0]
                    self.exponent[slot] = before[1]
            self._before.clear()
        self.form[:] = self._nothing

    def put(self, slot: int, value: int, exponent: int) -> None:
        """Takes a value; `exponent` counts from EXPONENT_ZERO. A counter's last good value is kept when this one is lower or has other decimals."""
        kept = self.exponent
        if slot < _COUNTERS and kept[slot] and (exponent != kept[slot] or value < self.value[slot]) and slot not in self._before:
            self._before[slot] = (self.value[slot], kept[slot])
        self.value[slot] = value
        kept[slot] = self.form[slot] = exponent

    def settle(self) -> None:
        """Holds back the counters that fell in this telegram; call it when all are there, and again after deriving more."""
        if self.lower or self._before:
            self._judge()

    def _judge(self) -> None:
        if self.lower:
            for slot in list(self.lower):  # forget those that are high again
                if self.form[slot] and slot not in self._before:
                    del self.lower[slot]
        for slot, before in self._before.items():
            if before is not None:
                self._before[slot] = None
                if self._believed is None:
                    from bridge.reading.falls import believed

                    self._believed = believed
                if not self._believed(self, slot, before[0], before[1]):
                    self.value[slot] = before[0]
                    self.exponent[slot] = self.form[slot] = before[1]

    def accept(self, slot: int) -> None:
        """This telegram's value of a counter stands, whatever it was before: it is another meter's."""
        self._before.pop(slot, None)
        self.lower.pop(slot, None)

    def accept_all(self) -> None:
        """Another meter speaks: every value of this telegram stands, and there is no last good one of any other counter."""
        self._before.clear()
        self.lower.clear()
        for slot in range(_COUNTERS):
            self.exponent[slot] = self.form[slot]

    def derive(self) -> None:
        """Fills slots from others, in an order in which one builds on the other."""
        form, value = self.form, self.value
        for phase in range(3):
            if not form[_PHASE_1 + phase] and (form[_IMPORT_1 + phase] or form[_EXPORT_1 + phase]):
                self._difference(_PHASE_1 + phase, _IMPORT_1 + phase, _EXPORT_1 + phase)
        if not form[_POWER]:
            if form[_ABSOLUTE]:
                net = abs(value[_ABSOLUTE])
                if form[_STATUS]:
                    self.put(_POWER, -net if exports(value[_STATUS]) else net, form[_ABSOLUTE])
                elif not net or not form[_EXPORTED] or not value[_EXPORTED]:  # of a home that exports nobody knows the direction
                    self.put(_POWER, net, form[_ABSOLUTE])
            elif form[_IMPORT] or form[_EXPORT]:
                self._difference(_POWER, _IMPORT, _EXPORT)
            else:
                self._sum(_POWER, _PHASE_1, _PHASE_1 + 3)
        exponent = form[_POWER]
        if exponent:
            net = value[_POWER]
            if not form[_IMPORT] or value[_IMPORT] < 0:  # one direction alone, negative: the meter means net by it
                self.put(_IMPORT, net if net > 0 else 0, exponent)
            if not form[_EXPORT]:
                self.put(_EXPORT, 0 if net > 0 else -net, exponent)
        for total in _TOTALS:
            if not form[total]:
                self._sum(total, total + 1, total + 5)
        for direction in range(2):
            if not form[_REACTIVE + direction]:
                first = _REACTIVE_TARIFFS + 2 * direction
                self._sum(_REACTIVE + direction, first, first + 2)

    def _difference(self, target: int, plus: int, minus: int) -> None:
        """target = plus - minus, where one of them may be missing."""
        form, value = self.form, self.value
        if form[plus] == form[minus]:
            value[target] = value[plus] - value[minus]
            form[target] = form[plus]
            return
        coarse = form[plus] or form[minus]
        fine = form[minus] or coarse
        a = value[plus] if form[plus] else 0
        b = value[minus] if form[minus] else 0
        if coarse > fine:
            a *= 10 ** (coarse - fine)
            coarse = fine
        elif fine > coarse:
            b *= 10 ** (fine - coarse)
        self.put(target, a - b, coarse)

    def _sum(self, target: int, first: int, end: int) -> None:
        """target = what there is of the slots first..end-1, with as many decimals as the finest of them."""
        form, value = self.form, self.value
        exponent = total = 0
        for slot in range(first, end):
            own = form[slot]
            if not own:
                continue
            if own == exponent:
                total += value[slot]
            elif not exponent or own < exponent:
                total = total * 10 ** (exponent - own) + value[slot] if exponent else value[slot]
                exponent = own
            else:
                total += value[slot] * 10 ** (own - exponent)
        if exponent:
            self.put(target, total, exponent)
