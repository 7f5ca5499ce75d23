"""The protocols that are fuzzed, a row each: a name in; good telegrams, seeds and how to seal a body out.

A further protocol is a further row here and in stages.py, and a judge in checks.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from host_tools import meters, runtime
from host_tools.meters import crc, p1, sml

OWN = runtime.ROOT / "tests" / "telegrams"
SHARED = runtime.ROOT.parent / "shared" / "corpus" / "open"
NOON = 1_750_000_000
CAPTURE_BYTES = 1 << 16  # of a capture that are taken for seeds
SEED_BYTES = 700  # longest seed: short inputs run fast
LINES_PER_SEED = 8  # of a P1 telegram
TELEGRAMS = 2  # of each simulated meter


@dataclass(frozen=True)
class Row:
    """`good` are (telegram on the wire, payload of its frame); `seal` puts a valid envelope around a body (None: there is none)."""

    name: str
    good: tuple[tuple[bytes, bytes], ...]
    seal: Callable[[bytes], bytes] | None
    sealed: Callable[[bytes], bytes | None]  # payload that must come out of a sealed body; None: not said
    shorten: Callable[[bytes], Iterator[bytes]]  # short telegrams out of a capture
    checksums: tuple[str, ...]  # what a frame handed to the decoder may say


def _p1_seal(body: bytes) -> bytes:
    text = b"/AAA5x\r\n\r\n" + body + b"!"
    return text + b"%04X\r\n" % crc.arc(text)


def _p1_sealed(body: bytes) -> bytes | None:
    return None if b"!" in body or b"/" in body or len(body) > 2000 else b"/AAA5x\r\n\r\n" + body + b"!" if body[-1:] in (b"\n", b"\r", b")") else None


def _p1_short(data: bytes) -> Iterator[bytes]:
    for header, text in re.findall(rb"(/[^\r\n/!]{4,60})\r?\n\r?\n([^!/]{20,4000}?)!", data):
        lines = text.split(b"\n")
        for at in range(0, len(lines), LINES_PER_SEED):
            part = header + b"\r\n\r\n" + b"\n".join(lines[at : at + LINES_PER_SEED])
            part = part.rstrip() + b"\r\n!"
            yield part + b"%04X\r\n" % crc.arc(part)


def _sml_short(data: bytes) -> Iterator[bytes]:
    return iter(re.findall(rb"(?s)\x1b{4}\x01{4}.{16,600}?\x1b{4}\x1a...", data))


def _sml_good(seconds: int) -> tuple[bytes, bytes]:
    entry = sml.Entry("0100100700ff", sml.signed(seconds % 5000, 4), sml.WATT)
    wire = sml.file([entry], bytes.fromhex("0a0153494d0000000001"), seconds)
    return wire, wire[8:-8]


def _p1_good(number: int) -> tuple[bytes, bytes]:
    wire = p1.telegram("XMX5METER", ["1-3:0.2.8(50)", p1.power("1-0:1.7.0", number)])
    return wire[:-2], wire[: wire.index(b"!") + 1]


ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("p1", tuple(_p1_good(n) for n in (1, 512, 17250)),
            _p1_seal, _p1_sealed, _p1_short, ("crc16", "none")),
        Row("sml", tuple(_sml_good(n) for n in (7, 0x1B1B1B, 40000000)),
            sml.transport, lambda body: None if b"\x1b" in body or len(body) > 1900 else body + bytes(-len(body) % 4), _sml_short, ("crc16",)),
    )
}  # fmt: skip


def captures(row: Row) -> list[bytes]:
    """What simulated meters of the protocol send, the project's own captures, and the shared ones where they are."""
    found = []
    for name, kind in meters.METERS.items():
        if kind.protocol == row.name:
            meter = meters.make(name)
            found.append(b"".join(meter.telegram(NOON + number * kind.cadence_s) for number in range(TELEGRAMS)))
    for folder in (OWN, SHARED):
        for path in sorted((folder / row.name).glob("*")):
            if path.suffix in (".bin", ".txt"):
                with path.open("rb") as file:
                    found.append(file.read(CAPTURE_BYTES))
    return found


def seeds(row: Row) -> Iterator[bytes]:
    """Short whole telegrams, each once."""
    seen = set()
    for capture in captures(row):
        for number, telegram in enumerate(row.shorten(capture)):
            if len(telegram) <= SEED_BYTES and number < 40 and telegram not in seen:
                seen.add(telegram)
                yield telegram


def write_telegrams(row: Row, path: Path, limit: int) -> int:
    """Telegrams of the captures to `path`, at most `limit` bytes: a line of lengths, then the bytes, the shortest good one first."""
    wholes: list[bytes] = [row.good[0][0]]
    for telegram in sorted(set(seeds(row)), key=lambda one: crc.x25(one)):
        if sum(map(len, wholes)) + len(telegram) <= limit:
            wholes.append(telegram)
    path.write_bytes(" ".join(str(len(one)) for one in wholes).encode() + b"\n" + b"".join(wholes))
    return len(wholes)
