"""What feeds a simulated run: a meter's name or a capture's path in; telegrams with the pauses between them out."""

import time
from collections.abc import Iterator
from pathlib import Path

from host_tools.errors import USAGE, UserError


class MeterSource:
    """A simulated meter that tells the time of this computer."""

    def __init__(self, name: str, seed: int = 1):
        from host_tools import meters

        self._meter = meters.make(name, seed)
        self.title = f"{name}  {self._meter.description}"
        self.line = self._meter.line
        self.cadence_s = self._meter.cadence_s
        self.protocol = self._meter.protocol

    def telegrams(self) -> Iterator[tuple[bytes, float]]:
        """(telegram, seconds until the next), the first at once, without end."""
        while True:
            yield self._meter.telegram(time.time()), self.cadence_s


class CaptureSource:
    """A capture of a real meter, played in its own pace or faster."""

    def __init__(self, path: str, speed: float = 1.0):
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; name a capture: a file of bytes as they came from the meter", USAGE)
        from host_tools import replay

        self._capture = replay.load(path)
        self._speed = speed
        faster = f" at {speed:g} times its pace" if speed != 1 else ""
        self.title = f"{Path(path).name}{faster}"
        self.line = self._capture.line
        self.cadence_s = self._capture.cadence_s / speed
        self.protocol = self._capture.protocol

    def telegrams(self) -> Iterator[tuple[bytes, float]]:
        """(telegram, seconds until the next), to the capture's end."""
        for data, pause_s in self._capture.telegrams():
            yield data, pause_s / self._speed
