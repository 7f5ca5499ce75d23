"""Line settings of a meter's serial port: baud, data bits, parity, stop bits, inverted or not; and how long bytes take on it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass

from host_tools.errors import UserError

_PARITIES = {"N": None, "E": 0, "O": 1}  # the numbers of machine.UART
_LETTERS = {value: letter for letter, value in _PARITIES.items()}
_PATTERN = re.compile(r"\s*(\d+)\s+([5-8])([NEO])([12])(\s+inverted)?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """`parity` is None, 0 (even) or 1 (odd); `inverted` says that an idle line is low, as on a P1 port."""

    baud: int
    bits: int = 8
    parity: int | None = None
    stop: int = 1
    inverted: bool = False

    @classmethod
    def parse(cls, text: str) -> Line:
        """Reads `115200 8N1 inverted`. Raises UserError for anything else."""
        match = _PATTERN.match(text)
        if not match or int(match[1]) == 0:
            raise UserError(f"'{text}' is not a line setting: write it like '115200 8N1 inverted' or '9600 7E1'")
        return cls(int(match[1]), int(match[2]), _PARITIES[match[3].upper()], int(match[4]), bool(match[5]))

    def __str__(self) -> str:
        return f"{self.baud} {self.bits}{_LETTERS[self.parity]}{self.stop}" + (" inverted" if self.inverted else "")

    @property
    def byte_seconds(self) -> float:
        """Seconds that one byte occupies the line: start bit, data bits, parity bit and stop bits."""
        return (1 + self.bits + (self.parity is not None) + self.stop) / self.baud

    def save(self, path: str) -> None:
        """Writes the settings as JSON, in one step: a reader sees the old file or the new one, never half of it."""
        fields = {"baud": self.baud, "bits": self.bits, "parity": self.parity, "stop": self.stop, "inverted": self.inverted}
        draft = f"{path}.{os.getpid()}.new"
        with open(draft, "w", encoding="ascii") as out:
            json.dump(fields, out)
        os.replace(draft, path)


P1_FAST = Line(115200, inverted=True)  # DSMR 4 and 5, eMUCs
P1_SLOW = Line(9600, bits=7, parity=0, inverted=True)  # DSMR 2.2 and 3
INFRARED = Line(9600)  # SML on the optical port
