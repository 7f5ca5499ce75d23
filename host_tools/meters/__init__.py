"""Simulated meters: a name and a seed in, a meter that writes telegrams for a simulated home out. Shares no code with the firmware."""

from __future__ import annotations

import difflib

from host_tools.errors import UserError
from host_tools.meters.d0_meters import D0_METERS
from host_tools.meters.dlms_meters import DLMS_METERS
from host_tools.meters.kinds import Kind, Meter
from host_tools.meters.p1_meters import P1_METERS
from host_tools.meters.p1_world_meters import P1_WORLD_METERS
from host_tools.meters.sml_locked import SML_LOCKED_METERS, Locked
from host_tools.meters.sml_meters import SML_METERS
from host_tools.meters.sml_quirk_meters import SML_QUIRK_METERS

METERS: dict[str, Kind] = {
    kind.name: kind for kind in (
        *P1_METERS, *P1_WORLD_METERS, *SML_METERS, *SML_QUIRK_METERS, *D0_METERS, *DLMS_METERS,
    )
}
# Beside those that say all from the start: the ones that wait for a PIN. They send what those send, or less.
LOCKED: dict[str, Kind] = {kind.name: kind for kind in SML_LOCKED_METERS}


def make(name: str, seed: int = 1, pin: str | None = None) -> Meter:
    """The meter called `name`, with that PIN where it has one. Raises UserError when there is none, with the names that there are."""
    names = METERS | LOCKED
    kind = names.get(name)
    if kind is None:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise UserError(f"no simulated meter '{name}'; {hint}there are: {', '.join(names)}")
    meter = kind(seed)
    if pin is not None:
        _give_pin(meter, pin)
    return meter


def _give_pin(meter: Meter, pin: str) -> None:
    if not isinstance(meter, Locked):
        raise UserError(f"{meter.name} has no PIN; these have: {', '.join(LOCKED)}")
    try:
        meter.pin = pin
    except ValueError as error:
        raise UserError(f"{error}: write it as 0471") from error
