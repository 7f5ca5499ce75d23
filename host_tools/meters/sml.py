"""SML 1.04 files: list entries in; a whole file with escapes, fill bytes and both kinds of check sum (bytes) out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from host_tools.meters import crc

START = bytes.fromhex("1b1b1b1b01010101")
ESCAPE = bytes.fromhex("1b1b1b1b")
NOTHING = b"\x01"  # an optional member that is absent
FNN_LIST = bytes.fromhex("0100620affff")
_OPEN, _LIST, _CLOSE = 0x0101, 0x0701, 0x0201
DEGREE, WATT, WATT_HOUR, AMPERE, VOLT, HERTZ = 8, 27, 30, 33, 35, 44


@dataclass(frozen=True)
class Checksum:
    """Which sum a meter uses for its file and its messages. A message's leaves low byte first; `file_order` is the file's."""

    of: Callable[[bytes], int]
    file_order: str  # "little": low byte first


X25 = Checksum(crc.x25, "little")
KERMIT = Checksum(crc.kermit, "big")


def _head(kind: int, length: int) -> bytes:
    """Type and length in as few bytes as they take; `length` counts these bytes themselves, except for lists."""
    nibbles = [length & 15]
    while length > 15:
        length >>= 4
        nibbles.insert(0, length & 15)
    more = [0x80] * (len(nibbles) - 1) + [0]
    return bytes((kind << 4 if n == 0 else 0) | more[n] | nibble for n, nibble in enumerate(nibbles))


def octets(data: bytes) -> bytes:
    return _head(0, len(data) + (1 if len(data) < 15 else 2)) + data


def unsigned(value: int, width: int = 0) -> bytes:
    """`width` bytes, or as few as the value takes."""
    width = width or max(1, (value.bit_length() + 7) // 8)
    return _head(6, width + 1) + value.to_bytes(width, "big")


def signed(value: int, width: int = 0) -> bytes:
    width = width or (value if value >= 0 else ~value).bit_length() // 8 + 1
    return _head(5, width + 1) + value.to_bytes(width, "big", signed=True)


def listing(items: Sequence[bytes]) -> bytes:
    return _head(7, len(items)) + b"".join(items)


def seconds_index(seconds: int) -> bytes:
    """A time as the seconds since the meter was made or switched on."""
    return listing([unsigned(1), unsigned(seconds, 4)])


@dataclass(frozen=True)
class Entry:
    """One register: `value`, `status` and `time` already encoded; `obis` six octets; the value counts in 10^scaler of `unit`."""

    obis: str
    value: bytes
    unit: int = 0
    scaler: int = 0
    status: bytes = NOTHING
    time: bytes = NOTHING

    def encoded(self) -> bytes:
        measured = [unsigned(self.unit), signed(self.scaler)] if self.unit else [NOTHING, NOTHING]
        return listing([octets(bytes.fromhex(self.obis)), self.status, self.time, *measured, self.value, NOTHING])


@dataclass(frozen=True)
class Style:
    """What makers do differently around the same list."""

    checksum: Checksum = X25
    tag_width: int = 2  # bytes of a message's type
    list_name: bytes = FNN_LIST
    client: bytes = b""
    version: bool = True  # the open response says SML version 1
    transaction_width: int = 4  # octets of a transaction's id


def _message(transaction: int, tag: int, payload: Sequence[bytes], style: Style) -> bytes:
    body = listing([unsigned(tag, style.tag_width), listing(payload)])
    # A list of six: the sum is over all before its own member, the end mark is the sixth.
    start = b"\x76" + octets(transaction.to_bytes(style.transaction_width, "big")) + unsigned(0) + unsigned(0) + body
    return start + b"\x63" + style.checksum.of(start).to_bytes(2, "little") + b"\x00"


def file(entries: Sequence[Entry], server_id: bytes, seconds: int, transaction: int = 1, style: Style = Style(),
         now: bytes | None = None) -> bytes:
    """Open response, list response and close response; `seconds` is the meter's clock and names the file, `now` a time in another form."""
    who, now = octets(server_id), now or seconds_index(seconds)
    opening = [NOTHING, NOTHING, octets(seconds.to_bytes(4, "big")), who, now, unsigned(1) if style.version else NOTHING]
    values = listing([entry.encoded() for entry in entries])
    answer = [octets(style.client), who, octets(style.list_name), now, values, NOTHING, NOTHING]
    body = b"".join([
        _message(transaction, _OPEN, opening, style),
        _message(transaction + 1, _LIST, answer, style),
        _message(transaction + 2, _CLOSE, [NOTHING], style),
    ])
    return transport(body, style.checksum)


def transport(body: bytes, checksum: Checksum = X25) -> bytes:
    """Fill bytes to a multiple of four, the escape sequence doubled where it occurs in the body, start, end and check sum."""
    fill = -len(body) % 4
    wire = START + (body + bytes(fill)).replace(ESCAPE, ESCAPE * 2) + ESCAPE + bytes([0x1A, fill])
    return wire + checksum.of(wire).to_bytes(2, checksum.file_order)
