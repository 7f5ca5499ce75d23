"""The protocols that are fuzzed, a row each: a name in; good telegrams, keys, seeds and how to seal a body out.

A further protocol is a further row here and a judge in checks.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from operator import xor
from pathlib import Path

from host_tools import meters, runtime
from host_tools.meters import crc, hdlc, mbus, p1, sml
from host_tools.meters.amis import CALL
from host_tools.meters.cipher import AUTHENTICATED, Cipher, cbc
from tests.fuzz import checks, stages

OWN = runtime.ROOT / "tests" / "telegrams"
SHARED = runtime.ROOT.parent / "shared" / "corpus" / "open"
FOLDERS = {"hdlc": "dlms", "mbus": "dlms", "amis": "dlms", "dlms": "p1_encrypted"}  # where captures lie, if not under the protocol's name
NOON = 1_750_000_000
CAPTURE_BYTES = 1 << 16  # of a capture that are taken for seeds
SEED_BYTES = 700  # longest seed: short inputs run fast
LINES_PER_SEED = 8  # of a P1 telegram
TELEGRAMS = 2  # of each simulated meter
ADDRESS = b"\xcf\x02\x23"
TITLE = b"SIM\0\0\0\0\1"
NO_KEYS = (None, None)


def _meter_keys(name: str) -> tuple:
    told = meters.METERS[name].keys
    return tuple(bytes.fromhex(told[kind]) if kind in told else None for kind in ("key", "auth_key"))


def _asked(name: str) -> bytes:
    """A telegram of a meter, its question answered where it asks."""
    meter = meters.make(name)
    data = meter.telegram(NOON)
    if data == CALL:
        meter.receive(b"\xe5", NOON)
        data = meter.telegram(NOON + 1)
    return data


def _whole(data: bytes) -> Iterator[bytes]:
    yield data[:SEED_BYTES]


@dataclass(frozen=True)
class Row:
    """`good` are telegrams on the wire that are whole. `seal` puts a valid envelope around a body, `sealed` says which payload then must
    come out (None: it is not said). `encrypt` makes a payload of a plaintext, `opened` a plaintext of a payload, as the owner of the keys can.
    """

    name: str
    wires: tuple[bytes, ...]
    checksums: tuple[str, ...]  # what a frame handed to the decoder may say
    shorten: Callable[[bytes], Iterator[bytes]] = _whole  # short telegrams out of a capture
    seal: Callable[[bytes], bytes] | None = None
    sealed: Callable[[bytes], bytes | None] = lambda body: None
    keys: tuple = NO_KEYS
    encrypt: Callable[[bytes], bytes] | None = None
    opened: Callable[[bytes], bytes] | None = None

    @property
    def waits(self) -> int:
        """See checks.LATE."""
        return checks.LATE.get(self.name, 0)

    @property
    def good(self) -> list[tuple[bytes, bytes]]:
        """(telegram, payload of its frame), by a framer that sees nothing else; checks.py judges it as any other."""
        found = []
        for wire in self.wires:
            framer = stages.framer(self.name)
            used = framer.feed(wire)
            found.append((wire[:used], bytes(framer.take().payload)))
        return found


def _p1_seal(body: bytes) -> bytes:
    text = b"/AAA5x\r\n\r\n" + body + b"!"
    return text + b"%04X\r\n" % crc.arc(text)


def _p1_sealed(body: bytes) -> bytes | None:
    simple = b"!" not in body and b"/" not in body and len(body) < 2000 and body[-1:] in (b"\n", b"\r", b")")
    return b"/AAA5x\r\n\r\n" + body + b"!" if simple else None


def _p1_short(data: bytes) -> Iterator[bytes]:
    for header, text in re.findall(rb"(/[^\r\n/!]{4,60})\r?\n\r?\n([^!/]{20,4000}?)!", data):
        lines = text.split(b"\n")
        for at in range(0, len(lines), LINES_PER_SEED):
            part = header + b"\r\n\r\n" + b"\n".join(lines[at : at + LINES_PER_SEED])
            part = part.rstrip() + b"\r\n!"
            yield part + b"%04X\r\n" % crc.arc(part)


def _p1_good(number: int) -> bytes:
    return p1.telegram("XMX5METER", ["1-3:0.2.8(50)", p1.power("1-0:1.7.0", number)])


def _sml_short(data: bytes) -> Iterator[bytes]:
    return iter(re.findall(rb"(?s)\x1b{4}\x01{4}.{16,600}?\x1b{4}\x1a...", data))


def _sml_good(seconds: int) -> bytes:
    entry = sml.Entry("0100100700ff", sml.signed(seconds % 5000, 4), sml.WATT)
    return sml.file([entry], bytes.fromhex("0a0153494d0000000001"), seconds)


def _d0_seal(body: bytes) -> bytes:
    text = body + b"!\r\n\x03"
    return b"/ISk5MT174-0001\r\n\x02" + text + bytes([reduce(xor, text) & 0x7F])


def _d0_short(data: bytes) -> Iterator[bytes]:
    return iter(re.findall(rb"(?s)/[A-Za-z]{3}[^!]{20,690}!\r?\n(?:\x03.)?", data))


def _glo(keys: tuple, plain: bytes) -> bytes:
    tag = AUTHENTICATED if keys[1] else 0x20
    return Cipher(TITLE, keys[0].hex(), tag, keys[1].hex() if keys[1] else "").seal(plain, 1 + crc.x25(plain))


def _glo_opened(keys: tuple, payload: bytes) -> bytes:
    """The plaintext, by another implementation than the firmware's; the payload itself where there is none."""
    from cryptography.hazmat.primitives.ciphers import Cipher as Machine
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    if payload[0] != 0xDB:
        return payload
    at = 11 + (payload[10] & 0x7F if payload[10] & 0x80 else 0)
    end = len(payload) - (12 if payload[at] & 0x10 else 0)
    machine = Machine(algorithms.AES(keys[0]), modes.CTR(payload[2:10] + payload[at + 1 : at + 5] + b"\0\0\0\2")).decryptor()
    return machine.update(payload[at + 5 : end])


