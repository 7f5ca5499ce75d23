"""Answers who knocks at the door: a listening socket in, a request and an answer per connection; times in ms. In memory while there are clients.

Each connection carries one request: then it is closed, which keeps no memory for silent ones and leaves no room for hidden second requests.
"""

import asyncio
import time

from micropython import const

from bridge.serve.door import knock
from bridge.serve.http_answer import Answer
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
        loop.set_exception_handler(None)
        for client in list(clients):
            client.task.cancel()
        while clients:
            await asyncio.sleep_ms(0)


def _make_room(clients: list) -> None:
    """Ends the oldest connection that has not asked anything yet: a browser's spare one, or one that trickles in."""
    for client in clients:
        if client.asking and time.ticks_diff(client.due, time.ticks_ms()) < _HEAD - _PUSHED:
            client.task.cancel()
            return


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
        stream = asyncio.StreamReader(self.socket)
        reply = None
        try:
            reply = Answer(stream, self.patience)
            request = Request(stream, self.patience)
            try:
                await request.head()
                self.asking = False
                self.patience(_WORK)
                reply.bare = request.method == b"HEAD"
                await self._handle(door, request, reply)
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
            door.clients.remove(self)

    async def _handle(self, door, request, reply) -> None:
        """Sees who it is and what is asked for, and has it answered."""
        request.belongs_to(door.host)
        table = __import__(door.routes, None, None, ("find",))
        module, public = table.find(request.method, request.path)
        if not public:
            from bridge.serve.http_access import check

            check(door, request, self.address)
        if not isinstance(module, str):
            raise module
        if request.method not in (b"GET", b"HEAD"):
            request.must_be_meant()
        if module not in door.loaded:
            door.loaded.append(module)
        await __import__(module, None, None, ("answer",)).answer(request, reply, door)

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
