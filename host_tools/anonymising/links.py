"""HDLC, M-Bus, AMIS and bare DLMS captures: bytes in; each telegram that is whole with other ids in the same frames, all checksums made anew, out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from host_tools.anonymising import amis as amis_text
from host_tools.anonymising import dlms
from host_tools.anonymising.names import Names
from host_tools.anonymising.vault import Vault
from host_tools.meters import crc
from host_tools.meters.amis import CALL
from host_tools.splitting import apdu, mbus as mbus_frames
from host_tools.splitting import hdlc as hdlc_frames
from host_tools.splitting.spans import Telegram, Unit

_LONG_ADDRESS, _COMMON, _FIRST_SERIAL = 4, b"\x00\x23", 0x80  # octets; the lower half that many meters have; from there on it may be a number of the meter


def hdlc(data: bytes, names: Names, vault: Vault) -> Iterator[bytes]:
    end = 0  # of what was given last: one flag may end it and begin the next
    for telegram, wire in _changed(data, hdlc_frames.telegrams(data), dlms.apdu, names, vault):
        made = b""
        for unit in telegram.units:
            piece = _hdlc_unit(bytes(wire[unit.start : unit.end]))
            made += piece[1:] if unit.start == end - 1 else piece
            end = unit.end
        yield made


def _hdlc_unit(piece: bytes) -> bytes:
    """A frame with its checksums made anew."""
    wire = bytearray(piece)
    found = hdlc_frames.addresses(piece, 0)
    for begin, stop in found:
        if stop - begin == _LONG_ADDRESS and (wire[stop - 2] >> 1) << 7 | wire[stop - 1] >> 1 >= _FIRST_SERIAL:
            wire[stop - 2 : stop] = _COMMON
    check = found[-1][1] + 1
    wire[check : check + 2] = crc.x25(bytes(wire[1:check])).to_bytes(2, "little")
    wire[-3:-1] = crc.x25(bytes(wire[1:-3])).to_bytes(2, "little")
    return bytes(wire)


def mbus(data: bytes, names: Names, vault: Vault) -> Iterator[bytes]:
    for telegram, wire in _changed(data, mbus_frames.telegrams(data), dlms.apdu, names, vault):
        yield b"".join(_mbus_unit(wire, unit) for unit in telegram.units)


def _mbus_unit(wire: "_Wire", unit: Unit) -> bytes:
    piece = bytearray(wire[unit.start : unit.end])
    piece[-2] = sum(piece[4:-2]) & 0xFF
    return bytes(piece)


def amis(data: bytes, names: Names, vault: Vault) -> Iterator[bytes]:
    """The meter's question goes before its telegrams where it does in the capture."""
    end = 0
    for telegram, wire in _changed(data, mbus_frames.amis(data), amis_text.frame, names, vault):
        asked = data.find(CALL, end, telegram.span[0]) >= 0
        end = telegram.span[1]
        yield (CALL if asked else b"") + _mbus_unit(wire, telegram.units[0])


def bare(data: bytes, names: Names, vault: Vault) -> Iterator[bytes]:
    """Telegrams without a link, which may become shorter."""
    for telegram in apdu.telegrams(data):
        unit = telegram.units[0]
        made = dlms.apdu(data[unit.first : unit.last], names, vault)
        if made is not None:
            yield data[unit.start : unit.first] + made


def _changed(data: bytes, telegrams: Iterator[Telegram], change: Callable, names: Names, vault: Vault) -> Iterator[tuple[Telegram, "_Wire"]]:
    """Each telegram with what its bytes become, but for the checksums; those that are damaged or cannot be read are left out."""
    for telegram in telegrams:
        if not telegram.good:
            vault.refused["damaged"] += 1
            continue
        old = telegram.octets(data)
        made = change(old, names, vault)
        if made is None:
            continue
        if len(made) != len(old):
            vault.refused["odd"] += 1
            continue
        yield telegram, _Wire(data, telegram, made)


class _Wire:
    """The bytes of a telegram's frames, by their places in the capture, with the telegram's octets changed."""

    def __init__(self, data: bytes, telegram: Telegram, made: bytes):
        self._begin, end = telegram.span
        self._wire = bytearray(data[self._begin : end])
        for place, octet in zip(telegram.places, made):
            self._wire[place - self._begin] = octet

    def __getitem__(self, places: slice) -> bytearray:
        return self._wire[places.start - self._begin : places.stop - self._begin]