def _amis_sealed(keys: tuple, plain: bytes) -> bytes:
    plain = plain[:208]
    plain += bytes(-len(plain) % 16)
    start = b"\x2d\x4c\0\0\0\0\x01\x0e" + b"\x07" * 8
    return b"\x53\xf0\x5b\0\0\0\0\x2d\x4c\x01\x0e\x07\0\x50\x05" + cbc(plain, keys[0].hex(), start)


def _rows() -> Iterator[Row]:
    keys = {name: _meter_keys(meter) for name, meter in (
        ("hdlc", "at-steiermark-e450"), ("mbus", "at-netznoe-kaifa"), ("dlms", "lu-smarty"), ("amis", "at-netzooe-amis"))}  # fmt: skip

    def ciphered(name: str) -> dict:
        return {"keys": keys[name], "encrypt": partial(_glo, keys[name]), "opened": partial(_glo_opened, keys[name])}

    yield Row("p1", tuple(_p1_good(n) for n in (1, 512, 17250)), ("crc16", "none"), _p1_short, _p1_seal, _p1_sealed)
    yield Row("sml", tuple(_sml_good(n) for n in (7, 0x1B1B1B, 40000000)), ("crc16",), _sml_short, sml.transport,
              lambda body: None if b"\x1b" in body or len(body) > 1900 else body + bytes(-len(body) % 4))  # fmt: skip
    text = b"1-0:1.8.0*255(0000123.456*kWh)\r\n1-0:96.1.0*255(001SIM0012345678)\r\n"
    yield Row("d0", (_d0_seal(text), _asked("d0-hager")), ("bcc", "none"), _d0_short, _d0_seal)
    yield Row("hdlc", (meters.make("no-aidon").telegram(NOON + 2), _asked("at-wienernetze-am550"), _asked("at-steiermark-e450")), ("crc16",),
              seal=lambda body: hdlc.single(body[:1900], ADDRESS), **ciphered("hdlc"))  # fmt: skip
    yield Row("mbus", (_asked("at-kmswest"), _asked("at-netznoe-kaifa")), ("sum8",), seal=lambda body: mbus.frames(body[:900]), **ciphered("mbus"))
    plain = _p1_seal(b"1-0:1.8.0(000123.456*kWh)\r\n")
    yield Row("dlms", (_glo(keys["dlms"], plain),), ("none",), seal=partial(_glo, keys["dlms"]),
              **ciphered("dlms"))  # fmt: skip
    yield Row("amis", (_asked("at-netzooe-amis"),), ("sum8",), seal=lambda body: mbus.long_frame(b"\x53\xf0\x5b" + body[:250]),
              keys=keys["amis"], encrypt=partial(_amis_sealed, keys["amis"]))  # fmt: skip


ROWS: dict[str, Row] = {row.name: row for row in _rows()}


def captures(row: Row) -> list[bytes]:
    """What simulated meters of the protocol send, the project's own captures, and the shared ones where they are."""
    found = []
    for name, kind in meters.METERS.items():
        if kind.protocol == row.name:
            meter = meters.make(name)
            found.append(b"".join(meter.telegram(NOON + number * (kind.cadence_s or 1)) for number in range(TELEGRAMS)))
    for folder in (OWN, SHARED):
        for path in sorted((folder / FOLDERS.get(row.name, row.name)).glob("*")):
            if path.suffix in (".bin", ".txt"):
                with path.open("rb") as file:
                    found.append(file.read(CAPTURE_BYTES))
    return found


def seeds(row: Row) -> Iterator[bytes]:
    """Short whole telegrams, each once."""
    seen = set()
    for capture in captures(row):
        for number, telegram in enumerate(row.shorten(capture)):
            if 0 < len(telegram) <= SEED_BYTES and number < 40 and telegram not in seen:
                seen.add(telegram)
                yield telegram


def write_telegrams(row: Row, path: Path, limit: int) -> int:
    """Telegrams of the captures to `path`, at most `limit` bytes: a line of lengths, then the bytes, a good one first."""
    wholes = [row.good[0][0]]
    for telegram in sorted(set(seeds(row)) | set(row.wires), key=crc.x25):
        if sum(map(len, wholes)) + len(telegram) <= limit:
            wholes.append(telegram)
    path.write_bytes(" ".join(str(len(one)) for one in wholes).encode() + b"\n" + b"".join(wholes))
    return len(wholes)
