"""HDLC: bytes of a line in; the telegrams in it, their segments and blocks put together, out (as places, see spans)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from host_tools.meters import crc
from host_tools.meters.hdlc import LLC
from host_tools.splitting.spans import Telegram, Unit

_START = re.compile(rb"\x7e(?=[\xa0-\xaf])")
_FLAG, _SEGMENTED, _BLOCK, _LAST = 0x7E, 0x08, 0xE0, 0x80
_ADDRESS_MAX = 4  # octets
_SUM = 2  # octets of a checksum


def addresses(data: bytes, at: int) -> list[tuple[int, int]]:
    """First octet and the index behind the last, of destination and source of the frame whose flag is at `at`; [] when they are none."""
    found, begin = [], at + 3
    for _ in range(2):
        for end in range(begin + 1, min(begin + _ADDRESS_MAX, len(data)) + 1):
            if data[end - 1] & 1:
                found.append((begin, end))
                begin = end
                break
        else:
            return []
    return found


def _unit(data: bytes, at: int) -> Unit | None:
    """The frame whose flag is at `at`, if its header is right and a flag stands where it says that it ends."""
    if at + 3 > len(data):
        return None
    end = at + 2 + ((data[at + 1] & 7) << 8 | data[at + 2])
    found = addresses(data, at) if end <= len(data) and data[end - 1] == _FLAG else []
    if not found:
        return None
    check = found[-1][1] + 1  # behind control
    last = end - 1 - _SUM
    if check > last or crc.x25(data[at + 1 : check]) != int.from_bytes(data[check : check + _SUM], "little"):
        return None
    good = crc.x25(data[at + 1 : last]) == int.from_bytes(data[last : end - 1], "little")
    return Unit(at, end, min(check + _SUM, last), last, good)


def units(data: bytes) -> Iterator[Unit]:
    """Each frame; the flag that ends one may begin the next."""
    at = 0
    while found := _START.search(data, at):
        unit = _unit(data, found.start())
        at = unit.end - 1 if unit else found.start() + 1
        if unit:
            yield unit


def telegrams(data: bytes) -> Iterator[Telegram]:
    """Each telegram of which no frame is missing; a block that was sent twice is taken once."""
    kept: list[Unit] = []  # of blocks before
    apdu: list[int] = []
    running: list[Unit] = []  # of the information that comes
    info: list[int] = []
    block = 0
    for unit in units(data):
        if unit.first == unit.last:
            continue
        if data[unit.first : unit.first + len(LLC)] == LLC:
            running, info = [], []
        running.append(unit)
        info += range(unit.first, unit.last)
        if data[unit.start + 1] & _SEGMENTED:
            continue
        number, last, part = _block(data, info)
        frames, running, info = running, [], []
        if number and number == block and number > 1:
            continue
        if number <= 1:
            kept, apdu = [], []
        elif number != block + 1:
            kept, apdu, block = [], [], 0
            continue
        kept, apdu, block = kept + frames, apdu + part, number
        if last and apdu:
            yield Telegram(tuple(kept), tuple(apdu))
            block = 0


def _block(data: bytes, info: list[int]) -> tuple[int, bool, list[int]]:
    """(number, whether it is the last, places of its data) of a block of general block transfer; number 0: all of an APDU."""
    if bytes(data[place] for place in info[: len(LLC)]) == LLC:
        info = info[len(LLC) :]
    if len(info) < 7 or data[info[0]] != _BLOCK:
        return 0, True, info
    size, at = data[info[6]], 7
    if size & 0x80:
        count = size & 0x7F
        size, at = int.from_bytes(bytes(data[place] for place in info[7 : 7 + count]), "big"), 7 + count
    if at + size != len(info):
        return 0, False, []
    return data[info[2]] << 8 | data[info[3]], bool(data[info[1]] & _LAST), info[at:]
