"""How meters encrypt: plaintext, key, system title and frame counter in; general-glo-ciphering APDUs or AES-CBC blocks (bytes) out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from host_tools.meters.dlms import length

ENCRYPTED, ENCRYPTED_SUITE_1, AUTHENTICATED = 0x20, 0x21, 0x30  # security bytes
_TAG = 12  # bytes of the sixteen that DLMS keeps


def invented(name: str) -> str:
    """A key of 32 hex digits that belongs to no real meter: the same for the same name."""
    return hashlib.sha256(f"simulated {name}".encode()).hexdigest()[:32].upper()


@dataclass(frozen=True)
class Cipher:
    """AES-128-GCM of one meter. `title` are eight octets, `wide` says that the length always takes two bytes more."""

    title: bytes
    key: str
    security: int = ENCRYPTED
    auth_key: str = ""
    wide: bool = False

    def seal(self, plain: bytes, counter: int) -> bytes:
        """The APDU. Without authentication there is no tag, and the authentication key is of no account."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only meters that encrypt need it

        count, tagged = counter.to_bytes(4, "big"), self.security & 0x10
        extra = bytes([self.security]) + bytes.fromhex(self.auth_key) if tagged else None
        sealed = AESGCM(bytes.fromhex(self.key)).encrypt(self.title + count, plain, extra)
        secret = bytes([self.security]) + count + sealed[:len(plain) + (_TAG if tagged else 0)]
        size = b"\x82" + len(secret).to_bytes(2, "big") if self.wide else length(len(secret))
        return b"\xdb\x08" + self.title + size + secret

    @property
    def keys(self) -> dict:
        """What an owner enters."""
        return {"key": self.key} | ({"auth_key": self.auth_key} if self.security & 0x10 else {})


def cbc(plain: bytes, key: str, start: bytes) -> bytes:
    """Whole blocks, no padding."""
    from cryptography.hazmat.primitives.ciphers import Cipher as Machine  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers import algorithms, modes  # noqa: PLC0415

    machine = Machine(algorithms.AES(bytes.fromhex(key)), modes.CBC(start)).encryptor()
    return machine.update(plain) + machine.finalize()
