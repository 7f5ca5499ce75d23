"""Encrypted APDUs of DLMS: a meter's keys and an APDU (bytes) in; its text, and the APDU with another text under published keys, out.

What is written is encrypted with keys that everybody may know, those of the examples of the DLMS standard.
"""

from __future__ import annotations

from collections import Counter

from host_tools.meters.cipher import Cipher
from host_tools.splitting.apdu import secret_at

KEY = "000102030405060708090A0B0C0D0E0F"
AUTH_KEY = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
_TITLE = slice(2, 10)
_SUITE, _TAGGED, _ENCRYPTED = 0x0F, 0x10, 0x20
_TAG, _HEAD = 12, 5  # octets of the tag; of security and counter
_SUITES = (0, 1)  # with AES-128
_FIRST_BLOCK = b"\0\0\0\2"  # counter of GCM's first block of text


class Vault:
    """`key`, `auth_key`: 16 bytes or None. `refused` counts why APDUs were not opened; `sealed` those that were closed again."""

    def __init__(self, key: bytes | None = None, auth_key: bytes | None = None):
        self.key, self.auth_key = key, auth_key
        self.refused: Counter = Counter()
        self.sealed = 0

    def plain(self, apdu: bytes) -> bytes | None:
        """The text; None, and a reason counted, when it cannot be had. A text that nothing proves may be that of a wrong key."""
        try:
            at, end = secret_at(apdu)
            security = apdu[at]
        except (ValueError, IndexError):
            return self._refuse("length")
        size = end - at - _HEAD - (_TAG if security & _TAGGED else 0)
        if size < 1 or end > len(apdu):
            return self._refuse("length")
        if security & ~(_SUITE | _TAGGED | _ENCRYPTED) or security & _SUITE not in _SUITES or security & (_TAGGED | _ENCRYPTED) == _TAGGED:
            return self._refuse("cipher_unknown")
        body = apdu[at + _HEAD : at + _HEAD + size]
        if not security & _ENCRYPTED:
            return body
        if self.key is None:
            return self._refuse("key_missing")
        return self._open(apdu[_TITLE] + apdu[at + 1 : at + _HEAD], security, body, apdu[at + _HEAD + size : end])

    def _open(self, nonce: bytes, security: int, body: bytes, tag: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only what is encrypted needs it
        from cryptography.hazmat.primitives.ciphers import Cipher as Machine  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers import algorithms, modes  # noqa: PLC0415

        cipher = algorithms.AES(self.key)
        text = Machine(cipher, modes.CTR(nonce + _FIRST_BLOCK)).decryptor().update(body)
        if not tag or self.auth_key is None:
            return text
        machine = Machine(cipher, modes.GCM(nonce, tag, _TAG)).decryptor()
        machine.authenticate_additional_data(bytes([security]) + self.auth_key)
        machine.update(body)
        try:
            machine.finalize()
        except InvalidTag:
            return self._refuse("tag_wrong" if text[:1] in b"/\x0f" else "key_wrong")
        return text

    def close(self, apdu: bytes, title: bytes, text: bytes) -> bytes:
        """`apdu` with another title and text, which may be shorter than the old."""
        at, _ = secret_at(apdu)
        security = apdu[at]
        count = apdu[at + 1 : at + _HEAD]
        if security & _ENCRYPTED:
            self.sealed += 1
            made = Cipher(title, KEY, security, AUTH_KEY).seal(text, int.from_bytes(count, "big"))
            secret = made[secret_at(made)[0] :]
        else:
            secret = bytes([security]) + count + text
        octets = at - 10  # of the length: as many as it had
        size = bytes([len(secret)]) if octets == 1 else bytes([0x80 + octets - 1]) + len(secret).to_bytes(octets - 1, "big")
        return apdu[:2] + title + size + secret

    def _refuse(self, reason: str) -> None:
        self.refused[reason] += 1
