"""A-XDR as DLMS meters write it: numbers, texts, times and OBIS codes in; their octets and whole data-notifications (bytes) out."""

from __future__ import annotations

from dataclasses import dataclass

from host_tools.meters.localtime import is_summer, local

NULL = b"\x00"
DEGREE, WATT, VAR, WATT_HOUR, VAR_HOUR, AMPERE, VOLT, NO_UNIT = 8, 27, 29, 30, 32, 33, 35, 255  # unit codes of a scaler-unit
_ARRAY, _STRUCTURE, _OCTETS, _TEXT, _NOTIFICATION = 1, 2, 9, 10, 15


def length(count: int) -> bytes:
    """A length or a number of members, in as few bytes as it takes."""
    if count < 0x80:
        return bytes([count])
    return b"\x81" + bytes([count]) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")


def u8(value: int) -> bytes:
    return b"\x11" + value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    return b"\x12" + value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return b"\x06" + value.to_bytes(4, "big")


def i8(value: int) -> bytes:
    return b"\x0f" + value.to_bytes(1, "big", signed=True)


def i16(value: int) -> bytes:
    return b"\x10" + value.to_bytes(2, "big", signed=True)


def i32(value: int) -> bytes:
    return b"\x05" + value.to_bytes(4, "big", signed=True)


def enum(value: int) -> bytes:
    return b"\x16" + value.to_bytes(1, "big")


def octets(data: bytes) -> bytes:
    return bytes([_OCTETS]) + length(len(data)) + data


def ascii_octets(text: str) -> bytes:
    """Characters as an octet string: what most meters do."""
    return octets(text.encode("ascii"))


def visible(text: str) -> bytes:
    return bytes([_TEXT]) + length(len(text)) + text.encode("ascii")


def structure(*members: bytes) -> bytes:
    return bytes([_STRUCTURE]) + length(len(members)) + b"".join(members)


def array(*members: bytes) -> bytes:
    return bytes([_ARRAY]) + length(len(members)) + b"".join(members)


def code_octets(code: str) -> bytes:
    """`1-0:1.8.0` as its six octets; F is 255."""
    medium, _, rest = code.partition(":")
    a, b = medium.split("-")
    return bytes([int(a), int(b), *map(int, rest.split(".")), 255])


def obis(code: str) -> bytes:
    return octets(code_octets(code))


def scaler_unit(scaler: int, unit: int) -> bytes:
    return structure(i8(scaler), enum(unit))


@dataclass(frozen=True)
class Clock:
    """How a meter writes its local time in 12 octets. Without `zone` it leaves the deviation open and sends `status` as it is here."""

    zone: bool = True
    hundredths: int = 0xFF
    status: int = 0

    def octets(self, unix: int) -> bytes:
        now, season = local(unix), is_summer(unix)
        deviation, status = (-120 if season else -60, 0x80 if season else 0) if self.zone else (-0x8000, self.status)
        date = now.year.to_bytes(2, "big") + bytes([now.month, now.day, now.isoweekday()])
        return date + bytes([now.hour, now.minute, now.second, self.hundredths]) + deviation.to_bytes(2, "big", signed=True) + bytes([status])


def notification(invoke: int, when: bytes, body: bytes) -> bytes:
    """`when`: length-prefixed or tagged octets, or a zero where the meter sends no time."""
    return bytes([_NOTIFICATION]) + invoke.to_bytes(4, "big") + when + body
