"""Telegrams without a checksum, or with D0's BCC: the counters of one in, out whether it is believed. Values in slots, times in seconds.

Structure proves that a telegram is whole, not that no digit was misread; to a BCC (an exclusive or) every 128th misread one
looks right. So one is believed when it has the counters and the meter id of the last believed one, or else of the one right
before it, and they grew since by what a home can use. One that is not costs itself alone; the first after a jump or of
another meter is believed with the next, and so is the first of all when neither a BCC nor P1's frame speaks for it.
"""

from micropython import const

_COUNTERS = const(26)  # as in values.py
_ELECTRIC = const(12)  # slots of electric energy come first
_WH_PER_S = const(25)  # 90 kW, more than 3 x 100 A
_LONGEST_S = const(3600)  # time for which growth is allowed: after a longer pause the next telegram has to agree
_OTHER_STEP = const(20000)  # l or kJ at once: gas, water and heat meters are read hourly
_ZERO = const(32)  # EXPONENT_ZERO


class Doubt:
    """`values`: the builder's Values."""

    def __init__(self, values):
        self._values = values
        self._checked = self._first_stands = False
        self._kept = [0] * _COUNTERS  # the last good values, and
        self._kept_exponent = bytearray(_COUNTERS)
        self._good = [None, b"", 0]  # id, form and time of the last telegram that was believed
        self._seen = [None, b"", 0]  # of the last one at all, and its
        self._seen_value = [0] * _COUNTERS

    def begin(self, frame) -> None:
        """A telegram begins: what it may overwrite is kept."""
        values = self._values
        self._checked = frame.checksum != "none"
        self._first_stands = self._checked or frame.protocol == "p1"  # whose frame says more, and it comes every 10 s only
        for slot in range(_COUNTERS):
            self._kept[slot] = values.value[slot]
            self._kept_exponent[slot] = values.exponent[slot]

    def believes(self, id: str, now: int) -> bool:
        """Whether the telegram of meter `id` stands; if not, its counters are taken back."""
        values = self._values
        form = bytes(values.form[:_COUNTERS])
        good, seen = self._good, self._seen
        believed = self._first_stands and not good[1] or self._follows(good, self._kept, self._kept_exponent, id, form, now)
        believed = believed or self._follows(seen, self._seen_value, seen[1], id, form, now)
        for slot in range(_COUNTERS):
            self._seen_value[slot] = values.value[slot]
            if not believed:
                values.value[slot] = self._kept[slot]
                values.exponent[slot] = self._kept_exponent[slot]
        for telegram in (seen, good) if believed else (seen,):
            telegram[0] = id
            telegram[1] = form
            telegram[2] = now
        return believed

    def _follows(self, before: list, value: list, exponent, id: str, form: bytes, now: int) -> bool:
        """Whether this telegram can come after the one `before`, whose counters were value x 10^exponent."""
        if before[0] != id or not before[1]:
            return False
        if before[1] != form and not self._checked:
            for slot in range(_COUNTERS):  # other decimals are no other counters
                if (not before[1][slot]) != (not form[slot]):
                    return False
        elapsed = now - before[2]
        if not 0 <= elapsed <= _LONGEST_S:
            elapsed = _LONGEST_S
        for slot in range(_COUNTERS):
            if form[slot] and exponent[slot]:
                step = _WH_PER_S * (elapsed + 1) if slot < _ELECTRIC else _OTHER_STEP
                if not _grew(value[slot], exponent[slot], self._values.value[slot], form[slot], step):
                    return False
        return True


def _grew(old: int, old_exponent: int, new: int, new_exponent: int, step: int) -> bool:
    """Whether new is old, or more by at most `step`; a coarser number may be lower by what it leaves out."""
    finest = min(old_exponent, new_exponent, _ZERO)
    one = 10 ** (new_exponent - finest)
    new *= one
    old *= 10 ** (old_exponent - finest)
    lowest = old - one + 1 if new_exponent > old_exponent else old
    return lowest <= new <= old + step * 10 ** (_ZERO - finest) + one
