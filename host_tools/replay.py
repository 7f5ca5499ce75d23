"""A capture (raw bytes of a meter's line, with its noise) in; its telegrams with the pace and the line settings to play them with out.

The splitting judges no checksum, so that damage is played as it was captured. The pace is that of the times file that `meterbridge
capture` writes, else that of the telegrams' own times, else a usual one.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from host_tools.errors import UserError
from host_tools.meters.line import INFRARED, P1_FAST, P1_SLOW, Line
from host_tools.meters.localtime import unix_of
from host_tools.meters.play import Telegram
from host_tools.splitting import apdu, axdr, hdlc, mbus, text

MAX_CAPTURE = 128 << 20  # bytes: more than a day of a meter that sends a kilobyte every second; it is held in memory
_P1_TIME = re.compile(rb"0-0:1\.0\.0\((\d{12})([SW])\)")
_P1_VERSION = re.compile(rb"(?:1-3:0\.2\.8|0-0:96\.1\.4)\((\d\d)")
_EVEN, _SLOW_EVEN, _SEVEN = Line(9600, parity=0), Line(2400, parity=0), Line(9600, bits=7, parity=0)
# Line settings and seconds between telegrams that most such meters have.
_MANNERS = {
    "sml": (INFRARED, 1.0), "hdlc": (_SLOW_EVEN, 5.0), "mbus": (_SLOW_EVEN, 5.0), "amis": (_EVEN, 1.0), "dlms": (P1_FAST, 10.0), "d0": (_SEVEN, 2.0),
}
_P1_CADENCES = {True: 1.0, False: 10.0}  # by whether it is DSMR 5
_LINKS = {"hdlc": hdlc.telegrams, "mbus": mbus.telegrams, "amis": mbus.amis, "dlms": apdu.telegrams}
_TEXTS = {"sml": text.sml, "p1": text.p1, "d0": text.d0}
_SHORTEST_S, _LONGEST_S = 0.5, 60.0  # gaps between a meter's own timestamps that are believed
_NEVER = (b"000101", b"632525")  # stamps of a clock that was never set
_MAX_TIMES = 64 << 20  # bytes of a times file


@dataclass(frozen=True)
class Piece:
    """`data` is a telegram with the noise before it; `telegram_at` is where the telegram begins; `time` is the meter's own, or None.

    `came`: seconds from the beginning of the recording, None where nobody noted it.
    """

    data: bytes
    telegram_at: int
    time: int | None = None
    came: float | None = None


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
    def recorded(self) -> bool:
        """True when it was noted how the telegrams came."""
        return all(piece.came is not None for piece in self.pieces)

    @property
    def paced_by_meter(self) -> bool:
        """True when the telegrams carry times that make sense one after the other."""
        times = [piece.time for piece in self.pieces]
        return len(times) > 1 and None not in times and all(
            _SHORTEST_S <= after - before <= _LONGEST_S for before, after in zip(times, times[1:]))

    @property
    def dues(self) -> list[float]:
        """When each telegram is due, in seconds after the first."""
        if self.recorded:
            return [piece.came - self.pieces[0].came for piece in self.pieces]
        if self.paced_by_meter:
            return [float(piece.time - self.pieces[0].time) for piece in self.pieces]
        return [index * self.cadence_s for index in range(len(self.pieces))]

    @property
    def pace(self) -> str:
        """What the pace is taken from, in words."""
        if self.recorded:
            return "as it was recorded"
        return "the times in it" if self.paced_by_meter else f"one every {self.cadence_s:g} s, as it has no steady times"

    @property
    def duration_s(self) -> float:
        """Seconds from the first telegram to the moment at which another round may begin."""
        return round(self.dues[-1] + self.cadence_s, 3)

    def telegrams(self, loop: bool = False) -> Iterator[Telegram]:
        """Each telegram, the noise before it included, when it is due; `loop` begins anew for ever."""
        dues, turn, last = self.dues, 0, len(self.pieces) - 1
        while True:
            for index, (piece, due) in enumerate(zip(self.pieces, dues)):
                data = piece.data + (self.rest if index == last else b"")
                yield Telegram(turn * self.duration_s + due, piece.time, data)
            turn += 1
            if not loop:
                return


def read(path: str, keys: tuple[bytes | None, bytes | None] = (None, None)) -> Capture:
    """Reads and splits a capture. With its keys an encrypted one tells its times. Raises UserError when there is no telegram to read."""
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
    return split(data, Path(path).name, keys, times_beside(Path(path), len(data)))


def times_beside(path: Path, size: int) -> Times | None:
    """What the times file beside a capture says; None when there is none, or it is not about so many bytes."""
    beside = path.with_suffix(".times.jsonl")
    try:
        if beside.stat().st_size > _MAX_TIMES:
            return None
        head, *rows = [json.loads(row) for row in beside.read_text(encoding="utf-8").splitlines()]
        line = Line.parse(head["line"]) if head.get("line") else None
        times = Times(line, [float(row["at"]) for row in rows], list(accumulate(int(row["bytes"]) for row in rows)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError):
        return None
    return times if times.ends and times.ends[-1] == size and times.at == sorted(times.at) else None


@dataclass(frozen=True)
class Times:
    """When the bytes of a capture came: those before ends[i], and behind ends[i - 1], `at[i]` seconds after its beginning."""

    line: Line | None
    at: list[float]
    ends: list[int]

    def of(self, place: int) -> float:
        return self.at[bisect_right(self.ends, place)]


def split(data: bytes, name: str = "capture", keys: tuple = (None, None), times: Times | None = None) -> Capture:
    """Finds what kind of capture it is, the one that explains most of its bytes, and its telegrams."""
    found = {protocol: find(data) for protocol, find in _TEXTS.items()}
    linked = {protocol: list(find(data)) for protocol, find in _LINKS.items()}
    if linked["hdlc"] or linked["mbus"]:
        del linked["dlms"]  # those within frames
    found |= {protocol: [one.span for one in telegrams] for protocol, telegrams in linked.items()}
    protocol = max(found, key=lambda one: sum(end - start for start, end in found[one]))
    spans = found[protocol]
    if not spans:
        raise UserError(f"'{name}' has no whole telegram of any protocol in it: a capture is what a meter sent, byte for byte")
    clocks = [_clock(one.octets(data), keys) for one in linked.get(protocol, ())] if protocol != "amis" else []
    if protocol == "p1":
        clocks = [_time_of(data[start:stop]) for start, stop in spans]
    pieces, end = [], 0
    for (start, stop), clock in zip(spans, clocks or [None] * len(spans)):
        pieces.append(Piece(data[end:stop], start - end, clock, times and times.of(start)))
        end = stop
    line, cadence = _p1_manner(data, spans) if protocol == "p1" else _MANNERS[protocol]
    if times and len(pieces) > 1:
        cadence = round(max(_SHORTEST_S, min(_LONGEST_S, (pieces[-1].came - pieces[0].came) / (len(pieces) - 1))), 1)
    return Capture(name, protocol, times and times.line or line, cadence, tuple(pieces), data[end:])


def _p1_manner(data: bytes, spans: list[tuple[int, int]]) -> tuple[Line, float]:
    """Line settings and cadence that such meters have."""
    if not any(text.P1.fullmatch(data[start:stop])["crc"] for start, stop in spans):
        return P1_SLOW, _P1_CADENCES[False]
    version = _P1_VERSION.search(data)
    return P1_FAST, _P1_CADENCES[version is None or version[1] >= b"50"]


def _time_of(telegram: bytes) -> int | None:
    """The telegram's own time as unix seconds, in the zone of its country (UTC+1 with summer time, told by the letter)."""
    found = _P1_TIME.search(telegram)
    if not found or found[1].startswith(_NEVER):
        return None
    try:
        return unix_of(datetime.strptime(found[1].decode(), "%y%m%d%H%M%S"), found[2] == b"S")
    except ValueError:
        return None


def _clock(octets: bytes, keys: tuple[bytes | None, bytes | None]) -> int | None:
    """The time in a DLMS telegram's head, or in the P1 text inside; None when it has none or cannot be read."""
    from host_tools.anonymising.vault import Vault

    plain = Vault(*keys).plain(octets) if octets[:1] == b"\xdb" else octets
    if plain is None or plain[:1] == b"/":
        return plain and _time_of(plain)
    try:
        when = axdr.head(plain)[1]
    except ValueError:
        return None
    return when and axdr.unix_of(when) or None
