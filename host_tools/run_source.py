"""What feeds a simulated run: a meter's name or a capture's path in; its telegrams, its line and its pace out."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from host_tools import meters, replay
from host_tools.meters.eye import Eye
from host_tools.meters.line import Line
from host_tools.meters.play import Live, Telegram
from host_tools.meters.request import Requested


@dataclass(frozen=True)
class Source:
    """`telegrams` can be gone through once. `cadence_s`: seconds between telegrams as they arrive. `endless`: a meter, no capture.

    `keys`: "key" and "auth_key" in hex, where the meter encrypts. `asked`: it waits until the dongle asks it. `eye`: of a meter that waits for its PIN.
    """

    title: str
    protocol: str
    line: Line
    cadence_s: float
    speed: float
    telegrams: Iterable[Telegram]
    endless: bool
    keys: dict = field(default_factory=dict)
    asked: bool = False
    eye: Eye | None = None


_INSTALLED_S = 60.0  # of the time after power-up in which some meters show all: so much of it is left


def of_meter(name: str, seed: int = 1, pin: str | None = None) -> Source:
    """A simulated meter that tells the time of this computer. With its PIN: one that shows all after power-up does so for a minute yet."""
    meter = meters.make(name, seed, pin)
    eye = getattr(meter, "eye", None)
    if pin is not None and eye.profile.install_min:
        eye.power_cycle(time.time() + _INSTALLED_S - 60 * eye.profile.install_min)
    return Source(f"{name}  {meter.description}", meter.protocol, meter.line, meter.cadence_s, 1.0, Live(meter), True, meter.keys,
                  isinstance(meter, Requested), eye)


def of_capture(path: str, speed: float = 1.0, keys: tuple[bytes | None, bytes | None] = (None, None), line: str | None = None) -> Source:
    """A capture of a real meter, played in its own pace or `speed` times as fast. Keys that are not given are those of its JSON file."""
    told = {name: key.hex() for name, key in zip(("key", "auth_key"), keys) if key} or keys_beside(path)
    capture = replay.read(path, (bytes.fromhex(told.get("key", "")) or None, bytes.fromhex(told.get("auth_key", "")) or None))
    faster = f" at {speed:g} times its pace" if speed != 1 else ""
    count = len(capture.pieces)
    title = f"{capture.name}  {count} telegram{'' if count == 1 else 's'}{faster}"
    settings = Line.parse(line) if line else capture.line
    return Source(title, capture.protocol, settings, capture.cadence_s / speed, speed, capture.telegrams(), False, told)


def keys_beside(path: str) -> dict:
    """The keys in the JSON file beside a capture, as `meterbridge anonymise` writes one; {} without."""
    try:
        told = json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8"))
        found = {"key": told.get("key"), "auth_key": told.get("authentication_key")}
        return {name: bytes.fromhex(key).hex() for name, key in found.items() if key and len(bytes.fromhex(key)) == 16}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
