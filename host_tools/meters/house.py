"""The simulated home behind a meter: unix seconds in; power per phase in mW and counters in mWs (milliwatt seconds), ml, exactly, out.

Everything is integers and steps of one second, so that a counter is the exact sum of the powers before it. Time is given, never asked:
the same home runs live and in virtual time, and two runs with the same seed and times are alike.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from host_tools.meters import loads
from host_tools.meters.localtime import HOUR, local, month_start, unix_of

MWS_PER_WH = 3600 * 1000
QUARTER = 900
MONTHS_KEPT = 13  # month peaks that a Belgian meter shows


def dutch_tariff(t: int) -> int:
    """1 = low: nights and weekends; 2 = normal."""
    now = local(t)
    return 2 if now.weekday() < 5 and 7 <= now.hour < 23 else 1


def belgian_tariff(t: int) -> int:
    """1 = day, 2 = night and weekend: the other way round."""
    now = local(t)
    return 1 if now.weekday() < 5 and 7 <= now.hour < 22 else 2


def german_tariff(t: int) -> int:
    """1 = high (6 to 22 h), 2 = low."""
    return 1 if 6 <= local(t).hour < 22 else 2


class House:
    """A home from second `start` on. `advance(t)` lets it live until `t`; then the attributes say what a meter there would know."""

    def __init__(self, seed: int, start: int, *, phases: int = 3, solar_w: int = 4200, battery: bool = True,
                 standby_w: int = 160, tariff: Callable[[int], int] = dutch_tariff):
        self.seed, self.phases = seed, phases
        # From the hour on, so that gas readings and the running quarter hour have their history when the first telegram leaves.
        self.time = (start - 1) // HOUR * HOUR
        self._tariff_of, self.tariff = tariff, tariff(self.time)
        self._noise, self._small_w = random.Random(f"{seed}/noise"), 0
        self._windows = loads.Windows(seed, without=() if phases == 3 else ("car",))
        for name, after, until in (("kettle", 6, 44), ("hob", 65, 150)):  # something to see in the first minutes
            self._windows.run_once(name, start + after, start + until)
        self._sky, self._battery = loads.Sky(seed), loads.Battery() if battery else None
        self._solar_w, self._sun, self._heating, self._standby_w = solar_w, 0.0, 0.0, standby_w
        self.phase_mw = [0, 0, 0]  # net, positive = from the grid
        self._fill_counters(random.Random(f"{seed}/start"))

    def _fill_counters(self, draw: random.Random) -> None:
        self.imported = {n: draw.randrange(900_000, 4_000_000) * MWS_PER_WH + draw.randrange(MWS_PER_WH) for n in (1, 2)}
        self.exported = {n: draw.randrange(200_000, 900_000) * MWS_PER_WH + draw.randrange(MWS_PER_WH) for n in (1, 2)}
        self.gas_ml = draw.randrange(900_000, 4_000_000) * 1000
        self.water_ml = draw.randrange(200_000, 900_000) * 1000
        self.captured = {span: (self.time, self.gas_ml, self.water_ml) for span in (300, HOUR)}
        self.short_failures, self.long_failures = draw.randrange(2, 9), 2
        self.failures = [(self.time - days * 86400 - draw.randrange(40_000), draw.randrange(200, 9000)) for days in (213, 77)]
        self._quarter_mws = 0
        first = month_start(local(self.time))
        quarters = (self.time - first) // QUARTER
        self.month_peak = (first + quarters // 2 * QUARTER, draw.randrange(2600, 3400) * 1000 if quarters > 1 else 0)  # end of quarter, mW
        self.month_history = [self._past_month(local(first), back, draw) for back in range(MONTHS_KEPT, 0, -1)]

    @staticmethod
    def _past_month(first: datetime, back: int, draw: random.Random) -> tuple[int, int | None, int]:
        """(end of the month, end of the peak's quarter hour, mW); the oldest is of a month before the meter counted peaks."""
        begin = first
        for _ in range(back):
            begin = (begin - timedelta(days=1)).replace(day=1)
        end = month_start(begin + timedelta(days=31))
        if back == MONTHS_KEPT:
            return end, None, 0
        noon = unix_of(begin.replace(hour=12), 3 < begin.month < 11)
        return end, noon + draw.randrange(26 * 96) * QUARTER, draw.randrange(2500, 6500) * 1000

    def advance(self, unix: int) -> None:
        """Lets the home live until `unix`; a time before its own changes nothing."""
        while self.time < unix:
            if self.time % 60 == 0:
                self._sun = loads.sun(self.time)
                self._heating = max(0.0, 17.0 - loads.outside(self.time)) / 25
                self.tariff = self._tariff_of(self.time)
            self._second()
            self.time += 1
            if self.time % 300 == 0:
                self._boundary()

    def _second(self) -> None:
        watts = [self._standby_w // 3] * 3
        gas = water = 0
        for a in self._windows.active(self.time):
            gas, water = gas + a.gas_ml, water + a.water_ml
            if a.pulse and self.time % 12 >= a.pulse:
                continue
            for phase in ((a.phase,) if a.phase < 3 else (0, 1, 2)):
                watts[phase] += a.watts
        if self.time % 1800 < 1800 * self._heating:  # hybrid heat pump: part of the heat is gas
            watts[0] += 1350
            gas += 110
        bits = self._noise.getrandbits(30)
        if self.time % 5 == 0:
            self._small_w = bits % 190  # what is switched all day: a screen, a pump, a charger
        watts[1] += self._small_w
        if self._solar_w:
            made = int(self._solar_w * self._sun * self._sky.light(self.time))
            for phase in range(3):
                watts[phase] -= made // 3
        if self._battery:
            watts[2] -= self._battery.step(sum(watts))
        self.phase_mw = [w * 1000 + (bits >> 10 * n & 1023) * 16 - 8192 for n, w in enumerate(watts)]
        if self.phases == 1:
            self.phase_mw = [sum(self.phase_mw), 0, 0]
        net = sum(self.phase_mw)
        if net >= 0:
            self.imported[self.tariff] += net
            self._quarter_mws += net
        else:
            self.exported[self.tariff] -= net
        self.gas_ml += gas
        self.water_ml += water

    def _boundary(self) -> None:
        """A multiple of five minutes: gas and water are read, quarter hours and months close."""
        for span in self.captured:
            if self.time % span == 0:
                self.captured[span] = (self.time, self.gas_ml, self.water_ml)
        if self.time % QUARTER:
            return
        mean = self._quarter_mws // QUARTER
        if mean > self.month_peak[1]:
            self.month_peak = (self.time, mean)
        self._quarter_mws = 0
        now = local(self.time)
        if (now.day, now.hour, now.minute) == (1, 0, 0):
            self.month_history = self.month_history[1:] + [(self.time, *self.month_peak)]
            self.month_peak = (self.time, 0)

    @property
    def net_mw(self) -> int:
        """Sum of the phases in the last second, mW; positive = from the grid."""
        return sum(self.phase_mw)

    @property
    def demand_mw(self) -> int:
        """What the import of the running quarter hour would average to if nothing more were taken."""
        return self._quarter_mws // QUARTER

    def voltage_mv(self, phase: int) -> int:
        """Phase to neutral: slow waves of the grid, less what the home's own current takes off."""
        waves = 900 * math.sin(self.time / 211 + phase * 2.1) + 1400 * math.sin(self.time / 5400 + phase)
        return 230_500 + phase * 300 + int(waves) - self.phase_mw[phase] // 1100

    def current_ma(self, phase: int) -> int:
        """Never negative, at a power factor of 0.95, plus what stands by."""
        return 90 + abs(self.phase_mw[phase]) * 1000 // self.voltage_mv(phase) * 20 // 19

    @property
    def frequency_mhz(self) -> int:
        """Grid frequency, thousandths of a hertz."""
        return 50_000 + int(22 * math.sin(self.time / 97) + 9 * math.sin(self.time / 13))
