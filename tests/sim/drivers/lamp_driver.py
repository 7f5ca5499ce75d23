"""Plays PINs by the firmware's own plan and lamp, in virtual time: a line of JSON each in, {"whole", "at" (unix ns after it), "lit" (collections while lit)} out.

{"pin", "maker", "rmt": whether there is a channel, "stops": [[ms after the begin, ms that the program stands still]], "gc_ms": what a collection takes,
"led": [pin, level that lights it]}
"""

import asyncio
import json
import sys
import time

import esp32
from bridge.hal import lamp
from bridge.unlock.plan import digits, entry
from bridge.unlock.profiles import profile
from machine import Pin

_AFTER_MS = 12000  # until the meter has judged it
_RMT = esp32.RMT


class _Collector:
    """In the place of `gc`, with a cost."""

    def __init__(self):
        self.ms = self.lit = 0
        self.light = None

    def collect(self):
        self.lit += self.light is not None and self.light()
        time.sleep_ms(self.ms)


def _none(*_, **__):
    raise OSError(-261, "ESP_ERR_NOT_FOUND")


async def _stop(after_ms, for_ms):
    await asyncio.sleep_ms(after_ms)
    time.sleep_ms(for_ms)


async def _play(asked, collector):
    pin, on = asked.get("led", (17, 0))
    by_hand = not asked.get("rmt", True)
    esp32.RMT = _none if by_hand else _RMT
    collector.ms, collector.lit = asked.get("gc_ms", 0), 0
    led = Pin(pin, Pin.OUT, value=1 - on)
    collector.light = (lambda: led.value() == on) if by_hand else None
    pulses = entry(digits(asked["pin"]), profile(asked.get("maker", "")))
    stops = [asyncio.create_task(_stop(*one)) for one in asked.get("stops", ())]
    whole = await lamp.play(pin, on, pulses, asyncio.Event())
    for one in stops:
        one.cancel()
    await asyncio.sleep_ms(_AFTER_MS)
    return {"whole": whole, "at": time.time_ns(), "lit": collector.lit}


def run():
    collector = lamp.gc = _Collector()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        print(json.dumps(asyncio.run(_play(json.loads(line), collector))))


run()
