"""The simulated meters of Switzerland: push lists that describe themselves, plain, over HDLC in; one row per meter out. Ids are invented."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from host_tools.meters import hdlc
from host_tools.meters.at_meters import AM550_ADDRESS, E450_ADDRESS
from host_tools.meters.dlms import Clock, structure, u16, u32
from host_tools.meters.dlms_push import IMPLIED, Listing, Push, kind, named_text, objects, push_list
from host_tools.meters.dlms_rows import Row, rows
from host_tools.meters.line import Line

_VOLTS, _AMPERES = "32.7.0 52.7.0 72.7.0", "31.7.0 51.7.0 71.7.0"
_ENERGIES = rows("1.8.0 2.8.0 3.8.0 4.8.0", u32, medium="1-1")
_OPEN, _OPEN_INSIDE = Clock(zone=False), Clock(zone=False, status=0x81)  # times of a Landis+Gyr: in the header, among the values
_ISKRA = Clock(hundredths=0)
_SEGMENT = 154  # bytes of information in a frame of an AM550
_BLOCKS = (112, 108, 122)  # blocks of an E450 end with an entry of the description where they can


def with_units(values: dict, listed: Sequence[Row], *, texts: Sequence[tuple[str, str]]) -> bytes:
    """Named texts and registers with units, a structure each."""
    return structure(*[named_text(code, text) for code, text in texts], *objects(values, listed))


def _described(listed: tuple[Row, ...], texts: tuple[tuple[str, str], ...], setup: str, clock: Clock | None = None, itself: int = 1) -> Listing:
    return Listing(listed, partial(push_list, setup=setup, clock=clock, texts=texts, itself=itself), IMPLIED, texts)


def _landis(listed: tuple[Row, ...], serial: str) -> Push:
    texts = (("0-0:42.0.0", f"LGZ103000{serial}"), ("0-0:96.1.1", serial))
    listing = _described(listed, texts, "0-8:25.9.0", _OPEN_INSIDE, itself=2)
    return Push((listing,), partial(hdlc.blocks, address=E450_ADDRESS, sizes=_BLOCKS), clock=_OPEN)


_E450 = _landis(_ENERGIES + rows("1.7.0 2.7.0", u32) + rows(_VOLTS, u16) + rows(_AMPERES, u16, -2), "0000001")
_E360 = _landis(_ENERGIES + rows("1.7.0 2.7.0", u32) + rows(_VOLTS, u16, -1) + rows(_AMPERES, u16, -2), "0000002")
_AM550_LINK = partial(hdlc.segments, address=AM550_ADDRESS, size=_SEGMENT)
_AM550_TEXTS = (("0-0:42.0.0", "ISK1030000000003"),)
_AM550_ROWS = _ENERGIES + rows("1.7.0 2.7.0", u32, medium="1-1") + rows(_VOLTS, u16, -1) + rows(_AMPERES, u16, -2)
_AM550 = Push((_described(_AM550_ROWS, _AM550_TEXTS, "0-6:25.9.0"),), _AM550_LINK, clock=_ISKRA)
_UNIT_TEXTS = (("0-0:96.1.0", "30000004"), ("0-0:96.1.1", "100004"))
_UNIT_ROWS = (rows("1.7.0 2.7.0 1.8.0 2.8.0", u32) + rows(_VOLTS, u16, -1) + rows(_AMPERES, u16, -2)
              + rows("1.8.1 1.8.2 2.8.1 2.8.2", u32))
_AM550_UNITS = Push((Listing(_UNIT_ROWS, partial(with_units, texts=_UNIT_TEXTS), texts=_UNIT_TEXTS),), _AM550_LINK, clock=_ISKRA)

CH_METERS = (
    kind("ch-e450", "Swiss, Landis+Gyr E450: list that describes itself, block transfer, plain, every 5 s", "hdlc", Line(2400, parity=0), 5,
         _E450, ids={"meter_id": "0000001"}),
    kind("ch-e360", "Swiss, Landis+Gyr E360: P1 plug at 9600 baud, voltages in tenths, plain, every 5 s", "hdlc", Line(9600, inverted=True), 5,
         _E360, ids={"meter_id": "0000002"}),
    kind("ch-am550", "Swiss, Iskraemeco AM550: P1 plug, list that describes itself in segments, plain, every 5 s", "hdlc",
         Line(115200, inverted=True), 5, _AM550, ids={"meter_id": _AM550_TEXTS[0][1]}),
    kind("ch-am550-units", "Swiss, Iskraemeco AM550: P1 plug, registers with their units in segments, plain, every 5 s", "hdlc",
         Line(115200, inverted=True), 5, _AM550_UNITS, ids={"meter_id": "100004"}),
)
