"""A request of HTTP/1.1 whose head was read: a stream of bytes in; method, path, the few headers that count and the body out, bounded.

The head's own rules stand in `http_head`, which is in memory only until it was read.
"""

import json

from micropython import const

_BUFFER = const(512)  # also the longest line that is kept
_JSON = const(8192)  # bytes of a body that is kept whole: all settings at their longest
_NESTED = const(100)  # brackets that open: what JSON makes of thousands fills the memory
_BODY_MS = const(10000)  # for the next bytes of a body
_WORK_MS = const(60000)  # for what is done with them


class Refusal(Exception):
    """What is answered instead: `status`, `words` for who reads it, `header`: lines of the answer's head, each with its end."""

    def __init__(self, status: int, words: str, header: bytes = b""):
        self.status = status
        self.words = words
        self.header = header


class Request:
    """`method`: bytes; `path`: text; `query`: text by name (bytes); `headers`: bytes by name in small letters, of those that count here alone.

    `left`: bytes of the body that were not read yet, each of which may take `wait_ms`. `at`, `end`: what of `buffer` was received and not used yet.
    """

    def __init__(self, stream, patience):
        self._stream = stream
        self._patience = patience
        self.buffer = bytearray(_BUFFER)
        self.at = self.end = 0
        self.method = b""
        self.path = ""
        self.query = {}
        self.headers = {}
        self.left = 0
        self.wait_ms = _BODY_MS

    def header(self, name: bytes) -> bytes:
        """A header's value, b"" where there is none."""
        return self.headers.get(name, b"")

    def argument(self, name: bytes) -> str:
        """A value of the query, "" where it is not there."""
        return self.query.get(name, "")

    async def json(self) -> dict:
        """The body, which must be a JSON object; {} where there is none."""
        if self.left > _JSON:
            raise Refusal(413, "the body is longer than %d bytes" % _JSON)
        body = bytearray(self.left)
        view = memoryview(body)
        at = 0
        while self.left:
            at += await self.readinto(view[at:])
        try:
            if body.count(b"[") + body.count(b"{") > _NESTED:
                raise ValueError
            value = json.loads(bytes(body).decode()) if body.strip() else {}
        except (ValueError, RuntimeError):
            raise Refusal(400, "the body is not JSON")
        if not isinstance(value, dict):
            raise Refusal(400, "the body is not a JSON object")
        return value

    async def readinto(self, room) -> int:
        """The next bytes of the body into `room`, at least one; 0 when all were read. EOFError when the other side leaves before."""
        if not self.left:
            return 0
        if self.at == self.end:
            if self.header(b"expect").lower() == b"100-continue":
                self.headers[b"expect"] = b""
                self._stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await self._stream.drain()
            self._patience(self.wait_ms)
            await self.fill()
            self._patience(_WORK_MS)
        count = min(self.left, self.end - self.at, len(room))
        room[:count] = self.buffer[self.at : self.at + count]
        self.at += count
        self.left -= count
        return count

    async def fill(self) -> None:
        """Waits for the next bytes. EOFError at the stream's end."""
        count = None
        while count is None:
            count = await self._stream.readinto(self.buffer)
        if not count:
            raise EOFError
        self.at = 0
        self.end = count
