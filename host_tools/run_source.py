"""What feeds a simulated run: a meter's name or a capture's path in; its telegrams, its line and its pace out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from host_tools import meters, replay
from host_tools.meters.line import Line
from host_tools.meters.play import Live, Telegram
from host_tools.meters.request import Requested


@dataclass(frozen=True)
class Source:
    """`telegrams` can be gone through once. `cadence_s`: seconds between telegrams as they arrive. `endless`: a meter, no capture.

    `keys`: "key" and "auth_key" in hex, where the meter encrypts. `asked`: it waits until the dongle asks it.
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


def of_meter(name: str, seed: int = 1) -> Source:
    """A simulated meter that tells the time of this computer."""
    meter = meters.make(name, seed)
    return Source(f"{name}  {meter.description}", meter.protocol, meter.line, meter.cadence_s, 1.0, Live(meter), True, meter.keys,
                  isinstance(meter, Requested))


def of_capture(path: str, speed: float = 1.0) -> Source:
    """A capture of a real meter, played in its own pace or `speed` times as fast."""
    capture = replay.read(path)
    faster = f" at {speed:g} times its pace" if speed != 1 else ""
    title = f"{capture.name}  {len(capture.pieces)} telegrams{faster}"
    return Source(title, capture.protocol, capture.line, capture.cadence_s / speed, speed, capture.telegrams(), False)
