"""The board's button: its pin in; a factory reset out when it was held for ten seconds and then let go, with the LED telling how far it is.

Letting go is what counts: a pin that is stuck, or wired to something else, never does it, and whoever is frightened by the light holds on
until it goes out.
"""

import asyncio

from machine import Pin
from micropython import const

from bridge.core.unload import unload

_LOOK_MS = const(300)


class Button:
    """`board`; `log`. `short()`: what else is done when it was held for three seconds, or None."""

    def __init__(self, board, log):
        self.pin = Pin(board.button, Pin.IN, Pin.PULL_UP)
        self.led = board.led
        self.storage = board.storage
        self.log = log
        self.short = None

    async def run(self) -> None:
        """Watches it for as long as the device is on."""
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            if not self.pin.value():
                try:
                    from bridge.hal.button_held import held

                    await held(self)
                finally:
                    held = None
                    unload("bridge.hal.button_held", "bridge.core.forget")
