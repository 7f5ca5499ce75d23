"""An answer of HTTP/1.1: status, kind and pieces of a body in, packets of about a kilobyte out, never the whole in memory."""

import asyncio
import json

from micropython import const

_ROOM = const(1024)  # less than a packet carries
_SEND_MS = const(10000)  # for a client to take a packet
_WORK_MS = const(60000)  # until the next packet: what is kept open for events sends one at least that often
_TAKE_MS = const(300)  # for the last answer before a restart to arrive
# Each page and script from the dongle itself, nothing framed, guessed, kept by caches or handed on to other sites; no CORS.
_SAFE = (
    b"X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    b"Content-Security-Policy: default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
    b"Connection: close\r\n\r\n"
)
_WORDS = {200: b"OK", 202: b"Accepted", 304: b"Not Modified", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found",
          405: b"Method Not Allowed", 429: b"Too Many Requests"}  # fmt: skip
_NO_STORE = b"Cache-Control: no-store\r\n"
JSON = b"application/json"


class Answer:
    """`start`, then `write` as often as needed; or one of `json`, `refuse`. `status`: what was begun, 0: nothing yet; `bare`: without a body."""

    def __init__(self, stream, patience, bare: bool = False):
        self._stream = stream
        self._patience = patience
        self._room = bytearray(_ROOM)
        self._used = 0
        self.status = 0
        self.bare = bare

    async def start(self, status: int, kind: bytes, length: int = -1, header: bytes = _NO_STORE) -> None:
        """The head. `length`: of the body, where it is known; else its end is the connection's. `header`: more lines, each with its end."""
        self.status = status
        size = b"Content-Length: %d\r\n" % length if length >= 0 else b""
        bare, self.bare = self.bare, False
        first = b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n" % (status, _WORDS.get(status, b"-"), kind)
        await self.stream((first, size, header, _SAFE))
        self.bare = bare

    async def write(self, data) -> None:
        """A piece of the body (bytes-like)."""
        await self.stream((data,))

    async def stream(self, pieces) -> None:
        """Many of them, which costs less than one after the other."""
        if self.bare:
            return
        room = self._room
        for data in pieces:
            while len(data) > _ROOM - self._used:
                count = _ROOM - self._used
                room[self._used :] = data[:count]
                data = data[count:]
                self._used = _ROOM
                await self.flush()
            room[self._used : self._used + len(data)] = data
            self._used += len(data)

    async def flush(self) -> None:
        """Sends what there is; for events that shall not wait."""
        self._patience(_SEND_MS)
        stream = self._stream
        stream.write(memoryview(self._room)[: self._used])
        await stream.drain()
        self._patience(_WORK_MS)
        self._used = 0

    async def json(self, value, status: int = 200, header: bytes = _NO_STORE) -> None:
        """A whole answer of little JSON."""
        body = json.dumps(value).encode()
        await self.start(status, JSON, len(body), header)
        await self.write(body)

    async def refuse(self, refusal) -> None:
        """Says why not, unless an answer is under way already: then it ends too early."""
        if not self.status:
            await self.json({"error": refusal.words}, refusal.status, _NO_STORE + refusal.header)

    async def restart(self, door) -> None:
        """Sends the rest, puts on flash what is in RAM, and starts the chip anew."""
        await self.end()
        await asyncio.sleep_ms(_TAKE_MS)
        door.console.save()
        door.restart()

    async def end(self) -> None:
        """Sends the rest."""
        if self._used:
            await self.flush()
