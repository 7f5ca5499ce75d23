"""The console's commands: a line of text in, lines of answer out. In memory only while one is answered.

Each line of an answer begins with "\x1e", as log lines may stand between: JSON behind it, or "+" and a piece of the status' JSON. The last
one is {"done": the line that was asked}. A file comes in pieces {"at": offset, "crc": CRC-32 of its bytes that begins with `at`, "data": base64}.
"""

import asyncio
import json
from binascii import b2a_base64, crc32

from micropython import const

from bridge.core.unload import unload

_PIECE = const(384)  # bytes of a file in one line: 48 ms at 115200 baud, in which nothing else is done
_TELEGRAM_S = const(11)  # most meters speak within 10 s


async def answer(line: str, console) -> None:
    """Does what `line` asks for."""

    async def say(row) -> None:
        console.write("\x1e" + (row if isinstance(row, str) else json.dumps(row)))
        await asyncio.sleep(0)

    words = line.split()
    command = _COMMANDS.get(words[0] if words else "help")
    if command is None:
        problem = "no command '%s': 'help' lists them" % words[0]
    else:
        try:
            problem = await command(words[1:], console, say)
        except OSError as error:
            problem = "the flash does not give it: %s" % error
    if problem:
        await say({"error": problem})
    unload("bridge.serve.kept_files", "bridge.config.access")
    await say({"done": "unlock" if command is _unlock else line})  # a PIN is not repeated


async def _help(words: list, console, say):
    from bridge.serve.console_help import HELP

    for line in HELP.split("\n"):
        console.write(line)
    unload("bridge.serve.console_help")


async def _hello(words: list, console, say):
    await say(console.identity.status())


async def _status(words: list, console, say):
    for piece in console.document():
        await say("+" + piece.decode())


async def _files(words: list, console, say):
    from bridge.serve.kept_files import listed

    for path, size in listed(console.folder):
        await say({"path": path, "size": size})


async def _room(words: list, console, say):
    from bridge.serve.kept_files import room

    size, free = room(console.folder)
    await say({"size": size, "free": free})


async def _settings(words: list, console, say):
    """Of secrets only whether they are set."""
    from bridge.config.settings import load

    try:
        shown = load("config.json").public()
    finally:
        load = None
        unload("bridge.config.settings", "bridge.config.table", "bridge.config.rules", "bridge.config.help", "bridge.core.ipv4")
    for name in shown:
        await say({"setting": name, "value": shown[name]})


async def _save(words: list, console, say):
    """A flash erase stops the chip for some 50 ms: right after a telegram the meter's line is quiet."""
    store = console.store
    try:
        await asyncio.wait_for(store.wait(store.next), _TELEGRAM_S)
    except asyncio.TimeoutError:
        pass  # a meter that says nothing loses nothing
    console.save()
    await say({"saved": True, "next": store.next})


async def _send(words: list, console, say):
    from bridge.serve import kept_files

    path = words[0] if words else ""
    size = kept_files.size(console.folder, path)
    try:
        at, count = [int(word) for word in (words[1:] + ["0", "0"])[:2]]
    except ValueError:
        at = -1
    if size is None or at < 0 or count < 0:
        return "nothing can be sent there: 'files' lists what there is; send PATH [OFFSET [COUNT]]"
    end = min(size, at + count) if count else size
    with open(kept_files.at(console.folder, path), "rb") as file:
        file.seek(min(at, size))
        while at < end:
            data = file.read(min(_PIECE, end - at))
            if not data:
                break
            await say(_piece(data, at))
            at += len(data)


async def _ram(words: list, console, say):
    """Blocks of the journal (see store/records.py) that are in RAM: a row about each, then its bytes; `at` goes on from one to the next."""
    journal = console.store.journal
    block = journal.first
    at = 0
    while block <= journal.last:
        data = bytes(journal.view(block)[: journal.length(block)])
        first = journal.first_seq(block)
        meters = [meter.id for meter in journal.meters(block)]
        await say({"block": first, "count": journal.end(block) - first, "bytes": len(data), "meters": meters})
        for begin in range(0, len(data), _PIECE):
            await say(_piece(data[begin : begin + _PIECE], at + begin))
        at += len(data)
        block = max(block + 1, journal.first)


def _piece(data: bytes, at: int) -> str:
    return '{"at":%d,"crc":%d,"data":"%s"}' % (at, crc32(data, at), b2a_base64(data).decode()[:-1])


async def _erase(words: list, console, say):
    erasers = console.erasers
    what = words[0] if words else ""
    if what != "all" and what not in erasers:
        return "erase what? There are: %s, all" % ", ".join(sorted(erasers))
    for kind in sorted(erasers):
        if what == "all" or what == kind:
            files, size = erasers[kind]()
            await say({"erased": kind, "files": files, "bytes": size})


async def _unlock(words: list, console, say):
    if console.desk is None:
        return "this board has no light for a meter's eye"
    text = " ".join(words)
    await say({"unlock": console.desk.ask(text or "status"), "pin": console.desk.status()})


async def _access(words: list, console, say):
    """The serial console is the owner's: who sits at it may have a new token."""
    from bridge.config.access import digest_of, load, renew

    found = load(console.access)
    if not words:
        await say({"token": "set" if found else "", "ap_password": "set" if found else ""})
    elif words == ["new"]:
        token, password = renew(console.access, found[1] if found else "")
        if console.door:  # the old one is worth nothing from now on
            console.door.digest = digest_of(token.encode())
            console.door.held.clear()
        await say({"token": token, "ap_password": password, "shown": "once: write it down"})
    else:
        return "'access' says whether there is a token, 'access new' makes another"


async def _update(words: list, console, say):
    if not words or not words[0].isdigit() or len(words[0]) > 7 or words[1:] not in ([], ["force"]):
        return "'meterbridge update' on a computer does this"
    from bridge.serve.console_update import receive

    try:
        return await receive(int(words[0]), words[1:] == ["force"], console, say)
    finally:
        unload("bridge.serve.console_update")


async def _factory_reset(words: list, console, say):
    if words != ["erase-everything"]:
        return "this erases settings, secrets and readings; if you mean it: factory-reset erase-everything"
    from bridge.core.forget import ask

    ask(console.folder)
    await say({"factory_reset": "now"})
    console.restart()


async def _portal(words: list, console, say):
    """A wrong Wi-Fi password is mended without a computer's help, too."""
    if console.door is None or console.door.station is None:
        return "there is no password for an access point: 'access new' makes one; then start anew"
    console.door.invite()
    await say({"portal": "meterbridge-" + console.identity.device[-6:]})


_COMMANDS = {
    "access": _access,
    "help": _help,
    "hello": _hello,
    "status": _status,
    "files": _files,
    "portal": _portal,
    "room": _room,
    "settings": _settings,
    "save": _save,
    "send": _send,
    "ram": _ram,
    "erase": _erase,
    "factory-reset": _factory_reset,
    "unlock": _unlock,
    "update": _update,
}
