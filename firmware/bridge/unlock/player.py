"""Does what a Session says: telegrams and time in, pulses of light out, each step in the log. Loaded while a session lives."""

import asyncio

from micropython import const

from bridge.core.unload import unload
from bridge.unlock.ear import Ear
from bridge.unlock.session import DONE, PLAY

_LOOK_MS = const(500)  # how late a request may be seen
_QUIET_MS = const(3000)  # a pulse begins behind a telegram, as half a one would be counted as damaged; most meters send each 1 to 2 s


async def play(desk) -> None:
    """Plays the session of `desk` to its end."""
    pipeline = desk.pipeline
    builder = pipeline.builder
    clock = desk.clock
    session = desk.session

    def tell(scaler, power: bool, length: int) -> None:
        desk.power = desk.power or power
        session.telegram(clock.uptime_s(), scaler, power, length)

    pipeline.builder = Ear(builder, tell)
    told = None
    try:
        while True:
            desk.stop.clear()
            what, how = session.step(clock.uptime_s())
            if (session.phase, session.result) != told:
                told = session.phase, session.result
                _tell(desk, session.phase or session.result)
            if what == DONE:
                return
            if what == PLAY:
                await _shine(desk, session, how)
            else:
                await asyncio.sleep_ms(_LOOK_MS)
    finally:
        pipeline.builder = builder


async def _shine(desk, session, pulses) -> None:
    store, pipeline = desk.store, desk.pipeline
    try:
        await asyncio.wait_for_ms(store.wait(store.next), _QUIET_MS)
    except asyncio.TimeoutError:
        pass
    if desk.stop.is_set():
        return
    whole = False
    before = pipeline.received_bytes
    pipeline.deaf = True
    try:
        whole = await desk.port.shine(pulses, desk.stop)
    finally:
        pipeline.deaf = False
        session.played(desk.clock.uptime_s(), pipeline.received_bytes != before, whole)


def _tell(desk, word: str) -> None:
    from bridge.unlock.texts import STATES

    text = STATES.get(word, word)
    desk.log.info("unlock", text)
    unload("bridge.unlock.texts")
    if desk.changed:
        desk.changed()
