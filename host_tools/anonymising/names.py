"""Replacements for what names a meter or its owner: octets or text in, others of the same length and kind out, the same for the same.

What a letter was is a letter, what a digit was is a digit. The replacement follows from the original and a secret (random for each
run, or the owner's own words, so that several captures fit together), and cannot be turned round without that secret.
"""

from __future__ import annotations

import hashlib

SERIES = 1_000_000  # of a serial number the part above stays: decoders know faulty series by it
MAKER_LETTERS = 3


class Names:
    """`replaced`: what was replaced, original text to replacement."""

    def __init__(self, secret: bytes):
        self._secret = secret
        self.replaced: dict[str, str] = {}
        self._known: dict[bytes, bytes] = {}

    def _stream(self, original: bytes) -> bytes:
        need, made, count = len(original), b"", 0
        while len(made) < need:
            made += hashlib.blake2b(original + bytes([count & 0xFF]), key=self._secret).digest()
            count += 1
        return made

    def octets(self, original: bytes, keep: int = 0) -> bytes:
        """Another string for `original`; its first `keep` octets stay."""
        if len(original) <= keep:
            return original
        known = self._known.get(original)
        if known is None:
            made = bytearray(original)
            for i, draw in enumerate(self._stream(original)[: len(original)]):
                if i >= keep:
                    made[i] = _alike(original[i], draw)
            known = self._remember(original, bytes(made))
        return known

    def binary(self, original: bytes, keep: int = 0) -> bytes:
        """Other octets for some that are no text; all but the first `keep` change."""
        if len(original) <= keep:
            return original
        known = self._known.get(original)
        if known is None:
            draws = self._stream(original)
            made = bytes((octet + 1 + draw % 255) & 0xFF for octet, draw in zip(original[keep:], draws))
            known = self._remember(original, original[:keep] + made)
        return known

    def number(self, original: int, most: int) -> int:
        """Another number with as many digits, not above `most`."""
        digits = str(original)
        made = int(self.octets(digits.encode()))
        made = made if made <= most else made % 10 ** (len(digits) - 1)
        if made != int(self._known[digits.encode()]):
            self._remember(digits.encode(), str(made).encode())
        return made

    def serial(self, original: bytes) -> bytes:
        """Another serial number of four octets in the same series of a million."""
        known = self._known.get(original)
        if known is None:
            number = int.from_bytes(original[-4:], "big")
            drawn = int.from_bytes(self._stream(original)[:4], "big") % SERIES
            drawn = drawn if drawn != number % SERIES else (drawn + 1) % SERIES
            other = min(number // SERIES * SERIES + drawn, 0xFFFFFFFF)
            known = self._remember(original, original[:-4] + other.to_bytes(4, "big"))
        return known

    def text(self, original: str) -> str:
        """Another text; hexadecimal digits that stand for text (as P1 has them) are read as that text."""
        try:
            meant = bytes.fromhex(original)
        except ValueError:
            meant = b""
        if meant and len(original) % 2 == 0 and all(32 <= octet < 127 for octet in meant):
            made = self.octets(meant).hex()
            return made if original.islower() else made.upper()
        return self.octets(original.encode("latin-1")).decode("latin-1")

    def _remember(self, original: bytes, made: bytes) -> bytes:
        self._known[original] = made
        if made != original:
            self.replaced[_shown(original)] = _shown(made)
        return made


def _alike(octet: int, draw: int) -> int:
    """Another octet of the same kind as `octet`; signs between letters and digits stay."""
    for first, last in ((48, 57), (65, 90), (97, 122)):
        if first <= octet <= last:
            count = last - first + 1
            return first + (octet - first + 1 + draw % (count - 1)) % count
    return octet if 32 <= octet < 127 else (octet + 1 + draw % 255) & 0xFF


def _shown(octets: bytes) -> str:
    return octets.decode("ascii") if all(32 <= octet < 127 for octet in octets) else octets.hex()
