"""DLMS telegrams: one APDU, plain or encrypted, in; the same with other ids, names and system title, just as long, out. None for what it cannot read."""

from __future__ import annotations

import re

from host_tools.anonymising import text
from host_tools.anonymising.names import Names
from host_tools.anonymising.vault import Vault
from host_tools.splitting import axdr
from host_tools.splitting.apdu import secret_at
from host_tools.splitting.axdr import Value

_CIPHERED, _SLASH = 0xDB, b"/"
_TITLE, _MAKER = slice(2, 10), 3
_TITLE_SIZE = 8
# Names of lists are the same in all meters of a maker, and tell how to read them.
_LIST_ID = re.compile(rb"(?:AIDON|Kamstrup)_V\d{4}|KFM_\d{3}")
# What the maker's letters and some digits begin is a logical device name; a Kamstrup's kind says at its ends what its numbers are in.
_DEVICE_NAME = re.compile(rb"[A-Z]{3}[0-9]")
_KAMSTRUP_KIND, _KIND_KEPT = re.compile(rb"68\d{5}[A-Z]{2}\d{9}"), 3
_SIZES_OF_NUMBERS = {5: 0x7FFFFFFF, 6: 0xFFFFFFFF, 17: 0xFF, 18: 0xFFFF, 20: 0x7FFFFFFFFFFFFFFF, 21: 0xFFFFFFFFFFFFFFFF}


def apdu(octets: bytes, names: Names, vault: Vault) -> bytes | None:
    """The changed APDU; only one with P1 text inside may be shorter. None, with the reason counted in `vault`, when it must be dropped."""
    if octets[:1] != bytes([_CIPHERED]):
        return _counted(notification(octets, names), vault, "odd")
    plain = vault.plain(octets)
    if plain is None:
        return None
    security = octets[secret_at(octets)[0]]
    if plain[:1] == _SLASH:
        made = _p1(plain, names)
    else:
        made = notification(plain, names, whole=bool(security))
    if made is None:
        return _counted(None, vault, "key_wrong" if security else "odd")
    closed = vault.close(octets, names.binary(octets[_TITLE], _MAKER), made)
    return closed + bytes(max(0, len(octets) - secret_at(octets)[1]))


def _counted(made: bytes | None, vault: Vault, reason: str) -> bytes | None:
    if made is None:
        vault.refused[reason] += 1
    return made


def _p1(plain: bytes, names: Names) -> bytes | None:
    """P1 text with its CRC made anew; None when the CRC is wrong or there is more than one telegram."""
    made = list(text.p1(plain, names))
    if len(made) != 1 or not plain.startswith(_SLASH):
        return None
    return made[0] if len(made[0]) <= len(plain) else made[0].rstrip(b"\r\n")


def notification(octets: bytes, names: Names, whole: bool = False) -> bytes | None:
    """A data-notification with other ids; what follows its last value is made zeros, or with `whole` must not be there."""
    try:
        body, _ = axdr.head(octets)
        found, end = axdr.values(octets, body)
    except ValueError:
        return None
    if not found or whole and end != len(octets):
        return None
    made = bytearray(octets[:end] + bytes(len(octets) - end))
    for value in found:
        made[value.first : value.last] = _value(value, octets[value.first : value.last], names)
    return bytes(made)


def _value(value: Value, octets: bytes, names: Names) -> bytes:
    """What stands in the place of a value's octets."""
    if value.kind in _SIZES_OF_NUMBERS and _is_id(value.code):
        number = names.number(int.from_bytes(octets, "big"), _SIZES_OF_NUMBERS[value.kind])
        return number.to_bytes(len(octets), "big")
    if value.kind not in (axdr.OCTETS, axdr.VISIBLE, axdr.UTF8) or not octets:
        return octets
    if value.kind == axdr.OCTETS and (axdr.is_code(octets) or axdr.is_date_time(octets) or axdr.is_date(octets) or axdr.is_time(octets)):
        return octets
    if _LIST_ID.fullmatch(octets):
        return octets
    if _KAMSTRUP_KIND.fullmatch(octets):
        return octets[:_KIND_KEPT] + names.octets(octets[_KIND_KEPT:-_KIND_KEPT]) + octets[-_KIND_KEPT:]
    if all(32 <= octet < 127 for octet in octets):
        return names.octets(octets, _MAKER if _DEVICE_NAME.match(octets) else 0)
    return names.binary(octets, _MAKER if len(octets) == _TITLE_SIZE and octets[:_MAKER].isalpha() else 0)


def _is_id(code: bytes) -> bool:
    """Whether a register of that code says who a meter is: C.D is 0.0, 42.0 or 96.1."""
    return len(code) == 6 and tuple(code[2:4]) in ((0, 0), (42, 0), (96, 1))
