"""SML captures: files whose checksum is right in; the same with other ids, keys and signatures, all checksums made anew, out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from host_tools.anonymising.names import Names
from host_tools.meters import crc
from host_tools.meters.sml import ESCAPE, START

_FILE = re.compile(rb"(?s)\x1b{4}\x01{4}.*?\x1b{4}\x1a(.)(..)")
_OCTETS, _LIST = 0, 7  # kinds of elements
_OPEN, _LIST_RESPONSE, _CLOSE = 0x0101, 0x0701, 0x0201
_MAKER = 3  # octets of a maker's letters, which stay


class _Odd(ValueError):
    """What is not built as SML says."""


def files(data: bytes, names: Names) -> Iterator[bytes]:
    """Each file that is whole, parsed to its last element and changed; what cannot be parsed is dropped."""
    at = 0
    while found := _FILE.search(data, at):
        at = data.rfind(START, at, found.end())
        wire = data[at : found.end()]
        total = next((total for total in (crc.x25, crc.kermit) if _sums(wire, total)), None)
        if total is None:  # its end was lost, or was none: the next may begin within
            at += 1
            continue
        at = found.end()
        body = bytearray(wire[8:-8].replace(ESCAPE * 2, ESCAPE))
        try:
            _change(body, names, total)
        except (_Odd, IndexError):
            continue
        made = START + bytes(body).replace(ESCAPE, ESCAPE * 2) + ESCAPE + b"\x1a" + found[1]
        yield made + total(made).to_bytes(2, _order(total))


def _order(total) -> str:
    return "little" if total is crc.x25 else "big"


def _sums(wire: bytes, total) -> bool:
    return total(wire[:-2]) == int.from_bytes(wire[-2:], _order(total))


def _element(body: bytearray, at: int) -> tuple[int, int, int]:
    """(kind, size, where it begins) of the element at `at`: octets that follow, or members of a list."""
    octet = body[at]
    if not octet:  # end of a message
        return _OCTETS, 0, at + 1
    kind, size, fields = octet >> 4 & 7, octet & 15, 1
    while octet & 0x80:
        octet = body[at + fields]
        size = size << 4 | octet & 15
        fields += 1
    if kind != _LIST:
        size -= fields
        if size < 0 or at + fields + size > len(body):
            raise _Odd
    return kind, size, at + fields


def _members(body: bytearray, at: int) -> tuple[list[int], int]:
    """Where the members of the list at `at` begin, and the index behind it."""
    kind, size, at = _element(body, at)
    if kind != _LIST:
        raise _Odd
    found = []
    for _ in range(size):
        found.append(at)
        at = _after(body, at)
    return found, at


def _after(body: bytearray, at: int) -> int:
    kind, size, at = _element(body, at)
    if kind != _LIST:
        return at + size
    for _ in range(size):
        at = _after(body, at)
    return at


def _change(body: bytearray, names: Names, total) -> None:
    at = 0
    while at < len(body):
        if not body[at]:
            at += 1
            continue
        parts, end = _members(body, at)
        if len(parts) != 6:
            raise _Odd
        _, size, where = _element(body, parts[4])
        kind_of_sum = _message_sum(bytes(body[at : parts[4]]), bytes(body[where : where + size]), total)
        tag, payload = _members(body, parts[3])[0]
        _, length, start = _element(body, tag)
        number = int.from_bytes(body[start : start + length], "big")
        if number == _OPEN:
            members = _members(body, payload)[0]
            for member in members[:4]:
                _name(body, member, names, keep=0)
        elif number == _LIST_RESPONSE:
            _response(body, _members(body, payload)[0], names)
        elif number != _CLOSE:
            raise _Odd
        if size == 2:
            body[where : where + 2] = kind_of_sum[0](bytes(body[at : parts[4]])).to_bytes(2, kind_of_sum[1])
        at = end


def _message_sum(covered: bytes, sum_of_it: bytes, total) -> tuple:
    """(sum, order of octets) that a message has; meters differ, and the file's own where none is right."""
    for kind in (crc.x25, crc.kermit):
        for order in ("little", "big"):
            if kind(covered).to_bytes(2, order) == sum_of_it:
                return kind, order
    return total, "little"


def _response(body: bytearray, members: list[int], names: Names) -> None:
    _name(body, members[0], names)
    _name(body, members[1], names)
    for entry in _members(body, members[4])[0]:
        parts = _members(body, entry)[0]
        if len(parts) != 7:
            raise _Odd
        kind, size, where = _element(body, parts[5])
        if kind == _OCTETS and size > _MAKER:
            _name(body, parts[5], names)
        elif kind == _LIST:
            raise _Odd
        _blank(body, parts[6])
    for member in members[5:]:
        _blank(body, member)


def _blank(body: bytearray, at: int) -> None:
    """A signature, whose octets are those of a key: none that tells who made it remains."""
    kind, size, where = _element(body, at)
    if kind == _OCTETS:
        body[where : where + size] = bytes(size)


def _name(body: bytearray, at: int, names: Names, keep: int = 0) -> None:
    """Another id for the octets at `at`; of ids of DIN 43863-5 the maker stays, and the series."""
    kind, size, where = _element(body, at)
    if kind != _OCTETS or not size:
        return
    old = bytes(body[where : where + size])
    if size == 10 and old[2:5].isalpha():
        new = names.serial(old)
    else:
        new = names.octets(old, keep)
    body[where : where + size] = new
