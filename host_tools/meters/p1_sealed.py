"""P1 text that goes encrypted over the wire, of Luxembourg and Styria: a home's state in; APDUs with the text inside (bytes) out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from host_tools.meters.cipher import AUTHENTICATED, Cipher, invented
from host_tools.meters.dlms import u32
from host_tools.meters.dlms_rows import read, rows
from host_tools.meters.house import House
from host_tools.meters.kinds import Kind
from host_tools.meters.line import P1_FAST
from host_tools.meters.localtime import stamp
from host_tools.meters.p1 import Identity, fixed, hexed, obj, telegram

LUXEMBOURG_AUTH_KEY = "00112233445566778899AABBCCDDEEFF"  # the same in every meter, printed in the document
_LARGEST_KVA = "77.376*kVA"
_PHASES = (1, 2, 3)

ENERGIES = rows("1.8.0 2.8.0 3.8.0 4.8.0", u32)
POWERS = rows("1.7.0 2.7.0 3.7.0 4.7.0", u32)
AMPERES = rows("31.7.0 51.7.0 71.7.0", u32, 0)
_STYRIAN = rows(" ".join(f"{c}.8.0 {c}.8.1 {c}.8.2 {c}.7.0" for c in (1, 2, 3, 4)), u32)
_UNITS = {"wh": "Wh", "varh": "varh", "w": "W", "var": "var"}  # by the end of a value's name


def _unit(name: str) -> str:
    return _UNITS[name.rpartition("_")[2]]


def luxembourg(v: dict, who: Identity) -> bytes:
    """Totals without tariffs; what `v` lacks is left out."""
    lines = [obj("1-3:0.2.8", who.version), obj("0-0:1.0.0", stamp(v["_unix"]))]
    if who.meter_id:
        lines.append(obj("0-0:42.0.0", hexed(who.meter_id)))
    for listed, digits in ((ENERGIES, 9), (POWERS, 5)):
        lines += [obj(row.code, f"{fixed(v[row.name], digits, 3)}*k{_unit(row.name)}") for row in listed if row.name in v]
    if "breaker_state" in v:
        lines += [obj("0-0:17.0.0", _LARGEST_KVA), obj("0-0:96.3.10", str(v["breaker_state"]))]
        lines += [obj("0-0:96.7.21", f"{v['power_failures']:05d}")]
        lines += [obj(f"1-0:{12 + 20 * n}.{c}.0", f"{v[f'{name}_l{n}']:05d}") for c, name in ((32, "voltage_sags"), (36, "voltage_swells"))
                  for n in _PHASES]
        lines += [obj(f"0-0:96.13.{n}", "") for n in (0, 2, 3, 4, 5)]
        lines += [obj(row.code, fixed(v[row.name], 3, 0) + "*A") for row in AMPERES]
    return telegram(who.header, lines)


def styria(v: dict, who: Identity) -> bytes:
    """Nine digits of Wh, W, varh and var; what `v` lacks is left out."""
    lines = [obj("0-0:1.0.0", stamp(v["_unix"]))]
    lines += [obj(row.code, f"{v[row.name]:09d}*{_unit(row.name)}") for row in _STYRIAN if row.name in v]
    return telegram(who.header, lines)


def _read_luxembourg(house: House, unix: int) -> dict:
    sags = {f"{name}_l{n}": 0 for name in ("voltage_sags", "voltage_swells") for n in _PHASES}
    values = read(house, unix, ENERGIES + POWERS + AMPERES) | sags
    return values | {"time": unix, "breaker_state": 1, "power_failures": house.short_failures}


def _read_styria(house: House, unix: int) -> dict:
    return read(house, unix, _STYRIAN) | {"time": unix}


@dataclass(frozen=True)
class Sealed:
    """Writes the telegrams of one meter."""

    text: Callable[[dict, Identity], bytes]
    who: Identity
    cipher: Cipher

    def __call__(self, values: dict) -> bytes:
        return self.cipher.seal(self.plain(values), values["_counter"])

    def plain(self, values: dict) -> bytes:
        """The text before it is encrypted."""
        return self.text(values, self.who)


def _kind(name: str, description: str, cadence_s: int, read_all: Callable[[House, int], dict], write: Sealed) -> Kind:
    named = {"identification": write.who.header, "meter_id": write.who.meter_id, "version": write.who.version}
    return Kind(name, description, "dlms", P1_FAST, cadence_s, read_all, write, ids={key: text for key, text in named.items() if text},
                keys=write.cipher.keys)


_LU = Identity("Lux5\\SIM000001_D", "SAG1030000000001", "42")
_AT = Identity("EST5\\SIM000002_A", "")
SEALED_METERS = (
    _kind("lu-smarty", "Luxembourg, Smarty: P1 text, encrypted and authenticated, every 10 s", 10, _read_luxembourg,
          Sealed(luxembourg, _LU, Cipher(b"SAGgp\x00\x00\x01", invented("lu-smarty key"), AUTHENTICATED, LUXEMBOURG_AUTH_KEY, wide=True))),
    _kind("at-steiermark-t210", "Energienetze Steiermark, Sagemcom T210-D: P1 text in Wh and W, encrypted and authenticated, every 5 s", 5,
          _read_styria, Sealed(styria, _AT, Cipher(b"SAGY\x05\x00\x00\x02", invented("at-steiermark-t210 key"), AUTHENTICATED,
                                                   invented("at-steiermark-t210 authentication"), wide=True))),
)
