"""Netz OOe's AMIS meter, which asks and waits to be answered: a home's state and E5 bytes in; M-Bus frames (bytes), AES-CBC inside, out."""

from __future__ import annotations

from functools import partial

from host_tools.meters.cipher import cbc, invented
from host_tools.meters.dlms_rows import Row, read, rows
from host_tools.meters.house import House
from host_tools.meters.kinds import Kind, Meter
from host_tools.meters.line import Line
from host_tools.meters.localtime import is_summer, local
from host_tools.meters.mbus import long_frame

CALL = bytes.fromhex("1040f03016")  # SND_NKE: is anybody there?
ANSWER = 0xE5
_CALL_EVERY_S, _PATIENCE = 60, 10  # frames without an answer before it calls again
_ADDRESS, _CONTROL = 0xF0, 0x5B
_MAKER, _VERSION, _MEDIUM, _MODE = b"\x2d\x4c", 0x01, 0x0E, b"\x50\x05"
_NUMBER = bytes(4)
_FILL = b"\x2f\x2f"
_SEND, _FRAME_COUNT_BIT = 0x53, 0x20


def _signed(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


def _plain(value: int) -> bytes:
    return value.to_bytes(4, "little")


ROWS = rows("1.8.0 2.8.0 3.8.1 4.8.1 1.7.0 2.7.0 3.7.0 4.7.0", _plain) + rows("1.128.0", _signed)
_HEADS = tuple(map(bytes.fromhex, (
    "0403", "04833c", "8410fb8273", "8410fb82f33c", "042b", "04ab3c", "04fb14", "04fb943c", "0483ff04")))  # of the rows: format and unit


def clock(unix: int) -> bytes:
    """The local time in six octets of M-Bus type I; the ISO week is the last."""
    now, year = local(unix), local(unix).year - 2000
    return bytes([
        now.second | 0x40 * is_summer(unix), now.minute, now.hour | now.isoweekday() << 5, now.day | (year & 7) << 5,
        now.month | year >> 3 << 4, now.isocalendar()[1],
    ])


def plain(values: dict, listed: tuple[Row, ...] = ROWS) -> bytes:
    """80 octets."""
    told = b"".join(head + row.encoded(values) for head, row in zip(_HEADS, listed, strict=True))
    return _FILL + b"\x06\x6d" + clock(values["_unix"]) + told + _FILL


def frame(values: dict, key: str) -> bytes:
    """The encrypted frame; the low octet of the frame counter is M-Bus's access number, C alternates with it."""
    access = values["_counter"] & 0xFF
    identity = _MAKER + _NUMBER + bytes([_VERSION, _MEDIUM])
    head = bytes([_SEND | _FRAME_COUNT_BIT * (~access & 1), _ADDRESS, _CONTROL])
    told = _NUMBER + _MAKER + bytes([_VERSION, _MEDIUM, access, 0]) + _MODE
    return long_frame(head + told + cbc(plain(values), key, identity + bytes([access]) * 8))


def _read(house: House, unix: int) -> dict:
    return read(house, unix, ROWS) | {"time": unix}


class AmisMeter(Meter):
    """Calls once a minute until it is answered, then sends a frame per second, until ten in a row stay without an answer."""

    def __init__(self, kind: Kind, seed: int):
        super().__init__(kind, seed)
        self.heard = False
        self._unanswered, self._second, self._call_at = 0, -1, 0

    def telegram(self, unix_time: float) -> bytes:
        second = int(unix_time)
        if second <= self._second:
            return b""  # one per second, however often it is asked
        if self.heard and self._unanswered >= _PATIENCE:
            self.heard, self._call_at = False, second
        if not self.heard:
            if second < self._call_at:
                return b""
            self._second, self._call_at = second, second + _CALL_EVERY_S
            return CALL
        self._second = second
        self._unanswered += 1
        return super().telegram(second)

    def receive(self, data: bytes, unix: float) -> None:
        """An answer; other bytes are no concern of its. `unix` is when the last byte came: it does not matter how soon."""
        if ANSWER in data:
            self.heard, self._unanswered = True, 0


_KEY = invented("at-netzooe-amis key")
AMIS_METERS = (
    Kind("at-netzooe-amis", "Netz OOe, Siemens TD-3511 (AMIS): infrared, waits for E5 after each frame, encrypted, every second", "amis",
         Line(9600, parity=0), 1, _read, partial(frame, key=_KEY), keys={"key": _KEY}, meter=AmisMeter),
)
