"""The three 16-bit check sums of meter links: bytes in, integer out; tables are worked out at import from the polynomials."""

from __future__ import annotations

_ARC = 0xA001  # polynomial 0x8005, reflected
_CCITT = 0x8408  # polynomial 0x1021, reflected


def _remainder(data: bytes, polynomial: int, start: int) -> int:
    register = start
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= polynomial
    return register


def _table(polynomial: int) -> list[int]:
    return [_remainder(bytes([index]), polynomial, 0) for index in range(256)]


_TABLES = {_ARC: _table(_ARC), _CCITT: _table(_CCITT)}


def _checksum(data: bytes, polynomial: int, start: int) -> int:
    table, register = _TABLES[polynomial], start
    for byte in data:
        register = register >> 8 ^ table[(register ^ byte) & 0xFF]
    return register


def arc(data: bytes) -> int:
    """P1 trailer: start 0, no final xor; "123456789" gives BB3D."""
    return _checksum(data, _ARC, 0)


def x25(data: bytes) -> int:
    """SML: start FFFF, final xor FFFF; "123456789" gives 906E."""
    return _checksum(data, _CCITT, 0xFFFF) ^ 0xFFFF


def kermit(data: bytes) -> int:
    """SML of some Holley meters: start 0, no final xor; "123456789" gives 2189."""
    return _checksum(data, _CCITT, 0)
