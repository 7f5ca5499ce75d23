"""A TCP connection led through here: a door on this machine in, the same bytes at the real server out, and what can go wrong on the way.

All in one thread of its own. A stalled way holds bytes back and delivers them later, as TCP does after a short loss; a connection that is
half open carries nothing for ever. With a TLS context the door speaks TLS, and what is behind it need not.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine

HOST = "127.0.0.1"
_CHUNK = 65536
_PATIENCE_S = 5.0  # for the proxy's thread to do what it is told


class Proxy:
    """Listens on `port` from `start()` on and leads to `upstream` (host, port). `connections`: how many came so far."""

    def __init__(self, upstream: tuple[str, int], tls: ssl.SSLContext | None = None):
        self.upstream, self.tls = upstream, tls
        self.port = 0
        self.connections = 0
        self._open: dict[asyncio.StreamWriter, bool] = {}  # the dongle's end of each connection: True while it carries
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._flow: asyncio.Event | None = None
        self._tasks: set[asyncio.Task] = set()

    def start(self) -> "Proxy":
        """Opens the door."""
        self._thread.start()
        self._do(self._listen())
        return self

    def stop(self) -> None:
        """Closes the door and all connections."""
        if self._thread.is_alive():
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_S)
            self._loop.close()

    # what can go wrong ------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """All is well again: what was held back is delivered, the door is open."""
        self._do(self._listen())

    def stall(self) -> None:
        """Connections stay and new ones are accepted; nothing is carried either way until `heal`."""
        self._do(self._call(self._flow.clear))

    def half_open(self) -> None:
        """The connections of this moment carry nothing any more, whatever comes; new ones are as always."""
        self._do(self._call(lambda: self._open.update(dict.fromkeys(self._open, False))))

    def drop(self) -> None:
        """Breaks the connections of this moment."""
        self._do(self._call(self._abort))

    def refuse(self) -> None:
        """Breaks all connections and closes the door until `heal`."""
        self._do(self._shut())

    # inside, in the proxy's own thread --------------------------------------------------------------------------------

    def _do(self, work: Coroutine) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    @staticmethod
    async def _call(function) -> None:
        function()

    async def _listen(self) -> None:
        if self._flow is None:
            self._flow = asyncio.Event()
        self._flow.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=self.tls)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        self._abort()

    async def _end(self) -> None:
        await self._shut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        self.connections += 1
        self._open[writer] = True
        behind = None
        try:
            await self._flow.wait()
            up_reader, behind = await asyncio.open_connection(*self.upstream)
            ways = [asyncio.ensure_future(self._carry(*way, writer)) for way in ((reader, behind), (up_reader, writer))]
            self._tasks.update(ways)
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            self._tasks.difference_update(ways)
        except OSError:
            pass  # nobody listens behind: the door closes again
        finally:
            self._open.pop(writer, None)
            for end in (writer, behind):
                if end:
                    end.transport.abort() if self._server is None else end.close()
            self._tasks.discard(asyncio.current_task())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: asyncio.StreamWriter) -> None:
        """Bytes from one side to the other until an end; the far side's end is not told to who hangs on a dead connection."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flow.wait()
                if self._open.get(connection):
                    writer.write(data)
                    await writer.drain()
        if writer is connection and not self._open.get(connection, True):
            await asyncio.Event().wait()
