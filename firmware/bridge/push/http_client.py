"""HTTP/1.1 POST over one kept connection: a body in pieces in, the status and a little of the answer out; times in ms.

An answer is read into one small buffer and only as far as the limits below: what is longer costs the connection, not memory.
A redirect is not followed: data goes nowhere but to the URL that the owner gave.
"""

import asyncio
import errno
import socket

from micropython import const

from bridge.core.errors import BridgeError
from bridge.core.names import lookup, reached
from bridge.push.sink import reason

CONNECT_MS = 10000  # TCP; a host of the home answers in milliseconds
HEADERS_MS = 15000  # the server's time to store a batch and answer
REQUEST_MS = 30000  # all of it, TLS handshake (1 s on an ESP32) and sending over a weak Wi-Fi link included
_OUT = const(1024)  # small pieces are put together: each write is a packet, over TLS a record
_TCP = const(6)  # IPPROTO_TCP and TCP_NODELAY have no names on every port
_NODELAY = const(1)
_LINE = const(128)  # status line and the few headers that matter; the rest of a longer line is skipped
_HEAD = const(8192)  # all headers; a proxy adds 1 to 4 KB at most
_BODY = const(2048)  # an answer to a POST is empty or a sentence; a longer one costs the connection
_KEEP = const(96)  # of the body, for the status
_BUFFER = const(256)
_INTERIM = const(4)  # 1xx answers before the real one


class HttpError(BridgeError):
    """No answer that can be used: not connected, certificate refused, timed out, closed early, or not HTTP. The text says which."""


class Response:
    """`status`: 100..599. `text`: the words beside it. `retry_after`: seconds or None. `location`: of a redirect. `body`: its
    first bytes. All texts are bytes as the server sent them.
    """

    def __init__(self, status: int, text: bytes, keep: bool):
        self.status = status
        self.text = text
        self.retry_after = None
        self.location = self.body = b""
        self.length = None
        self.chunked = False
        self.keep = keep


