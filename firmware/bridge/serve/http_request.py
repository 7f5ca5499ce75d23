"""A request of HTTP/1.1: a stream of bytes in; method, path, the few headers that count and the body out. All of it is bounded.

What is not as it should be raises Refusal with the status that says so. Headers that mean nothing here are passed over without being kept.
"""

import json

from micropython import const

_BUFFER = const(512)  # also the longest line that is kept
_HEADERS = const(8192)  # bytes; a browser sends about 1 KB
_COUNT = const(64)  # of headers
_PATH = const(128)  # characters, decoded
_JSON = const(8192)  # bytes of a body that is kept whole: all settings at their longest
_NESTED = const(100)  # brackets that open: what JSON makes of thousands fills the memory
_BODY_MS = const(10000)  # for the next bytes of a body
_WORK_MS = const(60000)  # for what is done with them
_KEPT = (b"host", b"content-length", b"content-type", b"transfer-encoding", b"authorization", b"if-none-match", b"origin", b"expect")
_SUFFIXES = (b"", b".local", b".lan", b".home.arpa", b".internal")  # of the dongle's name, in a home; no stranger can own these
_HEX = b"0123456789abcdefABCDEF"


class Refusal(Exception):
    """What is answered instead: `status`, `words` for who reads it, `header`: lines of the answer's head, each with its end."""

    def __init__(self, status: int, words: str, header: bytes = b""):
        self.status = status
        self.words = words
        self.header = header


class Request:
    """Read `head()` first. `method`, `query`: bytes; `path`: text; `left`: bytes of the body that were not read yet, each of which may take `wait_ms`."""

    def __init__(self, stream, patience):
        self._stream = stream
        self._patience = patience
        self._buffer = bytearray(_BUFFER)
        self._at = self._end = 0
        self.method = self.query = b""
        self.path = ""
        self.left = 0
        self.wait_ms = _BODY_MS
        self._headers = {}

    def header(self, name: bytes) -> bytes:
        """A header's value, b"" where there is none; only those that count here are kept."""
        return self._headers.get(name, b"")

    async def head(self) -> None:
        """Reads the request's line and headers."""
        line = await self._line(414, b"")
        if not line:  # RFC 9112, 2.2: one empty line before it is no matter
            line = await self._line(414, b"")
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/"):
            raise Refusal(400, "this is no HTTP request")
        if words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
        self.method = words[0]
        self._target(words[1])
        taken = 0
        for _ in range(_COUNT):
            line = await self._line(431, _KEPT)
            if not line:
                return self._judge(words[2])
            taken += self._took
            if taken > _HEADERS:
                break
            name, colon, value = line.partition(b":")
            if not colon or not name or name.strip() != name:  # no folded lines, no space before the colon: RFC 9112, 5.1 and 5.2
                raise Refusal(400, "a header is not of the form Name: value")
            name = name.lower()
            if name in _KEPT:
                if name in self._headers:
                    raise Refusal(400, "a header comes twice")
                self._headers[name] = value.strip()
        raise Refusal(431, "there are too many headers, or they are too long")

    def _target(self, target: bytes) -> None:
        path, _, self.query = target.partition(b"?")
        if path[:1] != b"/":
            raise Refusal(400, "what is asked for must begin with /")
        path = unquote(path)
        if len(path) > _PATH:
            raise Refusal(414, "the address is too long")
        for part in path.split("/"):
            if part == "." or part == "..":
                raise Refusal(400, "the address has . or .. in it")
        self.path = path

    def _judge(self, version: bytes) -> None:
        """What the headers say about the body and the host."""
        if version == b"HTTP/1.1" and not self.header(b"host"):
            raise Refusal(400, "the Host header is missing")
        if self.header(b"transfer-encoding"):
            raise Refusal(411, "send a body with Content-Length, not in chunks")
        length = self.header(b"content-length") or b"0"
        if not length.isdigit() or len(length) > 9:
            raise Refusal(400, "Content-Length is not a number of bytes")
        self.left = int(length)

    def belongs_to(self, host: str) -> None:
        """Refuses what was sent to another name: a page of somebody else's may have given his name this address (DNS rebinding)."""
        asked = self.header(b"host").lower()
        name, _, port = asked.partition(b":")
        if not asked or _is_address(name) or name == b"localhost":
            return
        own = host.lower().encode()
        if name[: len(own)] != own or name[len(own) :] not in _SUFFIXES or port and not port.isdigit():
            raise Refusal(421, "this is the dongle %s: ask for it by its address, or as %s.local" % (host, host))

    def must_be_meant(self) -> None:
        """Refuses what a page of another site could make a browser send without being allowed to: forms, plain text, other origins."""
        kind = self.header(b"content-type").lower().split(b";")[0].strip()
        if kind not in (b"application/json", b"application/octet-stream"):
            raise Refusal(415, "say Content-Type: application/json")
        origin = self.header(b"origin").lower()
        if origin and origin.split(b"://")[-1] != self.header(b"host").lower():
            raise Refusal(403, "a page of another site asks for this")

    def argument(self, name: bytes) -> str:
        """A value of the query, "" where it is not there."""
        for pair in self.query.split(b"&"):
            key, _, value = pair.partition(b"=")
            if key == name:
                return unquote(value.replace(b"+", b" "))
        return ""

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
        if self._at == self._end:
            if self.header(b"expect").lower() == b"100-continue":
                self._headers[b"expect"] = b""
                self._stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await self._stream.drain()
            self._patience(self.wait_ms)
            await self._fill()
            self._patience(_WORK_MS)
        count = min(self.left, self._end - self._at, len(room))
        room[:count] = self._buffer[self._at : self._at + count]
        self._at += count
        self.left -= count
        return count

    async def _line(self, status: int, kept) -> bytes:
        """The next line without its end; one that is too long is passed over if `kept` are headers and it is none of them."""
        line = b""
        self._took = 0
        while True:
            if self._at == self._end:
                await self._fill()
            found = self._buffer.find(b"\n", self._at, self._end)
            stop = self._end if found < 0 else found
            line += self._buffer[self._at : min(stop, self._at + _BUFFER - len(line))]
            self._took += stop - self._at
            if self._took > _BUFFER and (line.split(b":")[0].lower() in kept or not kept or self._took > _HEADERS):
                raise Refusal(status, "a line of the request is too long")
            self._at = stop
            if found >= 0:
                self._at += 1
                line = line[:-1] if line[-1:] == b"\r" else line
                if b"\0" in line or b"\r" in line:
                    raise Refusal(400, "there is a control character in the request")
                return line

    async def _fill(self) -> None:
        count = None
        while count is None:
            count = await self._stream.readinto(self._buffer)
        if not count:
            raise EOFError
        self._at = 0
        self._end = count


def unquote(text: bytes) -> str:
    """Text with its %xx resolved; Refusal for what is no UTF-8, has a control character or a % without two hex digits."""
    parts = text.split(b"%")
    found = parts[0]
    for part in parts[1:]:
        if len(part) < 2 or part[0] not in _HEX or part[1] not in _HEX:
            raise Refusal(400, "a % in the address is not followed by two hex digits")
        found += bytes((int(part[:2], 16),)) + part[2:]
    for byte in found:
        if byte < 32 or byte == 127:
            raise Refusal(400, "there is a control character in the address")
    try:
        return found.decode()
    except UnicodeError:
        raise Refusal(400, "the address is not UTF-8")


def _is_address(name: bytes) -> bool:
    """Whether it is an IPv4 address: that is nobody's name."""
    parts = name.split(b".")
    for part in parts:
        if not part.isdigit() or len(part) > 3:
            return False
    return len(parts) == 4
