"""German meters as they are delivered: whole kWh and no power until their eye saw the PIN, the whole set after. Light and unix seconds in, SML out.

Each is one of the other SML meters behind an eye. All have PIN 1234, unless another is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from host_tools.meters.eye import Eye
from host_tools.meters.eye_profiles import PROFILES
from host_tools.meters.kinds import Kind, Meter
from host_tools.meters.sml_meters import SML_METERS, reduced_entries
from host_tools.meters.sml_quirk_meters import SML_QUIRK_METERS, rows

PIN = "1234"
_BASES = {kind.name: kind for kind in (*SML_METERS, *SML_QUIRK_METERS)}
_WHOLE = 1000  # Wh: what a locked meter counts in


class Locked(Meter):
    """`eye` is what sees the light; `pin` may be set until it is entered. Light is told in the time of `telegram`."""

    def __init__(self, kind: Kind, seed: int, profile: str, reduced: Callable[[dict], bytes], shown: Callable[[str], bool]):
        super().__init__(kind, seed)
        self.eye = Eye(PROFILES[profile], PIN)
        self._reduced, self._shown = reduced, shown

    @property
    def pin(self) -> str:
        """The meter's PIN."""
        return self.eye.pin

    @pin.setter
    def pin(self, digits: str) -> None:
        self.eye.pin = Eye(pin=digits).pin

    def telegram(self, unix_time: float) -> bytes:
        """What it may send at that moment; the eye itself stays where it is, as light may come until then."""
        whole = super().telegram(unix_time)
        self.eye.values = self.values
        if self.eye.extended(unix_time):
            return whole
        self.values = {name: _rounded(name, value) for name, value in self.values.items() if name.startswith("_") or self._shown(name)}
        return self._reduced(self.values)


def _rounded(name: str, value: object) -> object:
    return int(value) // _WHOLE * _WHOLE if name.startswith("energy_") else value


def _is_energy(name: str) -> bool:
    return name.startswith("energy_") or name == "time"


def _whole_rows(table: str) -> str:
    """The rows of a table that a locked meter sends: ids, and energies in whole kWh."""
    kept = []
    for code, name, *measured in rows(table):
        if not measured or name == "_status":
            kept.append([code, name, *measured])
        elif _is_energy(name):
            kept.append([code, name, "Wh", "3", "u", *measured[3:]])
    return "\n".join(" ".join(row) for row in kept)


def _locked(name: str, base: str, description: str, profile: str, maker: bytes = b"", serial: int = 0) -> Kind:
    """`maker`: whose it is where the meter behind the eye is nobody's; with the number on its plate."""
    kind = _BASES[base]
    if maker:
        server_id = b"\x0a\x01" + maker + b"\x00" + serial.to_bytes(4, "big")
        kind = replace(kind, write=partial(kind.write, server_id=server_id, maker=maker), ids={"meter_id": f"1{maker.decode()}00{serial:08d}"})
    table = kind.write.keywords.get("table")
    reduced = partial(kind.write, table=_whole_rows(table)) if table else partial(kind.write, entries=reduced_entries)
    return replace(kind, name=name, description=description, meter=partial(Locked, profile=profile, reduced=reduced, shown=_is_energy))


SML_LOCKED_METERS = (
    _locked("sml-locked", "sml", "German two-way meter that waits for its PIN", "generic"),
    _locked("sml-locked-emh", "sml-emh-mme40", "EMH mME4.0 that waits for its PIN and locks after wrong ones", "emh"),
    _locked("sml-locked-emh-ed300l", "sml-emh-ed300l", "EMH ED300L that waits for its PIN; it has no InF", "emh-ed300l"),
    _locked("sml-locked-easymeter", "sml-easymeter", "EasyMeter Q3A that waits for its PIN; it has no InF", "easymeter"),
    _locked("sml-locked-dzg", "sml-dzg", "DZG that waits for its PIN: one pulse opens it", "dzg"),
    _locked("sml-locked-apator", "sml", "Apator Picus that waits for its PIN: one pulse opens it", "apator", b"APA", 21),
    _locked("sml-locked-iskra", "sml", "Iskra MT176 that waits for its PIN", "iskra", b"ISK", 22),
    _locked("sml-locked-itron", "sml-itron", "Itron OpenWay 3.HZ that waits for its PIN", "itron"),
    _locked("sml-locked-sagemcom", "sml-sagemcom", "Sagemcom SMARTY that waits for its PIN", "sagemcom"),
    _locked("sml-locked-install", "sml-sagemcom", "Sagemcom SMARTY that sends all for 30 minutes after power-up, then waits for its PIN", "sagemcom-install"),
    _locked("sml-locked-kaifa", "sml", "Kaifa MB310 that waits for its PIN; InF is 13 pulses into its menu", "kaifa", b"KFM", 23),
)
