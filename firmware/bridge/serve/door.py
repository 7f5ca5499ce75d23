"""The dongle's door to the home network: a TCP port in; whoever knocks is answered by `http_server`, which is in memory only meanwhile."""

import asyncio
import socket

from micropython import const

from bridge.core.unload import unload

_BACKLOG = const(4)  # knocks that wait while others are answered: a browser opens six connections
_NO_MEMORY_MS = const(2000)  # until the next try, when there is none for the server
_PARTS = ("bridge.serve.http_server", "bridge.serve.http_head", "bridge.serve.http_request", "bridge.serve.http_answer", "bridge.serve.http_access",
          "bridge.config.access")  # fmt: skip


class Door:
    """`digest`: SHA-256 of the owner's token; `console`: what the answers are made of (see Console); `settings`: path of the settings file;
    `host`: the name that the dongle has in the network; `restart()` starts the chip anew.

    `routes`: module with the table of what can be asked for. `clients`: those of this moment; `held`: [address, failures, ticks until which
    it is not listened to] of who had a wrong token; `loaded`: modules to be forgotten when the last client has left; `live`: connections
    that a handler keeps; `friend`: whose token was right last; `failure`: an error of the program. `portal`: the open set-up portal, False while
    it is being opened; for that are `station`, `clock` and, in safe mode, `safe`. `refused` counts since the start, `silent` since the last line of the log, `told`: (address, ticks) of that.
    """

    def __init__(self, port: int, digest: bytes, console, log, settings: str, host: str, restart):
        self.port = port
        self.digest = digest
        self.console = console
        self.log = log
        self.settings = settings
        self.host = host
        self.restart = restart
        self.routes = "bridge.serve.http_routes"
        self.clients = []
        self.held = []
        self.loaded = []
        self.failure = self.told = self.friend = self.portal = self.station = self.clock = self.safe = None
        self.live = self.answered = self.refused = self.silent = 0

    async def run(self) -> None:
        """Waits for knocks for as long as the device is on. OSError when the port cannot be had."""
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket.getaddrinfo("0.0.0.0", self.port)[0][-1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            while True:
                await knock(listener)
                try:
                    from bridge.serve.http_server import serve

                    await serve(self, listener)
                except MemoryError:
                    await asyncio.sleep_ms(_NO_MEMORY_MS)
                finally:
                    serve = None
                    unload(*_PARTS, self.routes, *self.loaded)
                    self.loaded.clear()
        finally:
            listener.close()

    def invite(self) -> None:
        """Opens the set-up portal, if it is not open."""
        if self.portal is None:
            self.portal = False
            asyncio.create_task(self._invite())

    async def _invite(self) -> None:
        try:
            await __import__("bridge.portal.life", None, None, ("run",)).run(self)
        finally:
            self.portal = None
            unload("bridge.portal.life", "bridge.portal.names", "bridge.hal.access_point")

    def status(self) -> dict:
        """For the status document."""
        return {"port": self.port, "clients": len(self.clients), "answered": self.answered, "refused": self.refused}


def knock(listener):
    """Waits until somebody wants to connect."""
    yield asyncio.core._io_queue.queue_read(listener)
