"""The serial console: lines that the owner, or a tool of the owner's, types in; answers out. Ends in `console_commands`, which is in memory only meanwhile."""

import asyncio
import sys

from micropython import const

from bridge.core.unload import unload

_LONGEST = const(128)  # characters: a command, a path and two numbers; a longer line is refused whole


class Console:
    """What the commands work with. `folder`: below it lies what may be copied; `document()`: the status, an iterator of JSON in bytes;
    `save()` puts on flash what is in RAM alone; `erasers`: "readings", "profiles", "logs" to a function that forgets them and returns
    (files, bytes); `write(line)` puts out one line; `desk`: where the PIN of a meter is asked for, or None; `access`: path of the file with the token's digest; `door`: to the network, or None;
    `update`: what the status says of updates; `restart()` starts the chip anew.
    """

    def __init__(self, folder: str, identity, store, document, save, erasers: dict, write=print):
        self.folder = folder
        self.identity = identity
        self.store = store
        self.document = document
        self.save = save
        self.erasers = erasers
        self.write = write
        self.desk = self.door = self.restart = None
        self.update = {}
        self.access = "access.json"

    async def run(self) -> None:
        """Answers line by line for as long as the device is on. Where nobody can type, it waits for ever."""
        stdin = asyncio.StreamReader(sys.stdin.buffer)  # as bytes: half a character would be waited for
        line = b""
        while True:
            try:
                got = await stdin.read(1)  # on the ESP32 more would block until it is there
            except OSError:
                got = b""
            if not got:
                await asyncio.Event().wait()
            if got in b"\r\n":
                if line:
                    await self.take(line)
                line = b""
            elif got in b"\b\x7f":
                line = line[:-1] if line else line
            elif not b" " <= got <= b"~":
                line = None  # no line of text: noise, or an answer that came back
            elif line is not None and len(line) <= _LONGEST:
                line += got

    async def take(self, line: bytes) -> None:
        """Does what a line asks for and answers."""
        try:
            if len(line) > _LONGEST:
                raise MemoryError
            from bridge.serve.console_commands import answer

            await answer(line.decode(), self)
        except MemoryError:
            self.write('\x1e{"error":"too long, or no memory for it at this moment"}')
        unload("bridge.serve.console_commands")
