"""How long to wait before the next try: milliseconds, doubling between two bounds, with jitter so that many dongles spread out."""


class Backoff:
    """`first_ms` .. `last_ms`; `random(n)` gives an integer in 0..n-1 (the device's os.urandom by default)."""

    def __init__(self, first_ms: int, last_ms: int, random=None):
        self._first = first_ms
        self._last = last_ms
        self._random = random or _random
        self._step = first_ms

    def next_ms(self) -> int:
        """The wait before this try: between half of the step and the whole of it; the step doubles."""
        step = self._step
        self._step = min(step * 2, self._last)
        return step - self._random(step // 2 + 1)

    def reset(self) -> None:
        """What was tried succeeded."""
        self._step = self._first


def _random(n: int) -> int:
    import os

    raw = os.urandom(3)
    return (raw[0] | raw[1] << 8 | raw[2] << 16) % n
