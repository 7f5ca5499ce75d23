"""The small chores of a running dongle, every ten seconds: nothing in, a clock that never misses a wrap and a tidy heap out."""

import asyncio

from micropython import const

_EVERY_S = const(10)


class Housekeeping:
    """`clock` is asked often enough that its ticks never wrap unseen; `collect()` frees memory before it gets scarce."""

    def __init__(self, clock, collect):
        self._clock = clock
        self._collect = collect

    async def run(self) -> None:
        while True:
            self._clock.uptime_s()
            self._collect()
            await asyncio.sleep(_EVERY_S)
