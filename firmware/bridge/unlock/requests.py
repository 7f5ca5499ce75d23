"""What the owner's line asks for: text of console or broker and the Desk in, what is done and words of answer out. Loaded for that moment.

Lines: 1234 (a PIN), 1234 again (after one that failed), {"pin": "1234", "again": true}, next, hold, cancel, status.
"""

import asyncio
import gc
import json

from micropython import const

from bridge.core.unload import unload

_LONGEST = const(96)
_BRACKETS = const(1)  # of JSON; what it makes of many fills the memory


def answer(desk, text) -> str:
    """Does it, and goes from memory; the PIN is in no answer."""
    try:
        return _answer(desk, *_read(text))
    finally:
        unload("bridge.unlock.requests", "bridge.unlock.texts")
        if desk.session is None:
            unload(*["bridge.unlock." + name for name in ("player", "ear", "session", "verdict", "plan", "profiles")])


def _answer(desk, word, again: bool) -> str:
    now = desk.clock.uptime_s()
    if word == "status":
        return _status(desk)
    if word == "cancel":
        return _cancel(desk, now)
    if desk.asked_s == now:
        return _refused(desk, "too_fast")
    desk.asked_s = now
    if word == "retained":
        return _refused(desk, word)
    session = desk.session
    if word in ("next", "hold"):
        why = (session.next(now) if word == "next" else session.hold(now)) if session else "closed"
        if why:
            return _refused(desk, why)
        _taken(desk, "asked for a %s press" % ("short" if word == "next" else "long"))
        return "a short press comes" if word == "next" else "a long press comes in 5 s, only right if the display says InF OFF; 'cancel' ends it"
    why = _start(desk, now, word, again)
    if why:
        return _refused(desk, why)
    _taken(desk, "asked to enter the PIN")
    return "the PIN will be entered by light; 'unlock status' tells how it goes"


def _read(text) -> tuple:
    """(a word or a PIN, whether it is meant although the last try failed)."""
    if len(text) > _LONGEST:
        return "", False
    try:
        text = (text if isinstance(text, str) else text.decode()).strip()
    except UnicodeError:
        return "", False
    if text[:1] == "{":
        try:
            row = json.loads(text) if text.count("{") + text.count("[") <= _BRACKETS else None
        except ValueError:
            row = None
        return (row.get("pin") or row.get("do") or "", row.get("again") is True) if isinstance(row, dict) else ("", False)
    words = text.split()
    return words[0] if words and len(words) == 1 + (words[-1] == "again") else "", words[-1:] == ["again"]


def _start(desk, now: int, pin, again: bool) -> str:
    found = desk.status()
    if found is None:
        return "no_meter"
    session = desk.session
    fresh = session is None
    if fresh:
        if found["state"] == "entered" and desk.power:
            return "already_unlocked"
        session = _session(desk, now)
    why = session.start(now, pin, again, desk.keep_alive)
    if why == "too_soon":
        return why + " %d" % session.left(now)
    if fresh and not why:
        desk.session = session
        desk.stop = asyncio.Event()
        from bridge.unlock.player import play

        asyncio.create_task(play(desk))
    return why


def _session(desk, now: int):
    """A new one for this meter, with as little in memory at a time as can be."""
    from bridge.unlock.session import Session
    from bridge.unlock.verdict import Verdict

    gc.collect()
    from bridge.unlock.profiles import profile

    meter = desk.store.live.meter
    found = profile(meter.manufacturer or meter.id)
    profile = None
    unload("bridge.unlock.profiles")
    verdict = Verdict(now)
    verdict.pulsed_s, verdict.tries = desk.pulsed_s, desk.tries
    return Session(now, found, verdict)


def _cancel(desk, now: int) -> str:
    session = desk.session
    if session is None:
        return "there is nothing to cancel"
    session.cancel(now)
    desk.stop.set()
    desk.log.info("unlock", "cancelled by its owner")
    return "cancelled"


def _taken(desk, text: str) -> None:
    desk.refused = ""
    desk.log.info("unlock", text)


def _refused(desk, why: str) -> str:
    from bridge.unlock.texts import REFUSED

    word, _, left = why.partition(" ")
    desk.refused = word
    text = "refused: " + REFUSED[word] + (left and " (%s s)" % left)
    if word != "too_fast":  # a flood of requests is none of lines
        desk.log.info("unlock", text)
        if desk.changed:
            desk.changed()
    return text


def _status(desk) -> str:
    from bridge.unlock.texts import REFUSED, STATES

    found = desk.status()
    if found is None:
        return REFUSED["no_meter"]
    text = "PIN %s" % found["state"]
    for word in (found["reason"], found["phase"], found["result"] if not found["phase"] else ""):
        if word in STATES:
            text += ": " + STATES[word]
    return text + (", %d s left" % found["left_s"] if found.get("left_s") else "")
