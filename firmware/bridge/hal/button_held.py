"""A button that is being held: it in; LED and log that tell what letting go would do, and that done, out. Loaded meanwhile. Times in ms."""

import asyncio
import time

from machine import Pin, reset
from micropython import const

_STEP = const(50)
_SHORT = const(3000)
_RESET = const(10000)
_GIVE_UP = const(20000)
_SLOW, _FAST = const(500), const(100)  # half a period of the LED
_RED = (40, 0, 0)


async def held(button) -> None:
    """Returns when it was let go; the LED is slow for three seconds, then fast, and shines from ten to twenty: then letting go resets."""
    led = _Led(button.led)
    began = time.ticks_ms()
    since = told = 0
    while not button.pin.value():
        since = time.ticks_diff(time.ticks_ms(), began)
        if since > _GIVE_UP:
            led.show(False)
        else:
            led.show(since >= _RESET or not since // (_SLOW if since < _SHORT else _FAST) & 1)
        if since >= _SHORT and told == 0:
            told = 1
            button.log.warning("button", "held: ten seconds reset the dongle to how it came")
        elif since >= _RESET and told == 1:
            told = 2
            button.log.warning("button", "let go now to erase settings and readings; hold ten seconds more to leave all as it is")
        elif since > _GIVE_UP and told == 2:
            told = 3
            button.log.warning("button", "nothing is erased")
        await asyncio.sleep_ms(_STEP)
    led.show(False)
    if _RESET <= since <= _GIVE_UP:
        from bridge.core.forget import ask

        ask(button.storage)
        button.log.warning("button", "factory reset")
        reset()
    elif _SHORT <= since < _RESET and button.short:
        button.short()


class _Led:
    """A board's LED by its data, or none."""

    def __init__(self, data):
        self._on = 0 if data and data.get("active_low") else 1
        self._pin = Pin(data["pin"], Pin.OUT) if data else None
        self._strip = None
        if data and data["kind"] == "ws2812":
            from neopixel import NeoPixel

            self._strip = NeoPixel(self._pin, 1)

    def show(self, shines: bool) -> None:
        if self._strip:
            self._strip[0] = _RED if shines else (0, 0, 0)
            self._strip.write()
        elif self._pin:
            self._pin.value(self._on if shines else 1 - self._on)
