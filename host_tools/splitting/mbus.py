"""Wired M-Bus long frames: bytes of a line in; DLMS telegrams with their segments, and AMIS's, out (as places, see spans)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from host_tools.splitting.spans import Telegram, Unit

_START = re.compile(rb"(?s)\x68(.)\1\x68[\x53\x73]")
_STOP = 0x16
_AROUND = 6  # octets that the length does not count
_SAGEMCOM = 257  # octets that follow where older ones say 1
_CI, _USER, _TAIL = 6, 4, 2
_PORTS = 2  # octets between CI and the APDU
_LAST, _NUMBER, _AMIS = 0x10, 0x0F, 0x5B


def units(data: bytes) -> Iterator[Unit]:
    """Each long frame that ends where it says; its contents are those from C on."""
    at = 0
    while found := _START.search(data, at):
        at = found.start()
        size = data[at + 1]
        size = _SAGEMCOM if size == 1 and data[at + _CI : at + _CI + 1] == b"\0" else size
        end = at + size + _AROUND
        if size < 4 or end > len(data) or data[end - 1] != _STOP:
            at += 1
            continue
        good = sum(data[at + _USER : end - _TAIL]) & 0xFF == data[end - _TAIL]
        yield Unit(at, end, at + _USER, end - _TAIL, good)
        at = end


def telegrams(data: bytes) -> Iterator[Telegram]:
    """Each DLMS telegram of which no segment is missing."""
    kept: list[Unit] = []
    for unit in units(data):
        kind = data[unit.start + _CI]
        if kind & ~(_LAST | _NUMBER):
            continue
        if not kind & _NUMBER:
            kept = []
        if kind & _NUMBER != len(kept):
            kept = []
            continue
        kept.append(unit)
        if kind & _LAST:
            places = [place for one in kept for place in range(one.start + _CI + 1 + _PORTS, one.last)]
            if places:
                yield Telegram(tuple(kept), tuple(places))
            kept = []


def amis(data: bytes) -> Iterator[Telegram]:
    """Each telegram of an AMIS meter, C to the last octet of data."""
    for unit in units(data):
        if data[unit.start + _CI] == _AMIS:
            yield Telegram((unit,), tuple(range(unit.first, unit.last)))
