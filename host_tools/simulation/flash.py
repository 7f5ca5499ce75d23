"""The flash of a simulated dongle from outside: the wear it had and the faults it shall have in and out; counts are whole numbers.

What happens to it, and the files that say so, are boards/sim/sim_flash.py's.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from host_tools.simulation.wiring import replace_file

BLOCK = 4096  # bytes, the erase block of an ESP32's flash
_HEAD = struct.Struct("<4I")


@dataclass(frozen=True)
class Wear:
    """What was done to it since it was made. A step is a program or an erase; `blocks`: the erases of each block."""

    programs: int = 0
    erases: int = 0
    cuts: int = 0
    bytes_programmed: int = 0
    blocks: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        return self.programs + self.erases


class Flash:
    """`kb` of flash for what the dongle keeps, as an image in `folder`; with 0 there is none."""

    def __init__(self, folder: Path, kb: int):
        self.kb = kb
        self.image = folder / "flash.img"
        self._wear = folder / "flash.img.wear"
        self._control = folder / "flash.json"
        self._faults: dict = {}

    def chip(self) -> dict:
        """What the simulated chip is told of it."""
        return {"flash": {"image": str(self.image), "kb": self.kb, "control": str(self._control)}} if self.kb else {}

    def wear(self) -> Wear:
        """As it is at this moment."""
        try:
            raw = self._wear.read_bytes()
        except FileNotFoundError:  # it was never switched on
            return Wear()
        if len(raw) < _HEAD.size:  # it is being made
            return Wear()
        return Wear(*_HEAD.unpack_from(raw), blocks=struct.unpack_from(f"<{len(raw) // 4 - 4}I", raw, _HEAD.size))

    def cut_power(self, steps: int, arrives: str = "half") -> None:
        """The power goes at the step that many after now, once. `arrives`: "none", "half" or "most" of that step is done."""
        wear = self.wear()
        self._tell(die_at=wear.steps + steps, cuts=wear.cuts, arrives=arrives)

    def spoil(self, *blocks: int) -> None:
        """From now on nothing can be written to these blocks; none: all are good."""
        self._tell(bad=blocks)

    def fail(self, error: int) -> None:
        """From now on each program and erase fails with this error number; 0: they work again."""
        self._tell(error=error)

    def _tell(self, **faults) -> None:
        self._faults |= faults
        replace_file(self._control, json.dumps(self._faults))
