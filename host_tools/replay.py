"""A capture (raw bytes of a meter's line, with its noise) in; its telegrams with the pace and the line settings to play them with out.

The splitting is the tools' own: it looks for the marks of a telegram and judges no checksum, so that damage is played as it was captured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from host_tools.errors import UserError
from host_tools.meters.line import INFRARED, P1_FAST, P1_SLOW, Line
from host_tools.meters.localtime import unix_of
from host_tools.meters.play import Telegram

MAX_CAPTURE = 128 << 20  # bytes: more than a day of a meter that sends a kilobyte every second; it is held in memory
# Inside a telegram no line begins with a slash, and nothing looks like another header: where it does, the first telegram was cut.
_P1 = re.compile(rb"""/[A-Za-z][ -~]{3,96}\r?\n
    (?: [^/!] | (?<!\n)! | (?<!\n)/(?![A-Za-z]{3}\d[ -~]{0,96}\r?\n\r?\n) ){0,8192}?
    \n!(?P<crc>[0-9A-Fa-f]{0,4})\r?\n?""", re.VERBOSE)
_P1_TIME = re.compile(rb"0-0:1\.0\.0\((\d{12})([SW])\)")
_P1_VERSION = re.compile(rb"(?:1-3:0\.2\.8|0-0:96\.1\.4)\((\d\d)")
_ESCAPE, _SML_START = b"\x1b" * 4, b"\x01" * 4
_CADENCES = {"sml": 1.0, "p1-1s": 1.0, "p1-10s": 10.0}
_SHORTEST_S, _LONGEST_S = 0.5, 60.0  # gaps between a meter's own timestamps that are believed
_NEVER = (b"000101", b"632525")  # stamps of a clock that was never set


@dataclass(frozen=True)
class Piece:
    """`data` is a telegram with the noise before it; `telegram_at` is where the telegram begins; `time` is the meter's own, or None."""

    data: bytes
    telegram_at: int
    time: int | None = None


@dataclass(frozen=True)
class Capture:
    """A capture ready to be played; `rest` is what follows the last telegram."""

    name: str
    protocol: str
    line: Line
    cadence_s: float
    pieces: tuple[Piece, ...]
    rest: bytes = b""

    @property
    def paced_by_meter(self) -> bool:
        """True when the telegrams carry times that make sense one after the other."""
        times = [piece.time for piece in self.pieces]
        return len(times) > 1 and None not in times and all(
            _SHORTEST_S <= after - before <= _LONGEST_S for before, after in zip(times, times[1:]))

    @property
    def duration_s(self) -> float:
        """Seconds from the first telegram to the moment at which another round may begin."""
        span = self.pieces[-1].time - self.pieces[0].time if self.paced_by_meter else (len(self.pieces) - 1) * self.cadence_s
        return span + self.cadence_s

    def telegrams(self, loop: bool = False) -> Iterator[Telegram]:
        """Each telegram, the noise before it included, when it is due; `loop` begins anew for ever."""
        by_meter, begin, turn = self.paced_by_meter, self.pieces[0].time, 0
        while True:
            for index, piece in enumerate(self.pieces):
                due = piece.time - begin if by_meter else index * self.cadence_s
                data = piece.data + (self.rest if index == len(self.pieces) - 1 else b"")
                yield Telegram(turn * self.duration_s + due, piece.time, data)
            turn += 1
            if not loop:
                return


def read(path: str) -> Capture:
    """Reads and splits a capture. Raises UserError when it cannot be read or has no telegram in it."""
    try:
        if Path(path).stat().st_size > MAX_CAPTURE:
            raise UserError(f"'{path}' is larger than {MAX_CAPTURE >> 20} MB: play a part of it")
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UserError(f"there is no file '{path}'") from None
    except IsADirectoryError:
        raise UserError(f"'{path}' is a folder: name the capture in it") from None
    except PermissionError:
        raise UserError(f"'{path}' may not be read: change its permissions") from None
    if not data:
        raise UserError(f"'{path}' is empty")
    return split(data, Path(path).name)


def split(data: bytes, name: str = "capture") -> Capture:
    """Finds what kind of capture it is, and its telegrams."""
    for protocol, find in (("sml", _sml_spans), ("p1", _p1_spans)):
        spans = find(data)
        if spans:
            pieces, end = [], 0
            for start, stop in spans:
                pieces.append(Piece(data[end:stop], start - end, _time_of(data[start:stop]) if protocol == "p1" else None))
                end = stop
            line, cadence = _manner(protocol, data, spans)
            return Capture(name, protocol, line, cadence, tuple(pieces), data[end:])
    raise UserError(f"'{name}' has no whole P1 or SML telegram in it: a capture is what a meter sent, byte for byte")


def _manner(protocol: str, data: bytes, spans: list[tuple[int, int]]) -> tuple[Line, float]:
    """Line settings and cadence that such meters have."""
    if protocol == "sml":
        return INFRARED, _CADENCES["sml"]
    with_crc = any(_P1.fullmatch(data[start:stop])["crc"] for start, stop in spans)
    if not with_crc:
        return P1_SLOW, _CADENCES["p1-10s"]
    version = _P1_VERSION.search(data)
    return P1_FAST, _CADENCES["p1-1s" if version is None or version[1] >= b"50" else "p1-10s"]


def _p1_spans(data: bytes) -> list[tuple[int, int]]:
    return [match.span() for match in _P1.finditer(data)]


def _time_of(telegram: bytes) -> int | None:
    """The telegram's own time as unix seconds, in the zone of its country (UTC+1 with summer time, told by the letter)."""
    found = _P1_TIME.search(telegram)
    if not found or found[1].startswith(_NEVER):
        return None
    try:
        return unix_of(datetime.strptime(found[1].decode(), "%y%m%d%H%M%S"), found[2] == b"S")
    except ValueError:
        return None


def _sml_spans(data: bytes) -> list[tuple[int, int]]:
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
