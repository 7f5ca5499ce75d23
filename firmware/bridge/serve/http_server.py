"""Answers who knocks at the door: a listening socket in, a request and an answer per connection; times in ms. In memory while there are clients.

Each connection carries one request: then it is closed, which keeps no memory for silent ones and leaves no room for hidden second requests.
"""

import asyncio
import time

from micropython import const

from bridge.core.unload import unload
from bridge.serve.door import knock
from bridge.serve.http_request import Refusal, Request

_MOST = const(3)  # clients at a time: each takes some 4 KB and one of the chip's 10 sockets
_LINGER = const(3000)  # the code stays in memory so long after the last client
_LOOK = const(500)  # between two looks for clients that are late
_FULL = const(50)  # the same while there is no room for another
_HEAD = const(5000)  # for a request's lines, all of them
_WORK = const(60000)  # for an answer to begin, and between two of its packets
_PUSHED = const(1000)  # who has not asked anything by then makes room for the next
_LEAVE = const(1000)  # for a client to take the end of an answer
_UNREAD = const(65536)  # bytes of a body that nobody wants, read so that the client sees the answer


async def serve(door, listener) -> None:
    """Takes clients until none has come for a while. A programming error of an answer is raised here, for the supervisor to tell."""
    clients = door.clients
    loop = asyncio.get_event_loop()

    def failed(loop, context) -> None:
        door.failure = context["exception"]

    before = loop.get_exception_handler()
    loop.set_exception_handler(failed)
    last = time.ticks_ms()
    try:
        while clients or time.ticks_diff(time.ticks_ms(), last) < _LINGER:
            if len(clients) < _MOST:
                try:
                    await asyncio.wait_for_ms(knock(listener), _LOOK)
                    _Client(door, *listener.accept())
                    last = time.ticks_ms()
                except asyncio.TimeoutError:
                    pass
                except OSError:  # it has gone already, or the system has no socket left
                    await asyncio.sleep_ms(_FULL)
            else:
                await asyncio.sleep_ms(_FULL)
                _make_room(clients)
            for client in clients:
                if time.ticks_diff(time.ticks_ms(), client.due) > 0:
                    client.task.cancel()
                    break
            if door.failure:
                failure, door.failure = door.failure, None
                raise failure
    finally:
        loop.set_exception_handler(before)
        for client in list(clients):
            client.task.cancel()
        await asyncio.sleep_ms(0)
        for client in clients:  # it had not even begun
            client.socket.close()
        clients.clear()


def _make_room(clients: list) -> None:
    """Ends the oldest connection that has not asked anything yet: a browser's spare one, or one that trickles in."""
    for client in clients:
        if client.asking and time.ticks_diff(client.due, time.ticks_ms()) < _HEAD - _PUSHED:
            client.task.cancel()
            return


def _forget_head(clients: list, own) -> None:
    """Gives back the code that reads heads, unless another client's is being read."""
    for client in clients:
        if client.asking and client is not own:
            return
    unload("bridge.serve.http_head")


class _Client:
    """One connection. `due`: ticks until which something must have happened; `asking`: its request is not complete."""

    def __init__(self, door, sock, address):
        sock.setblocking(False)
        self.socket = sock
        self.address = address[0] if isinstance(address, tuple) else "%d.%d.%d.%d" % tuple(address[4:8])  # on a PC it is binary
        self.asking = True
        self.patience(_HEAD)
        self.task = asyncio.create_task(self._run(door))
        door.clients.append(self)

    def patience(self, ms: int) -> None:
        """From now on so long."""
        self.due = time.ticks_add(time.ticks_ms(), ms)

    async def _run(self, door) -> None:
        reply = None
        try:
            stream = asyncio.StreamReader(self.socket)
            request = Request(stream, self.patience)
            module = refusal = None
            try:
                module = await self._admit(door, request)
            except Refusal as why:
                refusal = why
            _forget_head(door.clients, self)
            unload(door.routes, "bridge.portal.entry", "bridge.serve.http_access", "bridge.config.access")
            from bridge.serve.http_answer import Answer

            reply = Answer(stream, self.patience, request.method == b"HEAD")
            try:
                if refusal:
                    raise refusal
                self.patience(_WORK)
                if module not in door.loaded:
                    door.loaded.append(module)
                await __import__(module, None, None, ("answer",)).answer(request, reply, door)
            except Refusal as refusal:
                await reply.refuse(refusal)
            await reply.end()
            door.answered += 1
            await self._leave(request)
        except (OSError, EOFError):
            pass  # it left
        except MemoryError:
            self._last_word(reply, b"503 Service Unavailable")
        except asyncio.CancelledError:
            self._last_word(reply, b"408 Request Timeout")
        finally:
            self.socket.close()
            if self in door.clients:
                door.clients.remove(self)

    async def _admit(self, door, request) -> str:
        """Sees what is asked for and who asks; the module that answers. Of the code for it no more is in memory at a time than it takes."""
        from bridge.serve.http_head import belongs_to, read, unmeant

        await read(request)
        self.asking = False
        portal = door.portal if door.portal and door.portal.is_guest(self.address) else None
        try:
            belongs_to(request, door.host)
        except Refusal:
            if not portal:
                raise
            request.path = ""  # of somebody else: it is led to the portal's page
        refusal = unmeant(request)
        belongs_to = read = unmeant = None
        _forget_head(door.clients, self)
        if portal:
            if refusal:
                raise refusal
            return __import__("bridge.portal.entry", None, None, ("find",)).find(request, portal)
        module, public = __import__(door.routes, None, None, ("find",)).find(request.method, request.path)
        if not public:
            from bridge.serve.http_access import check

            check(door, request, self.address)
        if not isinstance(module, str):
            refusal = module
        if refusal:
            raise refusal
        return module

    async def _leave(self, request) -> None:
        """Lets the other side read the answer: what it still sends is thrown away, as closing on it would take the answer back."""
        if self.asking:  # nobody knows how much was to come
            request.left = _UNREAD
        elif request.header(b"expect"):  # it waits to be told to go on
            return
        self.asking = True  # who comes next may have its place
        request.wait_ms = _LEAVE
        request.left = min(request.left, _UNREAD)
        room = bytearray(64)
        while request.left:
            await request.readinto(room)

    def _last_word(self, reply, words: bytes) -> None:
        """Says why it ends, if nothing was said yet: in one piece or not at all."""
        if reply is None or not reply.status:
            try:
                self.socket.write(b"HTTP/1.1 " + words + b"\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 5\r\n\r\n")
            except OSError:
                pass
