"""The values of the telegram being read, in slots; counters that fall are held back until they are confirmed.

A counter that falls (a misread telegram without checksum, a reset) keeps its last good value and is counted, until the
lower one was confirmed by CONFIRMATIONS telegrams in a row or belongs to another meter. The same value in coarser steps
(an SML meter that locked itself shows whole kWh) is no fall: the finer value stays until the coarse one passes it.
"""

from bridge.reading.obis_tables import SLOTS
from bridge.reading.quantities import COUNT, COUNTERS
from bridge.reading.reading import EXPONENT_ZERO

CONFIRMATIONS = 6  # telegrams in a row that show the lower value before it is believed
_NOTHING = bytes(SLOTS)


class Values:
    """Slot s holds value[s] x 10^(exponent[s] - EXPONENT_ZERO); form[s] is that exponent when this telegram has it, else 0.

    Value and exponent outlive the telegram: they are the last good ones. `falls`: values held back; its reader sets it to 0.
    """

    def __init__(self):
        self.value = [0] * SLOTS
        self.exponent = bytearray(SLOTS)
        self.form = bytearray(SLOTS)
        self.quantities = memoryview(self.form)[:COUNT]  # the form without the helpers
        self.falls = 0
        self._before = {}  # slot: (value, exponent) that this telegram replaced by something lower or of other decimals; None: settled
        self._lower = {}  # slot: [times, value, exponent] of the lower value waiting to be confirmed

    def begin(self) -> None:
        """A new telegram. Of one that was never settled, the doubtful values are taken back."""
        if self._before:
            self._take_back()
            self._before.clear()
        self.form[:] = _NOTHING

    def put(self, slot: int, value: int, exponent: int) -> None:
        """Takes a value; `exponent` counts from EXPONENT_ZERO."""
        if exponent != self.exponent[slot] or slot < COUNTERS and value < self.value[slot]:
            self.doubt(slot)
        self.value[slot] = value
        self.exponent[slot] = self.form[slot] = exponent

    def doubt(self, slot: int) -> None:
        """Keeps a counter's last good value, as what replaces it is lower or has other decimals."""
        if slot < COUNTERS and self.exponent[slot] and slot not in self._before:
            self._before[slot] = (self.value[slot], self.exponent[slot])

    def settle(self) -> None:
        """Holds back the counters that fell in this telegram; call it when all are there, and again after deriving more."""
        if self._lower:
            self._forget_recovered()
        if not self._before:
            return
        for slot, before in self._before.items():
            if before is not None:
                self._before[slot] = None
                if not self._believed(slot, before[0], before[1]):
                    self.value[slot] = before[0]
                    self.exponent[slot] = self.form[slot] = before[1]

    def accept(self, slot: int) -> None:
        """This telegram's value of a counter stands, whatever it was before: it is another meter's."""
        self._before.pop(slot, None)
        self._lower.pop(slot, None)

    def accept_all(self) -> None:
        """Another meter speaks: every value of this telegram stands, and there is no last good one of any other counter."""
        self._before.clear()
        self._lower.clear()
        for slot in range(COUNTERS):
            self.exponent[slot] = self.form[slot]

    def _believed(self, slot: int, before: int, before_exponent: int) -> bool:
        value, exponent = self.value[slot], self.exponent[slot]
        if not less(value, exponent, before, before_exponent):
            self._lower.pop(slot, None)
            return True
        if exponent > before_exponent and before // 10 ** (exponent - before_exponent) <= value:
            return False
        waiting = self._lower.get(slot)
        if waiting and not less(value, exponent, waiting[1], waiting[2]):
            waiting[0] += 1
            waiting[1] = value
            waiting[2] = exponent
        else:
            waiting = self._lower[slot] = [1, value, exponent]
        if waiting[0] >= CONFIRMATIONS:
            del self._lower[slot]
            return True
        self.falls += 1
        return False

    def _forget_recovered(self) -> None:
        for slot in list(self._lower):
            if self.form[slot] and slot not in self._before:
                del self._lower[slot]

    def _take_back(self) -> None:
        for slot, before in self._before.items():
            if before is not None:
                self.value[slot] = before[0]
                self.exponent[slot] = before[1]


def less(a: int, a_exponent: int, b: int, b_exponent: int) -> bool:
    """Whether a x 10^a_exponent < b x 10^b_exponent."""
    if a_exponent > b_exponent:
        a *= 10 ** (a_exponent - b_exponent)
    elif b_exponent > a_exponent:
        b *= 10 ** (b_exponent - a_exponent)
    return a < b


_COUNTER_LIMIT = 10**13  # Wh, litres, ..: a house would need 100,000 years
_LIMIT = 10**9  # W, mV, mA, ..: a gigawatt, a megavolt


def absurd(slot: int, value: int, exponent: int) -> bool:
    """Whether no meter of a home can mean value x 10^(exponent - EXPONENT_ZERO), or the digits are out of all proportion."""
    if not -12 <= exponent - EXPONENT_ZERO <= 12 or slot < COUNTERS and value < 0:
        return True
    limit = _COUNTER_LIMIT if slot < COUNTERS else _LIMIT
    if exponent >= EXPONENT_ZERO:
        return abs(value) * 10 ** (exponent - EXPONENT_ZERO) >= limit
    return abs(value) >= limit * 10 ** (EXPONENT_ZERO - exponent)
