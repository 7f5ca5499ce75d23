"""DLMS without a link: bytes of a line in; encrypted APDUs and data-notifications out (as places, see spans)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from host_tools.splitting import axdr
from host_tools.splitting.spans import Telegram, Unit

# E6 E7 00 may stand before either. An encrypted one begins with its system title, the maker's letters first.
_START = re.compile(rb"(?s)(?:\xe6[\xe6\xe7]\x00)?(?:\xdb\x08(?=[A-Za-z]{3}.{7})|\x0f(?=.{4}[\x00\x09\x0c]))")
_LONGEST = 4096  # octets
_TITLE = 8
_LEAST = 16  # octets of a secret: security, counter and some text


def telegrams(data: bytes) -> Iterator[Telegram]:
    """Each APDU that is as long as it says, or whose last value ends it."""
    at = 0
    while found := _START.search(data, at):
        first = found.end() - (2 if found[0].endswith(b"\x08") else 1)
        end = _ciphered_end(data, first) if data[first] == 0xDB else _plain_end(data, first)
        if not end:
            at = found.start() + 1
            continue
        yield Telegram((Unit(found.start(), end, first, end),), tuple(range(first, end)))
        at = end


def secret_at(data: bytes, at: int = 0) -> tuple[int, int]:
    """(where the security octet is, the index behind the last octet) of the encrypted APDU at `at`, as it says. ValueError, IndexError."""
    at += 2 + _TITLE
    size, at = data[at], at + 1
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count < 3:
            raise ValueError
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    return at, at + size


def _ciphered_end(data: bytes, at: int) -> int:
    try:
        secret, end = secret_at(data, at)
    except (ValueError, IndexError):
        return 0
    if not _LEAST <= end - secret <= _LONGEST or end > len(data) or data[secret] & 0x8C:
        return 0
    title = data[at : at + 2 + _TITLE]
    return 0 if data.find(title, at + 1, end) >= 0 else end  # another begins within: this one was cut


def _plain_end(data: bytes, at: int) -> int:
    piece = data[at : at + _LONGEST]
    try:
        body, _ = axdr.head(piece)
        found, end = axdr.values(piece, body)
    except ValueError:
        return 0
    return at + end if found else 0
