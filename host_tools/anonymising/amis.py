"""AMIS telegrams of Netz OOe: C to the last octet of data, AES-CBC inside, in; the same with other ids under a published key out."""

from __future__ import annotations

from host_tools.anonymising.names import Names
from host_tools.anonymising.vault import KEY, Vault
from host_tools.meters.cipher import cbc

_HEAD = 15  # octets before the text
_ID, _MAKER, _KIND, _ACCESS, _MODE = slice(3, 7), slice(7, 9), slice(9, 11), 11, slice(13, 15)
_MODE_5, _BLOCK = 0x05, 16
_FILL, _MORE, _MAKERS_OWN = 0x2F, 0x80, 0x0F
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, -1, 6, 0)  # octets of a value by the low half of its DIF; -1: a length follows
# Format and unit of what is measured, and of the time: what is nobody's name.
_KEPT = frozenset(map(bytes.fromhex, (
    "066d", "0403", "04833c", "8410fb8273", "8410fb82f33c", "042b", "04ab3c", "04fb14", "04fb943c", "0483ff04")))


def frame(octets: bytes, names: Names, vault: Vault) -> bytes | None:
    """The changed frame, just as long; None, with the reason counted in `vault`, when it must be dropped."""
    text = octets[_HEAD:]
    if len(text) < _BLOCK or octets[14] & 0x1F != _MODE_5 or len(text) != octets[13] & 0xF0:
        vault.refused["length"] += 1
        return None
    if vault.key is None:
        vault.refused["key_missing"] += 1
        return None
    plain = _open(text, vault.key, _start(octets))
    if plain[:2] != bytes([_FILL] * 2) or plain[-2:] != bytes([_FILL] * 2):
        vault.refused["key_wrong"] += 1
        return None
    number = octets[_ID]
    if any(number):
        number = bytes.fromhex(names.octets(number.hex().encode()).decode())
    head = octets[:3] + number + octets[7:_HEAD]
    vault.sealed += 1
    return head + cbc(records(plain), KEY, _start(head))


def _start(octets: bytes) -> bytes:
    """The first block of the chain: who the meter is, and the number of the telegram."""
    return octets[_MAKER] + octets[_ID] + octets[_KIND] + octets[_ACCESS : _ACCESS + 1] * 8


def _open(text: bytes, key: bytes, start: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - only what is encrypted needs it

    machine = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return machine.update(text) + machine.finalize()


def records(plain: bytes) -> bytes:
    """The text with filling in the place of every record that is not known."""
    made, at = bytearray(plain), 0
    while at < len(plain):
        if plain[at] == _FILL:
            at += 1
            continue
        begin, kind = at, plain[at] & 0x0F
        for _ in range(2):  # format, unit, and what extends them
            while at < len(plain) and plain[at] & _MORE:
                at += 1
            at += 1
        head, size = plain[begin:at], _SIZES[kind]
        if size < 0:
            size = 1 + plain[at] if at < len(plain) else 1
        at = len(plain) if kind == _MAKERS_OWN else at + size
        if head not in _KEPT or at > len(plain):
            at = min(at, len(plain))
            made[begin:at] = bytes([_FILL]) * (at - begin)
    return bytes(made)
