"""Looks for an update once a day at the address that the owner gave: a URL in, a newer firmware on trial at the next start out.

Only this waits in memory; what fetches is loaded for the moment.
"""

import asyncio

from micropython import const

from bridge.core.unload import unload

_FIRST_S = const(900)  # after the start: an update that this start tries is decided by then
_DAY_S = const(86400)
_PARTS = ("bridge.push.update_download", "bridge.push.http_url", "bridge.update.receiver", "bridge.update.slots", "bridge.update.signature",
          "bridge.update.judging", "bridge.update.room")  # fmt: skip


class UpdateFetch:
    """`url`: of a bundle; `console`: what an update is given and what restarts the chip; `online`: an Event; `log`."""

    def __init__(self, url: str, console, online, log):
        self.url = url
        self.console = console
        self.online = online
        self.log = log

    async def run(self) -> None:
        """For as long as the device is on."""
        await asyncio.sleep(_FIRST_S)
        while True:
            await self.online.wait()
            try:
                from bridge.push.update_download import download

                await download(self)
            except MemoryError:
                self.log.warning("update", "no memory to look for one at this moment")
            finally:
                download = None
                unload(*_PARTS)
            await asyncio.sleep(_DAY_S)
