"""P1, D0 and SML: bytes of a line in; where each telegram lies (start, end) out. No checksum is judged."""

from __future__ import annotations

import re

# Inside a telegram no line begins with a slash, and nothing looks like another header: where it does, the first telegram was cut.
P1 = re.compile(rb"""/[A-Za-z][ -~]{3,96}\r?\n
    (?: [^/!] | (?<!\n)! | (?<!\n)/(?![A-Za-z]{3}\d[ -~]{0,96}\r?\n\r?\n) ){0,8192}?
    \n!(?P<crc>[0-9A-Fa-f]{0,4})\r?\n?""", re.VERBOSE)
# The identification, which may be missing before STX or before what readouts begin with, lines, an exclamation mark.
_D0 = re.compile(rb"""(?: /[A-Za-z]{3}[0-9A-I][ -~]{0,60}\r?\n (?:\r?\n)? \x02? | \x02 | (?=(?:0\.0\.0|F\.F|C\.1)(?:\*\d+)?\() )
    (?: [^/!\x02\x03\x80-\xff] | /(?![A-Za-z]{3}[0-9A-I]) ){4,8192}?
    !(?:\r?\n|\Z) (?:\x03[\0-\xff])?""", re.VERBOSE)
_P1_LINES = re.compile(rb"/[^\n]*\n\r?\n\d{1,3}-\d{1,3}:[\d.]+\(")  # an empty line, then codes with a medium and a channel
_FIELD_F = re.compile(rb"\n\x02?[\d:.-]+\*\d{1,3}\(")
_ESCAPE, _SML_START = b"\x1b" * 4, b"\x01" * 4


def p1(data: bytes) -> list[tuple[int, int]]:
    return [found.span() for found in P1.finditer(data) if found["crc"] or not _is_d0(found[0])]


def d0(data: bytes) -> list[tuple[int, int]]:
    return [found.span() for found in _D0.finditer(data) if _is_d0(found[0])]


def _is_d0(telegram: bytes) -> bool:
    return b"\x02" in telegram or not _P1_LINES.match(telegram) or bool(_FIELD_F.search(telegram))


def sml(data: bytes) -> list[tuple[int, int]]:
    """From start to end escape sequence with its checksum; a start inside a telegram means that the one before was cut."""
    spans, start, at = [], None, data.find(_ESCAPE)
    while at >= 0:
        what = data[at + 4:at + 8]
        step = 8
        if what == _SML_START:
            start = at
        elif what == _ESCAPE:
            pass  # the telegram's own bytes
        elif what[:1] == b"\x1a" and len(what) == 4 and what[1] <= 3:
            if start is not None:
                spans.append((start, at + 8))
            start = None
        else:
            step = 1
        at = data.find(_ESCAPE, at + step)
    return spans
