"""HTTP/1.1 POST over one kept connection: a body in pieces in, the status and a little of the answer out; times in ms.

The answer is read by `http_response`, within its limits. A redirect is not followed: data goes nowhere but to the URL that the owner gave.
"""

import asyncio
import errno
import socket

from micropython import const

from bridge.push.http_response import AnswerReader, HttpError, Response
from bridge.push.sink import reason

CONNECT_MS = 10000  # TCP; a host of the home answers in milliseconds
HEADERS_MS = 15000  # the server's time to store a batch and answer
REQUEST_MS = 30000  # all of it, TLS handshake (1 s on an ESP32) and sending over a weak Wi-Fi link included
_OUT = const(1024)  # small pieces are put together: each write is a packet, over TLS a record
_TCP = const(6)  # IPPROTO_TCP and TCP_NODELAY have no names on every port
_NODELAY = const(1)


class HttpClient:
    """Posts to one URL. `url`: http_url.Url; `headers`: whole lines ending in CR LF; `tls`: an SSL context for https.

    `connections` and `requests` count what was opened and sent. Host names are looked up by the system, which blocks
    until it answers: once per connection.
    """

    def __init__(self, url, headers: bytes, tls=None):
        self._url = url
        self._tls = tls
        self._headers = headers
        self._socket = None
        self._stream = None
        self._reader = AnswerReader()
        self._out = bytearray(_OUT)
        self._filled = 0
        self.connections = 0
        self.requests = 0
        self.request_ms = REQUEST_MS
        self.headers_ms = HEADERS_MS

    async def post(self, content_type: str, pieces: list) -> Response:
        """Sends `pieces` (bytes-like, in order) as one body; returns the answer, whatever its status. Raises HttpError alone.

        A kept connection that the server closed meanwhile is opened again once, without a word.
        """
        done = False
        reused = self._alive()
        try:
            try:
                answer = await asyncio.wait_for_ms(self._exchange(content_type, pieces), self.request_ms)
            except (EOFError, OSError) as error:
                if not reused or self._reader.started or isinstance(error, asyncio.TimeoutError):
                    raise
                self.close()
                answer = await asyncio.wait_for_ms(self._exchange(content_type, pieces), self.request_ms)
            done = True
        except asyncio.TimeoutError:
            raise HttpError("no answer in time from " + self._url.authority)
        except (EOFError, OSError) as error:
            raise HttpError(reason(error))
        except MemoryError:
            raise HttpError("not enough memory for a connection")
        except ValueError as error:  # MicroPython's error for a certificate that is not accepted
            from bridge.push.tls import reason as tls_reason

            raise HttpError(tls_reason(error))
        finally:
            if not done or not answer.keep:
                self.close()
        return answer

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
        if self._socket is None:
            return False
        try:
            if self._socket.read(1) is None:
                return True
        except OSError:
            pass
        self.close()
        return False

    async def _exchange(self, content_type: str, pieces: list) -> Response:
        self._reader.expect()
        if self._socket is None:
            await asyncio.wait_for_ms(self._connect(), CONNECT_MS)
        self.requests += 1
        try:
            await self._send(content_type, pieces)
        except OSError as error:
            # A server may refuse a long body before it has read it all: its answer says more than the broken connection.
            return await self._answer_or(error)
        answer = await asyncio.wait_for_ms(self._reader.head(), self.headers_ms)
        await self._reader.body(answer)
        return answer

    async def _answer_or(self, error: OSError) -> Response:
        try:
            answer = await asyncio.wait_for_ms(self._reader.head(), self.headers_ms)
        except (OSError, EOFError):
            raise error
        answer.keep = False
        return answer

    async def _connect(self) -> None:
        url = self._url
        address = _address(url.host, url.port)
        sock = socket.socket(address[0], address[1], address[2])
        self._socket = sock
        sock.setblocking(False)
        _send_at_once(sock)
        try:
            sock.connect(address[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await _writable(sock)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=url.host, do_handshake_on_connect=False)
            sock.setblocking(False)
            self._socket = sock
        self._stream = asyncio.StreamReader(sock)
        self._reader.open(self._stream)
        self.connections += 1

    async def _send(self, content_type: str, pieces: list) -> None:
        length = 0
        for piece in pieces:
            length += len(piece)
        url = self._url
        self._filled = 0
        await self._put(
            b"POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: meterbridge\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
            % (url.target.encode(), url.authority.encode(), content_type.encode(), length, self._headers)
        )
        for piece in pieces:
            await self._put(piece)
        await self._flush()

    async def _put(self, data) -> None:
        view = memoryview(data)
        at = 0
        while at < len(view):
            step = min(_OUT - self._filled, len(view) - at)
            self._out[self._filled : self._filled + step] = view[at : at + step]
            self._filled += step
            at += step
            if self._filled == _OUT:
                await self._flush()

    async def _flush(self) -> None:
        self._stream.write(memoryview(self._out)[: self._filled])
        self._filled = 0
        await self._stream.drain()


def _address(host: str, port: int) -> tuple:
    """The first IPv4 address of `host`, else the first at all: names of a home often have a v6 entry that no service listens on."""
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError:
        raise HttpError("host name " + host + " not found, or no name server answers")
    for entry in found:
        if entry[0] == socket.AF_INET:
            return entry
    return found[0]


def _send_at_once(sock) -> None:
    """Without it the last packet of a request waits for the server's acknowledgement of the one before, 40 ms on many."""
    try:
        sock.setsockopt(_TCP, _NODELAY, 1)
    except OSError:
        pass  # a port without the option is slower, not wrong


def _writable(sock):
    """Waits until `sock` is connected or has failed, as asyncio.open_connection does; unlike there, the socket stays ours to close."""
    yield asyncio.core._io_queue.queue_write(sock)
