"""A simulated meter for long times: moments in; telegrams and what they say out. Its home lives by the minute, not by the second."""

import random
from array import array

from host_tools import meters
from host_tools.meters.house import House

NO_LIMIT = (999_900, 999_000)  # W, mA: "there is none" of the power and fuse limits


class QuickHouse(House):
    """A home whose power stays the same for a minute, or until it is looked at: months pass in seconds, counters stay exact."""

    def advance(self, unix: int) -> None:
        while self.time < unix:
            if self.time % 60 == 0 or not any(self.phase_mw):
                draw = random.Random(self.seed * 7919 + self.time // 60)
                self.tariff = self._tariff_of(self.time)
                sun = 3000 if 8 <= self.time // 3600 % 24 < 16 else 0
                self.phase_mw = [draw.randrange(50, 1600) * 1000 + draw.randrange(1000) - draw.randrange(sun + 1) * 1000 for _ in range(3)]
                self._flow = draw.randrange(60)
            step = min(unix, (self.time // 60 + 1) * 60) - self.time
            net = sum(self.phase_mw) * step
            (self.imported if net > 0 else self.exported)[self.tariff] += abs(net)
            self._quarter_mws += max(0, net)
            self.gas_ml += self._flow * step
            self.time += step
            if self.time % 300 == 0:
                self._boundary()


class QuickMeter:
    """A meter of host_tools.meters with a quick home. `said(unix)`: what its telegram of that moment said, None when there was none."""

    def __init__(self, name: str, start: int):
        self._meter = meters.make(name)
        self._meter.house = QuickHouse(1, start, **self._meter.kind.house)
        self._names: tuple = ()
        self._said: dict[int, array] = {}

    def telegrams(self, moments):
        """(unix second, bytes) of each moment, in order."""
        for unix in moments:
            data = self._meter.telegram(unix)
            said = {name: value for name, value in self._meter.truth().items() if isinstance(value, int) and value not in NO_LIMIT}
            self._names = self._names or tuple(sorted(said))
            assert set(self._names) == set(said)
            self._said[unix] = array("q", [said[name] for name in self._names])
            yield unix, data

    def said(self, unix: int) -> dict | None:
        values = self._said.get(unix)
        return None if values is None else dict(zip(self._names, values))

    def moments(self) -> list[int]:
        """Of all telegrams that were made."""
        return list(self._said)


