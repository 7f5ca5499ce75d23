"""What a simulated meter is: seconds of unix time in; telegrams (bytes) and what its registers say (a dictionary) out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from host_tools.meters.house import House
from host_tools.meters.line import Line
from host_tools.meters.localtime import iso, local


@dataclass(frozen=True)
class Kind:
    """One row of METERS; called with a seed it gives a Meter.

    `read(house, unix)` gives the values of the registers at that second, at the resolution of the telegram; `write(values)` the telegram.
    `keys`: "key" and "auth_key" in hex, of a meter that encrypts. `meter`: what makes a meter of this row, where Meter is not enough.
    """

    name: str
    description: str
    protocol: str  # "p1", "sml", "d0", "hdlc", "mbus", "dlms" or "amis"
    line: Line
    cadence_s: int
    read: Callable[[House, int], dict]
    write: Callable[[dict], bytes]
    house: dict = field(default_factory=dict)  # keywords of House
    ids: dict = field(default_factory=dict)  # what truth() says besides the values
    keys: dict = field(default_factory=dict)
    meter: Callable[[Kind, int], Meter] | None = None

    def __call__(self, seed: int = 1) -> Meter:
        return (self.meter or Meter)(self, seed)


class Meter:
    """A meter at one home. Its home begins to live with the first telegram.

    A meter that listens also has `receive(data, unix)`, called with the bytes that came to it. It is asked for a telegram at each
    cadence, after each receive, and at the unix time `wake` where it has one, and says b"" when it has nothing to send. What it
    sets `line` to is the wire's setting from then on.
    """

    def __init__(self, kind: Kind, seed: int):
        self.kind, self.seed = kind, seed
        self.name, self.description, self.protocol = kind.name, kind.description, kind.protocol
        self.line, self.cadence_s, self.keys = kind.line, kind.cadence_s, kind.keys
        self.house: House | None = None
        self.values: dict = {}

    def telegram(self, unix_time: float) -> bytes:
        """The telegram that leaves at `unix_time`; the home lives until then. Time goes forward, or stands still."""
        now = int(unix_time)
        if self.house is None:
            self.house = House(self.seed, now, **self.kind.house)
        self.house.advance(now)
        self.values = self.kind.read(self.house, self.house.time)
        return self.kind.write(self.values)

    def truth(self) -> dict:
        """What the last telegram said: quantity names with exact numbers in the unit of the name, times as ISO text in UTC, ids.

        `month_peaks` is ((local month of closing, time of the peak or None, W), ...). Phase powers are net, as import and export of a
        phase stand in two registers. A total or a net power that the telegram does not say is not here. Empty before the first telegram.
        """
        said = dict(self.kind.ids) if self.values else {}
        for name, value in self.values.items():
            if name.startswith("_"):
                continue
            if name.startswith(("power_import_l", "power_export_l")):
                net = f"power_l{name[14]}_w"
                said[net] = said.get(net, 0) + (value if "import" in name else -value)
            elif name == "time" or name.endswith("_time"):
                said[name] = iso(value)
            elif name == "month_history":
                said["month_peaks"] = tuple((f"{local(end):%Y-%m}", peak and iso(peak), watts) for end, peak, watts in value)
            elif isinstance(value, (int, Decimal)):
                said[name] = value
        return said

    @property
    def power_w(self) -> int:
        """Net power of the last second, for people to look at; positive = import."""
        return watts(self.house.net_mw) if self.house else 0


def watts(milliwatts: int) -> int:
    """Whole watts, halves away from zero."""
    return (abs(milliwatts) + 500) // 1000 * (1 if milliwatts >= 0 else -1)
