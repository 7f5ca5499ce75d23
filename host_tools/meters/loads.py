"""What uses and makes power in the simulated home: unix seconds in, watts per phase, gas and water flows out; a function of the seed.

Each appliance runs at most once per period, at a moment drawn from the seed, its name and the number of the period, so the home's day
does not depend on when a simulation starts.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from host_tools.meters.localtime import HOUR, local

_DAY = 86400
_LATITUDE, _LONGITUDE = math.radians(52.0), 5.0
_ALWAYS = "9" * 24


@dataclass(frozen=True)
class Appliance:
    """`chance` has a digit per local hour: that many tenths is the chance to run in a period that begins in this hour (9 = always)."""

    name: str
    watts: int
    phase: int  # 0..2, or 3 for all three alike
    period: int
    shortest: int  # seconds
    longest: int
    chance: str = _ALWAYS
    gas_ml: int = 0  # per second while it runs
    water_ml: int = 0
    pulse: int = 0  # a thermostat lets it heat this many seconds of twelve; 0: all the time


APPLIANCES = (
    Appliance("fridge", 85, 0, 2400, 700, 1000),
    Appliance("freezer", 110, 2, 3000, 800, 1300),
    Appliance("kettle", 2150, 1, 1800, 60, 170, "000000564333443344321100"),
    Appliance("hob", 1800, 0, HOUR, 600, 1500, "000000220003000008830000", pulse=7),
    Appliance("oven", 2400, 1, 2 * HOUR, 1200, 3000, "000000000001000006640000", pulse=8),
    Appliance("washing machine", 2050, 2, 3 * HOUR, 600, 1100, "000000002454321122000000"),
    Appliance("lights", 140, 0, 3 * HOUR, 7200, 10700, "400000660000000066999996"),
    Appliance("television", 120, 1, 2 * HOUR, 3000, 7000, "200000000000111133578874"),
    Appliance("car", 3600, 3, _DAY, 1800, 9000, _ALWAYS),
    Appliance("shower", 40, 2, HOUR, 240, 480, "000000686422000001343210", gas_ml=600, water_ml=130),
    Appliance("tap", 0, 0, 900, 10, 90, "100000345332333345543321", water_ml=90),
)


class Windows:
    """When each appliance runs: `active(t)` gives those that are on at second `t`."""

    def __init__(self, seed: int, without: tuple[str, ...] = ()):
        self._seed = seed
        self._appliances = [a for a in APPLIANCES if a.name not in without]
        self._slots = [None] * len(self._appliances)
        self._windows = [(0, 0)] * len(self._appliances)
        self._fixed: list[tuple[int, int, Appliance]] = []

    def run_once(self, name: str, start: int, end: int) -> None:
        """Has an appliance run from `start` to `end` besides its own moments."""
        found = next(a for a in APPLIANCES if a.name == name)
        self._fixed.append((start, end, found))

    def active(self, t: int) -> list[Appliance]:
        on = []
        for index, appliance in enumerate(self._appliances):
            slot = t // appliance.period
            if slot != self._slots[index]:
                self._slots[index] = slot
                self._windows[index] = self._draw(appliance, slot)
            start, end = self._windows[index]
            if start <= t < end:
                on.append(appliance)
        on.extend(appliance for start, end, appliance in self._fixed if start <= t < end)
        return on

    def _draw(self, appliance: Appliance, slot: int) -> tuple[int, int]:
        draw = random.Random(f"{self._seed}/{appliance.name}/{slot}")
        begin = slot * appliance.period
        chance = int(appliance.chance[local(begin).hour])
        if draw.random() * 9 >= chance:
            return 0, 0
        length = draw.randint(appliance.shortest, appliance.longest)
        start = begin + draw.randrange(appliance.period - length)
        return start, start + length


def sun(t: int) -> float:
    """Sine of the sun's height over a flat roof in the Netherlands, 0 at night."""
    days = t / _DAY
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (days % 365.2425 + 10) / 365.2425)
    angle = 2 * math.pi * (days % 1 + _LONGITUDE / 360) - math.pi
    height = math.sin(_LATITUDE) * math.sin(declination) + math.cos(_LATITUDE) * math.cos(declination) * math.cos(angle)
    return max(0.0, height)


def outside(t: int) -> float:
    """Outside temperature, degrees Celsius: the season and the hour, no weather."""
    season = math.cos(2 * math.pi * (t / _DAY % 365.2425 - 20) / 365.2425)
    hour = math.cos(2 * math.pi * (t / _DAY % 1 - 0.6))
    return 10.5 - 8.5 * season + 3.5 * hour


class Sky:
    """Passing clouds: `light(t)` is the share of a clear sky's light, 0.2 to 1, changing within seconds; call it once a second."""

    def __init__(self, seed: int):
        self._seed = seed
        self._slot = None
        self._target = self._now = 1.0

    def light(self, t: int) -> float:
        slot = t // 50
        if slot != self._slot:
            self._slot = slot
            draw = random.Random(f"{self._seed}/cloud/{slot}")
            self._target = draw.choice((1.0, 1.0, 0.9, 0.55, 0.3, 0.2))
        self._now += (self._target - self._now) / 8
        return self._now


class Battery:
    """A home battery that steers the meter to zero, and is a few seconds late: that exports a little after each load that ends."""

    LIMIT_W = 2400
    CAPACITY_WS = 5200 * 3600
    STEP_W = 700  # change of power in one second

    def __init__(self):
        self.power_w = 0  # positive: it delivers
        self.stored_ws = self.CAPACITY_WS * 7 // 10
        self._seen = [0, 0, 0]  # what the home without battery took in the last seconds

    def step(self, home_w: int) -> int:
        """Power for this second, W, given what the home takes without it (negative: surplus)."""
        self._seen.append(home_w)
        wanted = max(-self.LIMIT_W, min(self.LIMIT_W, self._seen.pop(0)))
        if (wanted > 0 and self.stored_ws < self.LIMIT_W * 10) or (wanted < 0 and self.stored_ws > self.CAPACITY_WS - self.LIMIT_W * 10):
            wanted = 0
        self.power_w += max(-self.STEP_W, min(self.STEP_W, wanted - self.power_w))
        self.stored_ws -= self.power_w
        return self.power_w
