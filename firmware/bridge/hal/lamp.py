"""The light over the meter's eye: pulses (array of alternating on and off milliseconds) in, the LED lit and dark as long out. Loaded while it plays.

The chip's RMT times what lies between two long gaps, a digit at most, and the rest of the gap before: neither Wi-Fi nor the garbage collector
can stretch it. A program that was stopped for more than 2 s makes such a gap longer, never a pulse; for more than 3 s it breaks the pulses off.

What cannot be had from RMT is played by the program: then each pulse and each dark lasts from its real beginning, so that a stop lengthens
one and shortens none; garbage is collected in the dark after each pulse (10 to 30 ms of 300), and after a stop of 1 s it is broken off. Only
there a pulse can be too long: one of 400 ms, if the program stood still for 3.1 s while it shone.

RMT holds its pin low from its making until its first pulse, whatever its idle level (the port does not set the driver's init_level), which
lights the LED of a head. All is ready when it is made, so that the first pulse follows within 1 ms and is longer by that.
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
_LATE_MS = const(1000)  # that a gap may be too long: the quickest meter then takes a 0, and what follows might be a second wrong PIN
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
    if stop.is_set():
        return False
    try:
        at = lead = due = 0  # due: when the next part begins
        while at < len(pulses):
            end, lasts = _part(pulses, at)
            early = 0
            gc.collect()  # in the dark
            if at:
                lead = time.ticks_diff(due, time.ticks_ms())
            if lead < -_LATE_MS:
                return False
            if rmt or not at:
                rmt = _send(rmt, pin, pulses, at, end, on, lead)
            if rmt:
                early = _EARLY_MS if end < len(pulses) else 0
                if not at or lead < 0:  # the program was stopped for longer than the gap allows
                    due = time.ticks_ms()
                due = time.ticks_add(due, lasts)
            elif await _by_hand(pin, on, pulses, at, end, stop):
                return False
            else:
                due = time.ticks_add(time.ticks_ms(), pulses[end - 1])
            at = end
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
    """RMT on that pin; None where there is no channel."""
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


def _send(rmt, pin, pulses, at: int, end: int, on: int, lead: int):
    """Gives a part to RMT, made for the first one, after `lead` milliseconds of darkness; not the darkness behind it. RMT or None."""
    ticks, levels = [], []
    if lead > 0:
        _add(ticks, levels, lead, 1 - on)
    for index in range(at, end - 1):
        _add(ticks, levels, pulses[index], 1 - on if index & 1 else on)
    rmt = rmt or _rmt(pin, on)
    if rmt:
        rmt.write_pulses(ticks, levels)
    for index in range(len(ticks)):
        ticks[index] = 0  # half a PIN
    return rmt


def _add(ticks: list, levels: list, ms: int, level: int) -> None:
    left = ms * _TICKS_PER_SECOND // 1000
    while left:
        # Never a last piece of a few ticks: RMT takes no less than one, and some chips no less than three.
        piece = left if left <= _LONGEST_TICKS else min(_LONGEST_TICKS, left // 2)
        ticks.append(piece)
        levels.append(level)
        left -= piece


async def _by_hand(pin, on: int, pulses, at: int, end: int, stop) -> bool:
    """Plays a part without RMT, but not the darkness behind it; whether `stop` was set, or the program stopped too long."""
    for index in range(at, end - 1):
        pin.value(1 - on if index & 1 else on)
        due = time.ticks_add(time.ticks_ms(), pulses[index])
        if index & 1:
            gc.collect()
        if await _stopped(stop, time.ticks_diff(due, time.ticks_ms())) or time.ticks_diff(time.ticks_ms(), due) > _LATE_MS:
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
