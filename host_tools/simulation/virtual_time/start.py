"""Starts the firmware in virtual time: MB_SIM's "virtual" in, the firmware's main.py run out.

Run it instead of main.py, with this folder first on MICROPYPATH, then boards/sim, then the compiled firmware.
"""

import sys

import sim_chip
import virtual_clock


def _take_time() -> None:
    """Everything that asks the time asks the virtual clock; asyncio takes what does not wrap."""
    import time

    end = time.begin_loop()
    import asyncio

    asyncio.StreamReader, asyncio.Event, asyncio.wait_for, asyncio.Lock  # each loads its module
    end()
    sys.modules["utime"] = time  # for the stand-ins of the chip's modules


def _read_once(world) -> None:
    """Files that tell what is around the chip are read once, and again after an event: nothing else changes them."""
    known = {}
    read = sim_chip.read_json

    def read_json(path):
        if path not in known:
            known[path] = read(path)
        return known[path]

    sim_chip.read_json = read_json
    world.changed = known.clear


def _watchdog(world) -> None:
    """The watchdog watches virtual time; when it bites, the host is told and starts the chip again."""
    import machine

    class WDT:
        def __init__(self, id=0, timeout=5000):
            self._timeout = timeout // 1000 * 1000
            self.feed()

        def feed(self):
            virtual_clock.bite_at = virtual_clock.ms + self._timeout

    machine.WDT = WDT
    virtual_clock.bite = lambda: world.tell(b"bite")
    machine.reset = lambda: world.tell(b"reset")


def start() -> None:
    _take_time()
    if "port" in virtual_clock.told:
        from sim_uart import world

        _read_once(world)
        _watchdog(world)


def _mount() -> None:
    import sim_flash

    sim_flash.mount("/data")


start()
_mount()
del _mount, start, _take_time, _read_once, _watchdog
import main  # noqa: E402, F401
