"""The simulated meters of Norway, Sweden and Denmark: the lists of Aidon, Kaifa and Kamstrup in; one row per meter out. Ids are invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from host_tools.meters import hdlc
from host_tools.meters.cipher import AUTHENTICATED, Cipher, invented
from host_tools.meters.dlms import Clock, array, ascii_octets, i16, obis, octets, structure, u16, u32, visible
from host_tools.meters.dlms_push import IMPLIED, LAID_OUT, Listing, Push, absent, kind, named_text, numbers, objects, pairs
from host_tools.meters.dlms_rows import Row, rows
from host_tools.meters.line import Line
from host_tools.meters.localtime import HOUR

_EVEN, _NONE = Line(2400, parity=0), Line(2400)
_LOCAL, _SWEDISH = Clock(zone=False), Clock(zone=False, status=0xFF)
_FAST_S, _SLOW_S = 2, 10  # between two lists 1 (really 2 to 2.5 s), and between two lists 2
_POWERS, _ENERGIES = "1.7.0 2.7.0 3.7.0 4.7.0", "1.8.0 2.8.0 3.8.0 4.8.0"
_VOLTS, _AMPERES = "32.7.0 52.7.0 72.7.0", "31.7.0 51.7.0 71.7.0"


def han_list(unix: int) -> int:
    """0: the power alone; 1: every ten seconds, all that changes fast; 2: ten seconds after the full hour, the counters too."""
    if (unix - 10) % HOUR < _FAST_S:
        return 2
    return 1 if unix % _SLOW_S < _FAST_S else 0


def kamstrup_list(unix: int) -> int:
    """0: without counters; 1: five seconds after the full hour, with them."""
    return 1 if (unix - 5) % HOUR < _SLOW_S else 0


def aidon(values: dict, listed: Sequence[Row], *, texts: Sequence[tuple[str, str]] = (), timed: bool = False, clock: Clock = _LOCAL,
          clock_first: bool = False) -> bytes:
    """An array of texts, registers with units, and a time: first, or between what is measured and what is counted."""
    named = [named_text(code, text, visible) for code, text in texts]
    when = [structure(obis("0-0:1.0.0"), octets(clock.octets(values["_unix"])))] if timed else []
    if clock_first:
        return array(*when, *named, *objects(values, listed))
    measured, counted = [row for row in listed if "energy" not in row.name], [row for row in listed if "energy" in row.name]
    return array(*named, *objects(values, measured), *when, *objects(values, counted))


def kaifa(values: dict, listed: Sequence[Row], *, texts: Sequence[str] = (), timed: bool = False) -> bytes:
    """Texts and bare numbers, a time before the counters."""
    measured, counted = [row for row in listed if "energy" not in row.name], [row for row in listed if "energy" in row.name]
    when = [octets(_LOCAL.octets(values["_unix"]))] if timed else []
    return structure(*map(ascii_octets, texts), *numbers(values, measured), *when, *numbers(values, counted))


def kamstrup(values: dict, listed: Sequence[Row], *, texts: Sequence[tuple[str, str]] = (), clock_at: int | None = None) -> bytes:
    """The list's name, texts and numbers each behind its code; the time behind `clock_at` registers."""
    members = [part for code, text in texts for part in (obis(code), visible(text))]
    for number, row in enumerate(listed):
        if number == clock_at:
            members += [obis("0-1:1.0.0"), octets(_LOCAL.octets(values["_unix"]))]
        members += pairs(values, [row])
    return structure(visible("Kamstrup_V0001"), *members)


_AIDON_TEXTS = (("1-1:0.2.129", "AIDON_V0001"), ("0-0:96.1.0", "7359990000000001"), ("0-0:96.1.7", "6525"))
_AIDON_FAST = rows("1.7.0", u32)
_AIDON_SLOW = rows(_POWERS, u32) + rows(_AMPERES, i16, -1) + rows(_VOLTS, u16, -1)
_AIDON_LINK = partial(hdlc.single, address=bytes.fromhex("410883"))
_AIDON = Push((
    Listing(_AIDON_FAST, aidon, timed=False),
    Listing(_AIDON_SLOW, partial(aidon, texts=_AIDON_TEXTS), texts=_AIDON_TEXTS, timed=False),
    Listing(_AIDON_SLOW + rows(_ENERGIES, u32, 1), partial(aidon, texts=_AIDON_TEXTS, timed=True), texts=_AIDON_TEXTS),
), _AIDON_LINK, header=absent, invoke=0x4000_0000, counts=False)

_SWEDISH_ROWS = (rows(_POWERS, u32) + rows(_AMPERES, i16, -1) + rows(_VOLTS, u16, -1)
                 + rows(" ".join(f"{phase + n}.7.0" for phase in (20, 40, 60) for n in (1, 2, 3, 4)), u32) + rows(_ENERGIES, u32))
