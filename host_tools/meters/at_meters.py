"""Austria's simulated meters that push DLMS: layouts, frames and ciphers of each grid in; one row per meter out. Ids and keys are invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from host_tools.meters import hdlc, mbus
from host_tools.meters.cipher import AUTHENTICATED, ENCRYPTED_SUITE_1, Cipher, invented
from host_tools.meters.dlms import DEGREE, Clock, ascii_octets, i16, obis, octets, structure, u16, u32
from host_tools.meters.dlms_push import IMPLIED, LAID_OUT, Listing, Push, kind, named_text, numbers, objects, pairs, triples
from host_tools.meters.dlms_rows import Row, rows
from host_tools.meters.kinds import Kind
from host_tools.meters.line import Line
from host_tools.meters.localtime import local

MBUS_LINE = Line(2400, parity=0)
_INFRARED, _PLUG = Line(9600), Line(115200, inverted=True)
CLOCK = Clock()
E450_ADDRESS, AM550_ADDRESS, IM350_ADDRESS = bytes.fromhex("ceff03"), bytes.fromhex("cf0223"), bytes.fromhex("cf00020023")
E450_BLOCKS = (119, 122)  # the first has room for three bytes less, as the LLC goes before it
_VOLTS, _AMPERES = "32.7.0 52.7.0 72.7.0", "31.7.0 51.7.0 71.7.0"
_TOTALS = rows("1.8.0 2.8.0", u32)
_BOTH_WAYS = rows("1.7.0 2.7.0", u32)
_ALL_TOTALS = rows("1.8.0 2.8.0 3.8.0 4.8.0", u32)
_MEASURED = rows(_VOLTS, u16, -1) + rows(_AMPERES, u16, -2)
_ANGLES = tuple(Row("", f"_angle_l{n}_deg", u16, 0, DEGREE) for n in (1, 2, 3))

EVN = _TOTALS + _BOTH_WAYS + _MEASURED + rows("13.7.0", u16, -3)
EVN_SAGEMCOM = EVN[:-1] + rows("13.7.0", i16, -3)
TINETZ = _MEASURED + _BOTH_WAYS + _ALL_TOTALS
WIENER_NETZE = _ALL_TOTALS + rows("1.7.0 2.7.0 3.7.0 4.7.0", u32)
KNG = _ALL_TOTALS + _BOTH_WAYS
STEIERMARK = rows(" ".join(f"{c}.8.0 {c}.8.1 {c}.8.2 {c}.7.0" for c in (1, 2, 3, 4)), u32)
BURGENLAND = rows(_VOLTS, u16) + rows(_AMPERES, u16, -2) + _BOTH_WAYS + _TOTALS + _ANGLES
KMS_WEST = _TOTALS + _BOTH_WAYS


def _now(values: dict) -> bytes:
    return octets(CLOCK.octets(values["_unix"]))


def evn(values: dict, listed: Sequence[Row], *, meter_id: str) -> bytes:
    """Time, registers with their units, meter number: all in one structure without levels."""
    return structure(_now(values), *triples(values, listed), ascii_octets(meter_id))


def tinetz(values: dict, listed: Sequence[Row], *, meter_id: str, device: str) -> bytes:
    """Time and its code, two named texts, and a structure for each register."""
    texts = named_text("0-0:96.1.0", meter_id), named_text("0-0:42.0.0", device)
    return structure(obis("0-0:1.0.0"), _now(values), *texts, *objects(values, listed))


def wiener_netze(values: dict, listed: Sequence[Row], *, device: str = "") -> bytes:
    """Time and bare numbers; some meters put their name before it."""
    return structure(*([ascii_octets(device)] if device else []), _now(values), *numbers(values, listed))


def kng(values: dict, listed: Sequence[Row], *, meter_id: str, empty: int = 2) -> bytes:
    """The code of the push, meter number, clock and date apart, bare numbers, `empty` octet strings of no length."""
    now = local(values["_unix"])
    clock = octets(bytes([now.hour, now.minute, now.second, 0]))
    date = octets(now.year.to_bytes(2, "big") + bytes([now.month, now.day, now.isoweekday()]))
    head = octets(bytes.fromhex("0006190900ff")), ascii_octets(meter_id), clock, date
    return structure(*head, *numbers(values, listed), *[octets(b"")] * empty)


def steiermark(values: dict, listed: Sequence[Row]) -> bytes:
    """Time, then code and number of each register."""
    return structure(_now(values), *pairs(values, listed))


def kms_west(values: dict, listed: Sequence[Row]) -> bytes:
    return structure(*pairs(values, listed))


def burgenland(values: dict, listed: Sequence[Row], *, meter_id: str) -> bytes:
    """Bare numbers, then the meter number."""
    return structure(*numbers(values, listed), ascii_octets(meter_id))


def _cipher(name: str, title: str, security: int = 0x20) -> Cipher:
    """`title`: three letters of the maker and five octets."""
    octets_of = title[:3].encode() + bytes.fromhex(title[3:])
    return Cipher(octets_of, invented(f"{name} key"), security, invented(f"{name} authentication") if security & 0x10 else "")


def _meter(name: str, description: str, protocol: str, line: Line, cadence_s: int, title: str, listing: Listing,
           link: Callable[[bytes], bytes], security: int = 0x20, invoke: int = 0, clock: Clock = CLOCK) -> Kind:
    ids = {"meter_id": listing.texts[0][1]} if listing.texts else {}
    push = Push((listing,), link, _cipher(name, title, security), clock, invoke=invoke)
    return kind(name, description, protocol, line, cadence_s, push, ids=ids)


def _id(meter_id: str) -> tuple[tuple[str, str]]:
    return (("0-0:96.1.0", meter_id),)


def _evn(listed: tuple[Row, ...], meter_id: str) -> Listing:
    return Listing(listed, partial(evn, meter_id=meter_id), texts=_id(meter_id))


def _kng(listed: tuple[Row, ...], meter_id: str, empty: int = 2) -> Listing:
    return Listing(listed, partial(kng, meter_id=meter_id, empty=empty), LAID_OUT, _id(meter_id))


_KAIFA_ID, _KAIFA_NAME = "1KFM0300000001", "KFM1030000000001"
_NAMED = Listing(TINETZ, partial(tinetz, meter_id=_KAIFA_ID, device=_KAIFA_NAME), texts=(*_id(_KAIFA_ID), ("0-0:42.0.0", _KAIFA_NAME)))
_BARE = Listing(WIENER_NETZE, wiener_netze, LAID_OUT)
_IM350 = Listing(WIENER_NETZE, partial(wiener_netze, device="SMS1030000000001"), LAID_OUT, (("0-0:42.0.0", "SMS1030000000001"),))
_E450 = Listing(STEIERMARK, steiermark, IMPLIED)
_E450_BARE = Listing(BURGENLAND, partial(burgenland, meter_id="30000001"), LAID_OUT, _id("30000001"))
_AM550_LINK = partial(hdlc.single, address=AM550_ADDRESS)
_IM350_LINK = partial(hdlc.single, address=IM350_ADDRESS)
_E450_LINK = partial(hdlc.single, address=E450_ADDRESS)
_BLOCK_LINK = partial(hdlc.blocks, address=E450_ADDRESS, sizes=E450_BLOCKS)
_QUIRK_LINK = partial(mbus.frames, size=252)

AT_METERS = (
    _meter("at-netznoe-kaifa", "Netz NOe, Kaifa MA309: two M-Bus frames, encrypted, every 5 s", "mbus", MBUS_LINE, 5,
           "KFM1020000001", _evn(EVN, "130000000001"), mbus.frames, invoke=0x8000_0000),
    _meter("at-netznoe-t210", "Netz NOe, older Sagemcom T210-D: first M-Bus frame longer than its length says, every 5 s", "mbus",
           MBUS_LINE, 5, "SAG5900000002", _evn(EVN_SAGEMCOM, "178000000002"), _QUIRK_LINK, invoke=0x8000_0000),
    _meter("at-tinetz-kaifa", "TINETZ, Salzburg, Vorarlberg, Kaifa MA309: two M-Bus frames, list with names, every 5 s", "mbus",
           MBUS_LINE, 5, "KFM1020000003", _NAMED, mbus.frames, ENCRYPTED_SUITE_1),
    _meter("at-kmswest", "KMS West, Elster: one M-Bus frame, codes without units, every 5 s", "mbus", MBUS_LINE, 5,
           "ELS1000000004", Listing(KMS_WEST, kms_west, IMPLIED), mbus.frames),
    _meter("at-wienernetze-am550", "Wiener Netze, Iskraemeco AM550: infrared, bare numbers, encrypted, every second", "hdlc", _INFRARED, 1,
           "ISK6900000005", _BARE, _AM550_LINK),
    _meter("at-wienernetze-im350", "Wiener Netze, Siemens IM350: infrared, its name before the numbers, encrypted, every second", "hdlc",
           _INFRARED, 1, "SMS6700000006", _IM350, _IM350_LINK),
    _meter("at-wienernetze-e450", "Wiener Netze, Landis+Gyr E450: infrared, bare numbers, encrypted, every second", "hdlc", _INFRARED, 1,
           "LGZ6700000007", _BARE, _E450_LINK),
    _meter("at-kng-am550", "Kaernten Netz, Iskraemeco AM550: P1 plug, encrypted, every 10 s", "hdlc", _PLUG, 10,
           "ISK6900000008", _kng(KNG, "1130000000008"), _AM550_LINK),
    _meter("at-wels-im350", "Wels Strom, Siemens IM350: P1 plug, encrypted, every 5 s", "hdlc", _PLUG, 5,
           "SMS6700000009", _kng(KNG, "30000009", empty=0), _IM350_LINK),
    _meter("at-burgenland-e450", "Netz Burgenland, Landis+Gyr E450: bare numbers with phases and angles, authenticated, every 5 s", "hdlc",
           MBUS_LINE, 5, "LGZ670000000A", _E450_BARE, _E450_LINK, AUTHENTICATED),
    _meter("at-steiermark-e450", "Energienetze Steiermark, Landis+Gyr E450: block transfer, authenticated, every 5 s", "hdlc", MBUS_LINE, 5,
           "LGZ670000000B", _E450, _BLOCK_LINK, AUTHENTICATED, clock=Clock(zone=False, hundredths=0)),
)
