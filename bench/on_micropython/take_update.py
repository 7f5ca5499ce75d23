"""Takes an update as a dongle does: a bundle in, its files in slot b of the present folder out; "nothing" only loads what is there anyway."""

import asyncio
import sys

import bridge.core.errors
import bridge.core.unload  # noqa: F401 - both are always there

asyncio.wait_for, asyncio.StreamReader  # these too


class Store:
    """A meter that speaks at once."""

    next = 1

    async def wait(self, seq):
        pass


async def take(path: str) -> None:
    from bridge.update.receiver import Receiver

    receiver = Receiver("", "0.0.1", {}, Store())
    piece = bytearray(512)
    view = memoryview(piece)
    with open(path, "rb") as file:
        while not receiver.done:
            await receiver.take(view[: file.readinto(piece)])
    receiver.end()


sys.path.insert(0, "x/a")
if sys.argv[1] != "nothing":
    asyncio.run(take(sys.argv[1]))
