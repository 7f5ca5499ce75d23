"""A meter's push: values of its list in; the telegram as it goes over the wire (bytes) out. How the lists are laid out is here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from host_tools.meters.cipher import Cipher
from host_tools.meters.dlms import NULL, Clock, array, ascii_octets, i8, notification, obis, octets, scaler_unit, structure, u16
from host_tools.meters.dlms_rows import Row, read
from host_tools.meters.kinds import Kind
from host_tools.meters.line import Line

SENT, LAID_OUT, IMPLIED = "sent", "laid out", "implied"  # who says scaler and unit: the telegram, its layout, the meter's manual alone
_DATA, _REGISTER, _TIME, _PUSH_SETUP = 1, 3, 8, 40  # classes of objects


@dataclass(frozen=True)
class Listing:
    """One list: `body(values, rows)` are its octets; `texts` are codes and texts of the meter in it; `timed` when it says the time."""

    rows: tuple[Row, ...]
    body: Callable[[dict, tuple[Row, ...]], bytes]
    units: str = SENT
    texts: tuple[tuple[str, str], ...] = ()
    timed: bool = True


def prefixed(when: bytes) -> bytes:
    """A notification's time as its length says."""
    return bytes([len(when)]) + when


def absent(_when: bytes) -> bytes:
    return NULL


@dataclass(frozen=True)
class Push:
    """Writes the telegrams of one meter. `values["_list"]` is the number of the list; `counts` when each telegram has its own number."""

    listings: tuple[Listing, ...]
    link: Callable[[bytes], bytes]
    cipher: Cipher | None = None
    clock: Clock = Clock()
    header: Callable[[bytes], bytes] = prefixed  # of the notification's time
    invoke: int = 0  # the constant bits of the notification's number
    counts: bool = True

    def __call__(self, values: dict) -> bytes:
        plain = self.plain(values)
        return self.link(self.cipher.seal(plain, values["_counter"]) if self.cipher else plain)

    def plain(self, values: dict) -> bytes:
        """The data-notification before it is encrypted and framed."""
        listing = self.listing(values)
        invoke = self.invoke | (values["_counter"] & 0xFFFFFF if self.counts else 0)
        when = self.header(self.clock.octets(values["_unix"]))
        return notification(invoke, when, listing.body(values, listing.rows))

    def listing(self, values: dict) -> Listing:
        return self.listings[values.get("_list", 0)]


def _always_first(_unix: int) -> int:
    return 0


def kind(name: str, description: str, protocol: str, line: Line, cadence_s: int, push: Push, *, ids: dict | None = None,
         list_at: Callable[[int], int] = _always_first, **house: object) -> Kind:
    """A row of METERS. `list_at` tells which list leaves at a unix second."""

    def read_list(home: object, unix: int) -> dict:
        number = list_at(unix)
        listing = push.listings[number]
        return read(home, unix, listing.rows) | {"_list": number} | ({"time": unix} if listing.timed else {})

    keys = push.cipher.keys if push.cipher else {}
    return Kind(name, description, protocol, line, cadence_s, read_list, push, dict(house), ids or {}, keys)


def triples(values: dict, listed: Sequence[Row]) -> list[bytes]:
    """Code, number and scaler-unit of each row, one after the other."""
    return [part for row in listed for part in (obis(row.code), row.encoded(values), scaler_unit(row.scaler, row.unit))]


def pairs(values: dict, listed: Sequence[Row]) -> list[bytes]:
    """Code and number of each row."""
    return [part for row in listed for part in (obis(row.code), row.encoded(values))]


def numbers(values: dict, listed: Sequence[Row]) -> list[bytes]:
    return [row.encoded(values) for row in listed]


def objects(values: dict, listed: Sequence[Row]) -> list[bytes]:
    """A structure of three for each row."""
    return [structure(*triples(values, [row])) for row in listed]


def named_text(code: str, text: str, form: Callable[[str], bytes] = ascii_octets) -> bytes:
    """A structure of two: code and text."""
    return structure(obis(code), form(text))


def _entry(class_id: int, code: str, attribute: int = 2) -> bytes:
    return structure(u16(class_id), obis(code), i8(attribute), u16(0))


def push_list(values: dict, listed: Sequence[Row], *, setup: str, clock: Clock | None = None, texts: Sequence[tuple[str, str]],
              itself: int = 1) -> bytes:
    """A list that begins with what it holds: class, code and attribute of each object; then their values without units.

    `setup` is the code of the push's own object: its attribute 2 is the description itself; with `itself` 2, attribute 1, that
    code, is sent too. `clock` where the list has the time.
    """
    described = [_entry(_PUSH_SETUP, setup), *([_entry(_PUSH_SETUP, setup, 1)] if itself > 1 else [])]
    described += [_entry(_DATA, code) for code, _ in texts] + ([_entry(_TIME, "0-0:1.0.0")] if clock else [])
    described += [_entry(_REGISTER, row.code) for row in listed]
    told = [obis(setup)] if itself > 1 else []
    told += [ascii_octets(text) for _, text in texts] + ([octets(clock.octets(values["_unix"]))] if clock else [])
    return structure(array(*described), *told, *numbers(values, listed))
