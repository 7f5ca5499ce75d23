"""An answer of an HTTP/1.1 server, a stream of bytes in; status, the few headers that matter and the start of the body out.

Everything is read into one small buffer and only as far as the limits below: what is longer costs the connection, not memory.
"""

from micropython import const

from bridge.core.errors import BridgeError

_LINE = const(128)  # status line and the few headers that matter; the rest of a longer line is skipped
_HEAD = const(8192)  # all headers; a proxy adds 1 to 4 KB at most
_BODY = const(2048)  # an answer to a POST is empty or a sentence; a longer one costs the connection
_KEEP = const(96)  # of the body, for the status
_BUFFER = const(256)
_INTERIM = const(4)  # 1xx answers before the real one


class HttpError(BridgeError):
    """No answer that can be used: not connected, certificate refused, timed out, closed early, or not HTTP. The text says which."""


class Response:
    """`status`: 100..599. `text`: the words beside it. `retry_after`: seconds or None. `location`: of a redirect. `body`: its first bytes."""

    def __init__(self, status: int, text: str):
        self.status = status
        self.text = text
        self.retry_after = None
        self.location = ""
        self.body = b""
        self.length = None
        self.chunked = False
        self.keep = True


class AnswerReader:
    """Reads the answers of one connection after another; `open(stream)` starts a connection."""

    def __init__(self):
        self._stream = None
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._at = 0
        self._end = 0
        self._taken = 0

    def open(self, stream) -> None:
        """Answers come from `stream` (asyncio's) from now on."""
        self._stream = stream
        self.expect()

    def expect(self) -> None:
        """A request is about to be sent: what was left of an earlier answer is forgotten."""
        self._at = self._end = 0

    @property
    def started(self) -> bool:
        """Whether anything of the expected answer has come."""
        return self._end > 0

    async def head(self) -> Response:
        """Reads status line and headers, skipping interim answers."""
        self._taken = 0
        for _ in range(_INTERIM):
            answer = _status(await self._line())
            while True:
                line = await self._line()
                if not line:
                    break
                _header(answer, line)
            if answer.status >= 200:
                return answer
        raise HttpError("the server sends interim answers without end")

    async def body(self, answer: Response) -> None:
        """Reads what is short and notes its start; what is long or has no end marked is left, and the connection closed."""
        if answer.status in (204, 304):
            return
        if answer.chunked:
            await self._chunks(answer)
        elif answer.length is None or answer.length > _BODY:
            answer.keep = False
            if self._at < self._end:
                answer.body = bytes(self._view[self._at : min(self._end, self._at + _KEEP)])
        else:
            await self._take(answer, answer.length)

    async def _chunks(self, answer: Response) -> None:
        """Reads a chunked body (RFC 9112, 7.1) up to the limit."""
        total = 0
        while True:
            size = _hex((await self._line()).split(b";", 1)[0].strip())
            if size == 0:
                while await self._line():
                    pass  # trailers
                return
            total += size
            if total > _BODY:
                answer.keep = False
                return
            await self._take(answer, size)
            await self._line()

    async def _take(self, answer: Response, count: int) -> None:
        while count:
            if self._at == self._end:
                await self._fill()
            step = min(count, self._end - self._at)
            if len(answer.body) < _KEEP:
                answer.body += self._view[self._at : self._at + min(step, _KEEP - len(answer.body))]
            self._at += step
            count -= step

    async def _line(self) -> bytes:
        """The next line without its end; of a long one the first 128 bytes."""
        line = b""
        while True:
            if self._at == self._end:
                await self._fill()
            found = self._buffer.find(b"\n", self._at, self._end)
            stop = self._end if found < 0 else found
            if len(line) < _LINE:
                line += self._view[self._at : min(stop, self._at + _LINE - len(line))]
            self._taken += stop + 1 - self._at
            if self._taken > _HEAD:
                raise HttpError("the server's headers are longer than 8 KB")
            if found >= 0:
                self._at = found + 1
                return line.rstrip(b"\r")
            self._at = self._end

    async def _fill(self) -> None:
        while True:
            count = await self._stream.readinto(self._buffer)
            if count:
                self._at = 0
                self._end = count
                return
            if count == 0:
                raise EOFError


def _status(line: bytes) -> Response:
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise HttpError("what answers there is no HTTP/1.1 server")
    answer = Response(int(words[1]), printable(words[2]) if len(words) > 2 else "")
    answer.keep = words[0] != b"HTTP/1.0"
    return answer


def _header(answer: Response, line: bytes) -> None:
    name, _, value = line.partition(b":")
    name = name.lower()
    value = value.strip()
    if name == b"content-length" and value.isdigit():
        answer.length = int(value[:9])
    elif name == b"transfer-encoding":
        answer.chunked = value.lower() == b"chunked"
        answer.keep = answer.keep and answer.chunked
    elif name == b"connection" and b"close" in value.lower():
        answer.keep = False
    elif name == b"retry-after" and value.isdigit():
        answer.retry_after = int(value[:6])
    elif name == b"location":
        answer.location = printable(value)


def _hex(text: bytes) -> int:
    if not 0 < len(text) <= 6:
        raise HttpError("the server sends a chunk without a proper length")
    try:
        return int(text, 16)
    except ValueError:
        raise HttpError("the server sends a chunk without a proper length")


def printable(data: bytes) -> str:
    """`data` with every byte that is not visible ASCII or a space shown as "?"."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in data])