class HttpClient:
    """Posts to one URL. `head`: the request's lines but the body's length; `tls`: an SSL context for https.

    `connections` counts what was opened. A host name is looked up where `core.names` does not know it: that blocks.
    """

    def __init__(self, host: str, port: int, head: bytes, tls=None):
        self._host = host
        self._port = port
        self._tls = tls
        self._request = head
        self._socket = None
        self._stream = None
        self._buffer = bytearray(_BUFFER)
        self._at = 0
        self._end = 0
        self._taken = 0
        self.connections = 0
        self.request_ms = REQUEST_MS

    async def post(self, pieces: list) -> Response:
        """Sends `pieces` (bytes, in order) as one body; returns the answer, whatever its status. Raises HttpError alone.

        A kept connection that the server closed meanwhile is opened again once, without a word.
        """
        reused = self._alive()
        answer = None
        try:
            while True:
                try:
                    answer = await asyncio.wait_for_ms(self._exchange(pieces), self.request_ms)
                    return answer
                except (EOFError, OSError) as error:
                    if not reused or self._end:
                        raise HttpError(reason(error))
                    reused = False
                    self.close()
        except asyncio.TimeoutError:
            raise HttpError("no answer in time from %s:%d" % (self._host, self._port))
        except MemoryError:
            raise HttpError("not enough memory for the connection")
        except ValueError as error:  # MicroPython's error for a certificate that is not accepted
            raise HttpError(reason(error))
        finally:
            if answer is None or not answer.keep:
                self.close()

    def close(self) -> None:
        """Ends the connection, if there is one."""
        sock = self._socket
        self._socket = self._stream = None
        if sock is not None:
            try:
                sock.close()
            except OSError:
                pass  # a TLS goodbye that cannot be sent any more

    def _alive(self) -> bool:
        """Whether a kept connection is still open: a server that says anything unasked has closed it."""
        try:
            if self._socket is not None and self._socket.read(1) is None:
                return True
        except OSError:
            pass
        self.close()
        return False

    async def _exchange(self, pieces: list) -> Response:
        self._at = self._end = 0
        if self._socket is None:
            await asyncio.wait_for_ms(self._connect(), CONNECT_MS)
        failed = None
        try:
            await self._send(pieces)
        except OSError as error:
            # A server may refuse a long body before it has read it all: its answer says more than the broken connection.
            failed = error
        try:
            answer = await asyncio.wait_for_ms(self._head(), HEADERS_MS)
        except (OSError, EOFError) as error:
            raise failed or error
        if failed:
            answer.keep = False
        elif answer.status not in (204, 304):
            await self._body(answer)
        reached(self._host)
        return answer

    async def _connect(self) -> None:
        try:
            found = socket.getaddrinfo(lookup(self._host), self._port, 0, socket.SOCK_STREAM)
        except OSError:
            raise HttpError("host name " + self._host + " not found, or no name server answers")
        address = found[0]
        sock = self._socket = socket.socket(*address[:3])
        sock.setblocking(False)
        try:
            # Without it the last packet of a request waits for the server's acknowledgement of the one before, 40 ms on many.
            sock.setsockopt(_TCP, _NODELAY, 1)
            sock.connect(address[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await _writable(sock)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=self._host, do_handshake_on_connect=False)
            sock.setblocking(False)
            self._socket = sock
        self._stream = asyncio.StreamReader(sock)
        self.connections += 1

    async def _send(self, pieces: list) -> None:
        length = 0
        for piece in pieces:
            length += len(piece)
        stream = self._stream
        out = bytearray(self._request)
        out.extend(b"Content-Length: %d\r\n\r\n" % length)
        for piece in pieces:
            if len(out) + len(piece) > _OUT:
                stream.write(out)
                await stream.drain()
                out = bytearray()
            out.extend(piece)
        stream.write(out)
        await stream.drain()

    async def _head(self) -> Response:
        """Reads status line and headers, skipping interim answers."""
        self._taken = 0
        for _ in range(_INTERIM):
            words = (await self._line()).split(None, 2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
                raise HttpError("what answers there is no HTTP/1.1 server")
            answer = Response(int(words[1]), words[2] if len(words) > 2 else b"", words[0] != b"HTTP/1.0")
            while True:
                line = await self._line()
                if not line:
                    break
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
                    answer.location = value
            if answer.status >= 200:
                return answer
        raise HttpError("the server sends interim answers without end")

    async def _body(self, answer: Response) -> None:
        """Reads what is short and notes its start; what is long or has no end marked is left, and the connection closed."""
        total = 0
        while answer.chunked:  # RFC 9112, 7.1
            size = (await self._line()).split(b";", 1)[0].strip()
            try:
                size = int(size, 16) if len(size) <= 6 else -1
            except ValueError:
                size = -1
            if size < 0:
                raise HttpError("the server sends a chunk without a proper length")
            total += size
            if size == 0:
                while await self._line():
                    pass  # trailers
                return
            if total > _BODY:
                answer.keep = False
                return
            await self._take(answer, size)
            await self._line()
        if answer.length is None or answer.length > _BODY:
            answer.keep = False
            answer.length = self._end - self._at
        await self._take(answer, answer.length)

    async def _take(self, answer: Response, count: int) -> None:
        while count:
            if self._at == self._end:
                await self._fill()
            step = min(count, self._end - self._at)
            if len(answer.body) < _KEEP:
                answer.body += self._buffer[self._at : self._at + min(step, _KEEP - len(answer.body))]
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
            line += self._buffer[self._at : min(stop, self._at + _LINE - len(line))]
            self._taken += stop + 1 - self._at
            if self._taken > _HEAD:
                raise HttpError("the server's headers are longer than 8 KB")
            self._at = stop
            if found >= 0:
                self._at += 1
                return line.rstrip(b"\r")

    async def _fill(self) -> None:
        count = None
        while count is None:
            count = await self._stream.readinto(self._buffer)
        if not count:
            raise EOFError
        self._at = 0
        self._end = count


def _writable(sock):
    """Waits until `sock` is connected or has failed, as asyncio.open_connection does; unlike there, the socket stays ours to close."""
    yield asyncio.core._io_queue.queue_write(sock)
