"""Does what a Session says: telegrams and time in, pulses of light out, each step in the log. Loaded while a session lives."""

import asyncio

from micropython import const

from bridge.core.unload import unload
from bridge.unlock.ear import Ear
from bridge.unlock.session import DONE, PLAY

_LOOK_MS = const(500)  # how late a request may be seen
_QUIET_MS = const(3000)  # a pulse begins behind a telegram, as half a one would be counted as damaged; most meters send each 1 to 2 s


async def play(desk) -> None:
    """Plays the session of `desk` to its end, notes what outlasts it, and goes from memory."""
    builder = desk.pipeline.builder
    clock = desk.clock
    session = desk.session
    verdict = session.verdict

    def tell(scaler, power: bool, length: int) -> None:
        desk.power = desk.power or power
        session.telegram(clock.uptime_s(), scaler, power, length)

    desk.pipeline.builder = Ear(builder, tell)
    try:
        await _steps(desk, session)
    except (MemoryError, OSError) as error:
        desk.log.error("unlock", "ended by %s" % type(error).__name__)
    finally:
        desk.pipeline.builder = builder
        session.cancel(clock.uptime_s())  # which it is in no danger of where all went well
        desk.session = None
        desk.pulsed_s, desk.tries = verdict.pulsed_s, verdict.tries
        if session.result == "already_unlocked":
            desk.kept = desk.kept[:2] + (session.result,)
        else:
            desk.kept = (verdict.state, verdict.reason, session.result)
        if desk.changed:
            desk.changed()
        unload(*["bridge.unlock." + name for name in ("player", "ear", "session", "verdict", "plan", "profiles")])


async def _steps(desk, session) -> None:
    told = None
    while True:
        desk.stop.clear()
        what, how = session.step(desk.clock.uptime_s())
        if (session.phase, session.result) != told:
            told = session.phase, session.result
            _tell(desk, session.phase or session.result)
        if what == DONE:
            return
        if what == PLAY:
            await _shine(desk, session, how)
        else:
            await asyncio.sleep_ms(_LOOK_MS)


def tell_more(desk, found: dict) -> None:
    """What the status says while a session lives."""
    session = desk.session
    if session.verdict.state:
        found["state"], found["reason"] = session.verdict.state, session.verdict.reason
    found["phase"], found["result"] = session.phase, session.result
    found["left_s"] = session.left(desk.clock.uptime_s())


async def _shine(desk, session, pulses) -> None:
    store, pipeline = desk.store, desk.pipeline
    try:
        await asyncio.wait_for_ms(store.wait(store.next), _QUIET_MS)
    except asyncio.TimeoutError:
        pass
    if desk.stop.is_set():
        return
    whole = False
    session.verdict.begin(False)  # anew: the telegram that was waited for is nothing that the head sees while pulsing
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
