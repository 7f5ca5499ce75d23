"""What the splitters give: places (indexes into a capture) of a telegram, of the link frames that carry it and of its octets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A link frame data[start:end], whose contents are data[first:last]; `good`: its checksums are right."""

    start: int
    end: int
    first: int
    last: int
    good: bool = True


@dataclass(frozen=True)
class Telegram:
    """The frames that carry one telegram; `places`: where each octet of the APDU, or of what stands for one, is in the capture."""

    units: tuple[Unit, ...]
    places: tuple[int, ...]

    @property
    def span(self) -> tuple[int, int]:
        return self.units[0].start, self.units[-1].end

    @property
    def good(self) -> bool:
        return all(unit.good for unit in self.units)

    def octets(self, data: bytes) -> bytes:
        return bytes(data[place] for place in self.places)
