"""The light over the meter's eye: pulses (array of alternating on and off milliseconds) in, the LED lit and dark as long out. Loaded while it plays.

The chip's RMT times what lies between two long gaps, a digit at most, and the rest of the gap before: neither Wi-Fi nor the garbage collector
can stretch it. What cannot be had from RMT is played by the program.
"""

import asyncio
import gc
import time

from machine import UART, Pin
from micropython import const

from bridge.core.unload import unload

_DIVIDER = const(255)  # of 80 MHz: the slowest, so that a digit is some hundred numbers
_TICKS_PER_SECOND = const(313725)
_LONGEST_TICKS = const(32000)  # RMT takes 32,767 at once
_GAP_MS = const(2500)  # of darkness, from which on the rest is played apart
_EARLY_MS = const(2000)  # before the end of such a gap the next part goes to RMT: so long may anything else stop the program
_POLL_MS = const(50)


async def shine(port, pulses, stop) -> bool:
    """Plays them on the LED of a uart.Port. The sending side is the UART's again afterwards, in any case; this module goes from memory."""
    light = port.light
    try:
        if light:
            return await play(light["pin"], 0 if light.get("active_low") else 1, pulses, stop)
        return await play(port.wired["tx"], 0, pulses, stop)  # a head's LED shines while the line is not at rest
    finally:
        if not light:
            line = port.line
            invert = UART.INV_RX if line.inverted else 0
            port.stream.init(line.baud, bits=line.bits, parity=line.parity, stop=line.stop, tx=port.wired["tx"], timeout=0, invert=invert)
        unload("bridge.hal.lamp")


async def play(pin_id: int, on: int, pulses, stop) -> bool:
    """Plays them on that pin, where the level `on` lights the LED; False when `stop` (an Event) was set meanwhile. Dark afterwards."""
    pin = Pin(pin_id, Pin.OUT, value=1 - on)
    rmt = None
    gc.collect()
    if stop.is_set():
        return False
    try:
        rmt = _rmt(pin, on)
        due = time.ticks_ms()  # when the next part begins
        at = 0
        while at < len(pulses):
            end, lasts = _part(pulses, at)
            if rmt:
                lead = time.ticks_diff(due, time.ticks_ms()) if at else 0
                _send(rmt, pulses, at, end, on, lead)
                if lead < 0:  # the program was stopped for longer than the gap allows
                    due = time.ticks_ms()
            elif await _by_hand(pin, on, pulses, at, end, due, stop):
                return False
            at = end
            due = time.ticks_add(due, lasts)
            early = _EARLY_MS if at < len(pulses) and rmt else 0
            if await _stopped(stop, time.ticks_diff(due, time.ticks_ms()) - early):
                return False
        return True
    finally:
        pin.init(Pin.OUT, value=1 - on)  # RMT plays on, but not on this pin
        if rmt:
            while not rmt.wait_done():  # it cannot be ended under way
                await asyncio.sleep_ms(_POLL_MS)
            rmt.deinit()
            pin.init(Pin.OUT, value=1 - on)


def _rmt(pin, on: int):
    """RMT on that pin, which lights the LED until the first pulse is sent; None where there is no channel."""
    try:
        from esp32 import RMT

        return RMT(0, pin=pin, clock_div=_DIVIDER, idle_level=1 - on)
    except (ImportError, OSError, ValueError):
        pin.init(pin.OUT, value=1 - on)
        return None


def _part(pulses, at: int) -> tuple:
    """(where the part from `at` ends: behind the next long gap; milliseconds that it takes, with that gap)."""
    lasts = 0
    while at < len(pulses):
        lasts += pulses[at] + pulses[at + 1]
        at += 2
        if pulses[at - 1] >= _GAP_MS:
            break
    return at, lasts


def _send(rmt, pulses, at: int, end: int, on: int, lead: int) -> None:
    """Gives a part to RMT, after `lead` milliseconds of darkness; not the darkness behind it."""
    ticks, levels = [], []
    if lead > 0:
        _add(ticks, levels, lead, 1 - on)
    for index in range(at, end - 1):
        _add(ticks, levels, pulses[index], 1 - on if index & 1 else on)
    rmt.write_pulses(ticks, levels)
    for index in range(len(ticks)):
        ticks[index] = 0  # half a PIN


def _add(ticks: list, levels: list, ms: int, level: int) -> None:
    left = ms * _TICKS_PER_SECOND // 1000
    while left:
        # Never a last piece of a few ticks: RMT takes no less than one, and some chips no less than three.
        piece = left if left <= _LONGEST_TICKS else min(_LONGEST_TICKS, left // 2)
        ticks.append(piece)
        levels.append(level)
        left -= piece


async def _by_hand(pin, on: int, pulses, at: int, end: int, due: int, stop) -> bool:
    """Plays a part without RMT, but not the darkness behind it; whether `stop` was set."""
    for index in range(at, end - 1):
        pin.value(1 - on if index & 1 else on)
        if index & 1:
            gc.collect()
        due = time.ticks_add(due, pulses[index])
        if await _stopped(stop, time.ticks_diff(due, time.ticks_ms())):
            return True
    pin.value(1 - on)
    return False


async def _stopped(stop, ms: int) -> bool:
    """Waits so long; whether `stop` was set by then."""
    if ms > 0 and not stop.is_set():
        try:
            await asyncio.wait_for_ms(stop.wait(), ms)
        except asyncio.TimeoutError:
            pass
    return stop.is_set()