_AIDON_SE = Push((Listing(_SWEDISH_ROWS, partial(aidon, timed=True, clock=_SWEDISH, clock_first=True)),), _AIDON_LINK,
                 header=absent, invoke=0x4000_0000, counts=False)

_KAIFA_TEXTS = ("KFM_001", "6970630000000001", "MA304H3E")
_KAIFA_NAMES = (("1-1:0.2.129", _KAIFA_TEXTS[0]), ("0-0:96.1.0", _KAIFA_TEXTS[1]), ("0-0:96.1.7", _KAIFA_TEXTS[2]))
_KAIFA_SLOW = rows(_POWERS, u32) + rows(_AMPERES, u32, -3) + rows(_VOLTS, u32, -1)
_KAIFA = Push((
    Listing(_AIDON_FAST, kaifa, LAID_OUT),
    Listing(_KAIFA_SLOW, partial(kaifa, texts=_KAIFA_TEXTS), LAID_OUT, _KAIFA_NAMES),
    Listing(_KAIFA_SLOW + rows(_ENERGIES, u32), partial(kaifa, texts=_KAIFA_TEXTS, timed=True), LAID_OUT, _KAIFA_NAMES),
), partial(hdlc.single, address=bytes.fromhex("010201"), control=0x10), clock=_LOCAL, header=octets, invoke=0x4000_0000, counts=False)

_KAMSTRUP_TEXTS = (("1-1:0.0.5", "5706560000000001"), ("1-1:96.1.1", "6841131BN243101040"))


def _rows(codes: str, form: Callable[[int], bytes], scaler: int = 0) -> tuple[Row, ...]:
    return rows(codes, form, scaler, medium="1-1")


_KAMSTRUP_SLOW = _rows(_POWERS, u32) + _rows(_AMPERES, u32, -2) + _rows(_VOLTS, u16)
_KAMSTRUP_ALL = _KAMSTRUP_SLOW + _rows(_ENERGIES, u32, 1)
_KAMSTRUP = Push((
    Listing(_KAMSTRUP_SLOW, partial(kamstrup, texts=_KAMSTRUP_TEXTS), IMPLIED, _KAMSTRUP_TEXTS),
    Listing(_KAMSTRUP_ALL, partial(kamstrup, texts=_KAMSTRUP_TEXTS, clock_at=len(_KAMSTRUP_SLOW)), IMPLIED, _KAMSTRUP_TEXTS),
), partial(hdlc.single, address=bytes.fromhex("2b21")), clock=_LOCAL, counts=False)

_DANISH_COUNTERS = _rows(_ENERGIES + " 0.0.1", u32) + _rows(_POWERS, u32)
_DANISH_ROWS = (_DANISH_COUNTERS + _rows(_VOLTS, u16) + _rows(_AMPERES, u32, -2) + _rows("21.7.0 41.7.0 61.7.0", u32)
                + _rows("33.7.0 53.7.0 73.7.0 13.7.0", u16, -2) + _rows("22.7.0 42.7.0 62.7.0", u32)
                + _rows("22.8.0 42.8.0 62.8.0 21.8.0 41.8.0 61.8.0", u32))
_KAMSTRUP_DK = Push(
    (Listing(_DANISH_ROWS, partial(kamstrup, clock_at=len(_DANISH_COUNTERS)), IMPLIED),), partial(hdlc.single, address=bytes.fromhex("4103")),
    Cipher(b"KAM\x45\x01\x00\x00\x01", invented("dk-kamstrup key"), AUTHENTICATED, invented("dk-kamstrup authentication")),
    _LOCAL, counts=False)

NORDIC_METERS = (
    kind("no-aidon", "Norwegian, Aidon: HAN lists 1 (2 s), 2 (10 s) and 3 (hourly), all with units", "hdlc", _EVEN, _FAST_S, _AIDON,
         list_at=han_list, ids={"meter_id": _AIDON_TEXTS[1][1]}),
    kind("no-kaifa", "Norwegian, Kaifa: HAN lists 1 (2 s), 2 (10 s) and 3 (hourly), bare numbers", "hdlc", _EVEN, _FAST_S, _KAIFA,
         list_at=han_list, ids={"meter_id": _KAIFA_TEXTS[1]}),
    kind("no-kamstrup", "Norwegian, Kamstrup: HAN lists 2 (10 s) and 3 (hourly), counters in tens of Wh", "hdlc", _NONE, _SLOW_S, _KAMSTRUP,
         list_at=kamstrup_list, ids={"meter_id": _KAMSTRUP_TEXTS[0][1]}),
    kind("se-aidon", "Swedish, Aidon: one list with all phases and units, every 10 s", "hdlc", _EVEN, _SLOW_S, _AIDON_SE),
    kind("dk-kamstrup", "Danish, Kamstrup Omnipower: codes without units, authenticated, every 10 s", "hdlc", _NONE, _SLOW_S, _KAMSTRUP_DK),
)
