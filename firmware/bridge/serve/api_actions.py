"""POST /api/save, /api/restart, /api/erase and /api/unlock: what the owner wants to be done in, what was done out."""

import asyncio

from micropython import const

from bridge.serve.http_request import Refusal

_TELEGRAM_S = const(9)  # most meters speak within 10 s; before the client is given up as silent
_COMMANDS = ("next", "hold", "cancel", "status")


async def answer(request, reply, door) -> None:
    """Does it."""
    wanted = await request.json()
    what = request.path[5:]
    if what == "restart":
        await reply.json({"restarting": True}, 202)
        from bridge.update.slots import healthy

        healthy()  # no start that failed
        await reply.restart(door)
    elif what == "save":
        await reply.json(await _save(door.console))
    elif what == "erase":
        await reply.json(_erase(wanted.get("what"), door.console.erasers))
    else:
        await reply.json(_unlock(wanted, door.console.desk))


async def _save(console) -> dict:
    """A flash erase stops the chip for some 50 ms: right after a telegram the meter's line is quiet."""
    store = console.store
    try:
        await asyncio.wait_for(store.wait(store.next), _TELEGRAM_S)
    except asyncio.TimeoutError:
        pass  # a meter that says nothing loses nothing
    console.save()
    return {"saved": True, "next": store.next}


def _erase(what, erasers: dict) -> dict:
    if what != "all" and what not in erasers:
        raise Refusal(400, 'erase what? {"what": "..."} takes %s, all' % ", ".join(sorted(erasers)))
    done = {}
    for kind in sorted(erasers):
        if what == "all" or what == kind:
            files, size = erasers[kind]()
            done[kind] = {"files": files, "bytes": size}
    return {"erased": done}


def _unlock(wanted: dict, desk) -> dict:
    if desk is None:
        raise Refusal(409, "this board has no light for a meter's eye")
    pin = wanted.get("pin")
    command = wanted.get("command", "status")
    if pin is None:
        if command not in _COMMANDS:
            raise Refusal(400, 'send {"pin": "1234"}, or {"command": ...} of %s' % ", ".join(_COMMANDS))
    elif not isinstance(pin, str):
        raise Refusal(400, 'the PIN is text, such as {"pin": "0123"}')
    else:
        command = pin + (" again" if wanted.get("again") is True else "")
    return {"unlock": desk.ask(command), "pin": desk.status()}
