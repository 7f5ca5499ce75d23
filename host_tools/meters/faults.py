"""What a bad wire does: a telegram (bytes) in, what arrives of it (bytes) out. Drawn from a seed, so that a fault can be had again."""

from __future__ import annotations

import random

_LONGEST_BURST = 40  # bytes of noise at once
_MOST_LOST = 3  # bytes


class Faults:
    """Each of the four is the chance per telegram, 0 to 1. `counts` says how often each happened, `last` what befell the last telegram.

    noise: random bytes before it, itself whole; flip: one bit turned; lose: one to three bytes missing; cut: its end missing.
    """

    KINDS = ("noise", "flip", "lose", "cut")

    def __init__(self, noise: float = 0.0, flip: float = 0.0, lose: float = 0.0, cut: float = 0.0, seed: int = 1):
        self._chances = dict(zip(self.KINDS, (noise, flip, lose, cut), strict=True))
        self._draw = random.Random(f"{seed}/faults")
        self.counts = dict.fromkeys(self.KINDS, 0)
        self.last: tuple[str, ...] = ()

    @classmethod
    def mixed(cls, share: float, seed: int = 1) -> Faults:
        """About this share of the telegrams disturbed, by all four kinds alike."""
        one = 1 - (1 - share) ** (1 / len(cls.KINDS))
        return cls(one, one, one, one, seed)

    @property
    def damaged(self) -> bool:
        """True when the last telegram did not arrive whole."""
        return any(kind != "noise" for kind in self.last)

    def apply(self, telegram: bytes) -> bytes:
        """The bytes that arrive."""
        draw, data = self._draw, bytearray(telegram)
        self.last = tuple(kind for kind in self.KINDS if draw.random() < self._chances[kind])
        for kind in self.last:
            self.counts[kind] += 1
            if kind == "flip":
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            elif kind == "lose":
                at = draw.randrange(len(data) - _MOST_LOST)
                del data[at:at + draw.randint(1, _MOST_LOST)]
            elif kind == "cut":
                del data[draw.randrange(1, len(data) - 1):]
        if "noise" in self.last:
            data[:0] = draw.randbytes(draw.randint(1, _LONGEST_BURST))
        return bytes(data)
