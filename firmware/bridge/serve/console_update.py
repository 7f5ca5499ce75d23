"""An update by the serial console: lines "OFFSET CRC32 BASE64" in, a row {"at": offset of what is wanted next} for each out, and a restart that tries it.

A line that came damaged, or late, is asked for again by its offset. In memory only meanwhile.
"""

import asyncio
import sys
from binascii import a2b_base64, crc32

from micropython import const

from bridge.core.errors import BridgeError
from bridge.core.unload import unload
from bridge.update.receiver import Receiver
from bridge.update.slots import healthy

PIECE = const(150)  # bytes in a line: with all else less than the 260 that MicroPython holds while the chip is busy with its flash
_LINE = const(256)
_PATIENCE_MS = const(2000)  # then a piece is asked for again
_TRIES = const(10)
_RESTART_MS = const(300)  # for the last words to be sent


async def receive(size: int, force: bool, console, say):
    """Takes `size` bytes; the problem in words, None when the restart is on its way."""
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    receiver = None
    at = tries = 0
    try:
        receiver = Receiver(console.identity.board, console.identity.version, console.update, console.store, force)
        while at < size and not receiver.done:
            await say({"at": at, "piece": PIECE})
            data = b""
            try:
                data = _data(await asyncio.wait_for_ms(_line(stdin), _PATIENCE_MS), at)
            except asyncio.TimeoutError:
                pass
            tries = 0 if data else tries + 1
            if data is None or tries > _TRIES:
                return "nothing more came"
            await receiver.take(data)
            at += len(data)
        if not receiver.done:
            return "the update ends too early"
    except (BridgeError, OSError) as error:
        return "the update is refused: %s" % error
    finally:
        if receiver:
            receiver.end()
        unload("bridge.update.receiver", "bridge.update.slots", "bridge.update.signature", "bridge.update.judging", "bridge.update.room")
    healthy()
    await say({"version": receiver.version, "files": receiver.files, "restarting": True})
    console.save()
    asyncio.create_task(_restart(console.restart))


async def _restart(restart) -> None:
    await asyncio.sleep_ms(_RESTART_MS)
    restart()


async def _line(stdin) -> bytes:
    line = b""
    while True:
        got = await stdin.read(1)
        if not got or got in b"\r\n":
            if line:
                return line
        elif len(line) < _LINE:
            line += got


def _data(line: bytes, at: int):
    """The bytes in a line if it is the one for `at`, b"" if it is not, None for "stop"."""
    words = line.split(b" ")
    if words == [b"stop"]:
        return None
    try:
        data = a2b_base64(words[2])
        return data if int(words[0]) == at and int(words[1]) == crc32(data, at) else b""
    except (ValueError, IndexError):
        return b""
