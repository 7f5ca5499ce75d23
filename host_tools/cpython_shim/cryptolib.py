"""Stands in for MicroPython's `cryptolib`, so that CPython can decrypt with the firmware's pure packages: AES keys in, blocks out.

Modes 1 (ECB) and 2 (CBC), as the ESP32 has them; as there, one object either encrypts or decrypts, and CBC goes on where
the last call ended. ECB is safe for nobody's own messages: the firmware makes the key stream of GCM from it.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 16
_ECB, _CBC = 1, 2


class aes:
    """An AES key in use: aes(key, mode[, IV]) with mode 1 (ECB) or 2 (CBC)."""

    def __init__(self, key, mode, IV=None, /):
        if len(key) not in (16, 32):
            raise ValueError("key")
        if mode not in (_ECB, _CBC):
            raise ValueError("mode")
        if mode == _CBC and (IV is None or len(IV) != _BLOCK):
            raise ValueError("IV")
        used = modes.CBC(bytes(IV)) if mode == _CBC else modes.ECB()
        self._cipher = Cipher(algorithms.AES(bytes(key)), used)
        self._encrypts = None
        self._context = None

    def encrypt(self, data, out=None, /):
        """Encrypts whole blocks: to `out` (may be `data` itself), else to new bytes; gives what it wrote to."""
        return self._work(True, data, out)

    def decrypt(self, data, out=None, /):
        """Decrypts whole blocks: to `out` (may be `data` itself), else to new bytes; gives what it wrote to."""
        return self._work(False, data, out)

    def _work(self, encrypts: bool, data, out):
        if self._context is None:
            self._encrypts = encrypts
            self._context = self._cipher.encryptor() if encrypts else self._cipher.decryptor()
        elif self._encrypts is not encrypts:
            raise ValueError("can't encrypt & decrypt")
        if len(data) % _BLOCK:
            raise ValueError("blksize % 16")
        if out is not None and len(out) < len(data):
            raise ValueError("output too small")
        result = self._context.update(data)
        if out is None:
            return result
        memoryview(out)[: len(result)] = result
        return out
