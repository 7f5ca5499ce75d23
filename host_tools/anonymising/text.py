"""P1 and D0 captures: text telegrams in; the same with other ids and texts, their checksum made anew, out. What is no such line is dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor

from host_tools.anonymising.names import Names
from host_tools.meters import crc

_P1 = re.compile(rb"/[A-Za-z]{3}[0-9][ -~]{0,90}\r?\n\r?\n(?:[^!\x80-\xff]|(?<!\n)!){1,8000}?\n!([0-9A-Fa-f]{0,4})")
_D0 = re.compile(
    rb"(?:/[A-Za-z]{3}[0-9A-I][ -~]{0,60}\r?\n\r?\n?\x02?|\x02|(?=(?:0\.0\.0|F\.F|C\.1)(?:\*\d+)?\())[^/!\x03\x80-\xff]{8,8000}!(?:\r?\n|\Z)(?:\x03([\0-\xff]))?")
_VERSIONS = (b"1-3:0.2.8(", b"0-0:96.1.4(")
_DATA = re.compile(r"((?:\d{1,3}-\d{1,3}:)?[0-9A-Z]{1,3}(?:\.[0-9A-Z]{1,3}){0,2}(?:[*&]\d{1,3})?)((?:\([^()]*\))+)")
_DATA_LINE = re.compile(f"(?:{_DATA.pattern})+")
_NUMBER = re.compile(r"^[-+]?\d{1,12}(?:\.\d{1,9})?\*[A-Za-z0-9]{1,5}$|^[-+]?\d{1,12}\.\d{1,9}$")
_TIME = re.compile(r"^\d{12}[SWsw]?$|^\d{2}[-:]\d{2}[-:]\d{2}$")
_NAME_OF_CODE = re.compile(r"^\d{1,2}-\d{1,2}:\d{1,3}\.\d{1,3}\.\d{1,3}$|^m3$|^kWh$|^GJ$")
# Short numbers without a unit: tariffs, counts of failures, versions, device types, states.
_SHORT = re.compile(r"^[0-9A-Fa-f]{0,5}$|^ON$|^OFF$")
_STATUS = ("96.5.", "97.97.")  # codes whose hexadecimal digits are states and errors
_DIGITS = re.compile(rb"\d{4,}")
_HEAD = 5  # '/', the maker's letters and the speed


def p1(data: bytes, names: Names) -> Iterator[bytes]:
    """Each telegram whose CRC is right, or that comes from a meter that has none."""
    for found in _whole(_P1, _p1_right, data):
        whole, digits = found[0], found[1]
        body = whole[: len(whole) - len(digits)]
        head, lines = body[:-1].split(b"\n", 1)
        made = _head(head, names) + b"\n" + _lines(lines, names) + b"!"
        yield made + (b"%04X" % crc.arc(made) if digits else b"") + b"\r\n"


def d0(data: bytes, names: Names) -> Iterator[bytes]:
    """Each telegram whose BCC is right, or that has none."""
    for found in _whole(_D0, _d0_right, data):
        whole = found[0]
        start = whole.find(b"\x02") + 1
        head_end = start - 1 if start else whole.index(b"\n") + 1 if whole[:1] == b"/" else 0
        head, mark, rest = whole[:head_end], whole[head_end:start], whole[max(head_end, start) :]
        text = _lines(rest[: rest.rindex(b"!")], names)
        if b"(" not in text:
            continue
        made = _head(head, names) + mark + text + b"!\r\n"
        if found[1] is not None:
            made += b"\x03"
            made += bytes([reduce(xor, made[made.index(b"\x02") + 1 :])])
        yield made


def _whole(form: re.Pattern, right: Callable[[re.Match], bool], data: bytes) -> Iterator[re.Match]:
    """The telegrams of that form that are right; where one was cut, the next may begin within what looks like it."""
    at = 0
    while found := form.search(data, at):
        good = right(found)
        at = found.end() if good else found.start() + 1
        if good:
            yield found


def _p1_right(found: re.Match) -> bool:
    digits = found[1]
    body = found[0][: len(found[0]) - len(digits)]
    return crc.arc(body) == int(digits, 16) if digits else not any(version in body for version in _VERSIONS)


def _d0_right(found: re.Match) -> bool:
    whole, start = found[0], found[0].find(b"\x02") + 1
    return found[1] is None or bool(start) and not (reduce(xor, whole[start:-1]) ^ whole[-1]) & 0x7F


def _head(head: bytes, names: Names) -> bytes:
    """The identification: longer runs of digits in it may be a serial number."""
    return head[:_HEAD] + _DIGITS.sub(lambda run: names.octets(run[0]), head[_HEAD:])


def _lines(text: bytes, names: Names) -> bytes:
    """The lines that are data, with other values where those are no numbers; others are dropped."""
    kept = []
    lines = [line.rstrip("\r") for line in text.decode("ascii", "replace").split("\n")]
    for number, line in enumerate(lines):
        if not line:
            kept.append(line)
            continue
        if _DATA_LINE.fullmatch(line):
            kept.append(_DATA.sub(lambda found: found[1] + _groups(found[1], found[2], names), line))
        elif number and re.match(r"^\(\d{1,9}\.\d{1,3}\)$", line):  # gas of DSMR 2 and 3
            kept.append(line)
    return "\r\n".join(kept).encode("ascii")


def _groups(code: str, groups: str, names: Names) -> str:
    if any(harmless in code for harmless in _STATUS):
        return groups
    return "".join(f"({_value(group, names)})" for group in re.findall(r"\(([^()]*)\)", groups))


def _value(value: str, names: Names) -> str:
    for harmless in (_NUMBER, _TIME, _NAME_OF_CODE, _SHORT):
        if harmless.match(value):
            return value
    return names.text(value)
