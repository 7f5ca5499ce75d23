"""The head of a request of HTTP/1.1: a Request whose stream has it all in; method, path, query and headers set in it, all bounded.

What is not as it should be raises Refusal with the status that says so. Headers that mean nothing here are passed over without being kept.
In memory only while a head is read.
"""

from micropython import const

from bridge.serve.http_request import Refusal

_LINE = const(512)  # as long as the request's buffer
_HEADERS = const(8192)  # bytes; a browser sends about 1 KB
_COUNT = const(64)  # of headers
_PATH = const(128)  # characters, decoded
_ARGUMENTS = const(8)
_KEPT = (b"host", b"content-length", b"content-type", b"transfer-encoding", b"authorization", b"if-none-match", b"origin", b"expect")
_SUFFIXES = (b"", b".local", b".lan", b".home.arpa", b".internal")  # of the dongle's name, in a home; no stranger can own these
_HEX = b"0123456789abcdefABCDEF"


async def read(request) -> None:
    """Reads the request's line and headers."""
    line, _ = await _line(request, 414, b"")
    if not line:  # RFC 9112, 2.2: one empty line before it is no matter
        line, _ = await _line(request, 414, b"")
    words = line.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/"):
        raise Refusal(400, "this is no HTTP request")
    if words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    request.method = words[0]
    _target(request, words[1])
    taken = 0
    for _ in range(_COUNT):
        line, took = await _line(request, 431, _KEPT)
        if not line:
            return _judge(request, words[2])
        taken += took
        if taken > _HEADERS:
            break
        name, colon, value = line.partition(b":")
        if not colon or not name or name.strip() != name:  # no folded lines, no space before the colon: RFC 9112, 5.1 and 5.2
            raise Refusal(400, "a header is not of the form Name: value")
        name = name.lower()
        if name in _KEPT:
            if name in request.headers:
                raise Refusal(400, "a header comes twice")
            request.headers[name] = value.strip()
    raise Refusal(431, "there are too many headers, or they are too long")


def _target(request, target: bytes) -> None:
    path, _, query = target.partition(b"?")
    if path[:1] != b"/":
        raise Refusal(400, "what is asked for must begin with /")
    path = request.path = unquote(path)
    if len(path) > _PATH:
        raise Refusal(414, "the address is too long")
    for part in path.split("/"):
        if part == "." or part == "..":
            raise Refusal(400, "the address has . or .. in it")
    if query:
        for pair in query.split(b"&", _ARGUMENTS)[:_ARGUMENTS]:
            name, _, value = pair.partition(b"=")
            request.query[name] = unquote(value.replace(b"+", b" "))


def _judge(request, version: bytes) -> None:
    """What the headers say about the body and the host."""
    if version == b"HTTP/1.1" and not request.header(b"host"):
        raise Refusal(400, "the Host header is missing")
    if request.header(b"transfer-encoding"):
        raise Refusal(411, "send a body with Content-Length, not in chunks")
    length = request.header(b"content-length") or b"0"
    if not length.isdigit() or len(length) > 9:
        raise Refusal(400, "Content-Length is not a number of bytes")
    request.left = int(length)


def belongs_to(request, host: str) -> None:
    """Refuses what was sent to another name: a page of somebody else's may have given his name this address (DNS rebinding)."""
    asked = request.header(b"host").lower()
    name, _, port = asked.partition(b":")
    if not asked or _is_address(name) or name == b"localhost":
        return
    own = host.lower().encode()
    if name[: len(own)] != own or name[len(own) :] not in _SUFFIXES or port and not port.isdigit():
        raise Refusal(421, "this is the dongle %s: ask for it by its address, or as %s.local" % (host, host))


def unmeant(request):
    """A Refusal of what a page of another site could make a browser send without being allowed to: forms, plain text, other origins; or None."""
    if request.method in (b"GET", b"HEAD"):
        return None
    kind = request.header(b"content-type").lower().split(b";")[0].strip()
    if kind not in (b"application/json", b"application/octet-stream"):
        return Refusal(415, "say Content-Type: application/json")
    origin = request.header(b"origin").lower()
    if origin and origin.split(b"://")[-1] != request.header(b"host").lower():
        return Refusal(403, "a page of another site asks for this")
    return None


async def _line(request, status: int, kept) -> tuple:
    """The next line without its end, and how long it was; one that is too long is passed over if `kept` are headers and it is none of them."""
    line = b""
    took = 0
    while True:
        if request.at == request.end:
            await request.fill()
        found = request.buffer.find(b"\n", request.at, request.end)
        stop = request.end if found < 0 else found
        line += request.buffer[request.at : min(stop, request.at + _LINE - len(line))]
        took += stop - request.at
        if took > _LINE and (line.split(b":")[0].lower() in kept or not kept or took > _HEADERS):
            raise Refusal(status, "a line of the request is too long")
        request.at = stop
        if found >= 0:
            request.at += 1
            line = line[:-1] if line[-1:] == b"\r" else line
            if b"\0" in line or b"\r" in line:
                raise Refusal(400, "there is a control character in the request")
            return line, took


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
