"""Requests as good and bad clients send them, answers, and who is let in. What is expected: RFC 9110 and 9112, and the limits that the modules name."""

import asyncio
import json
import os
import time
from binascii import b2a_base64, hexlify
from hashlib import sha256

from bridge.config import access
from bridge.serve import http_access, http_head
from bridge.serve.http_access import check
from bridge.serve.http_answer import Answer
from bridge.serve.http_head import unquote
from bridge.serve.http_request import Refusal, Request
from bridge.serve.http_routes import find

class _Ticks:
    """Of MicroPython, for CPython."""

    ticks_ms = staticmethod(lambda: int(time.monotonic() * 1000))
    ticks_add = staticmethod(lambda ticks, ms: ticks + ms)
    ticks_diff = staticmethod(lambda one, other: one - other)


ticks = time
if not hasattr(time, "ticks_ms"):
    ticks = http_access.time = _Ticks

HOST = b"Host: 192.168.1.20\r\n"
TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Stream:
    """Gives what was sent in pieces of `step` bytes, then its end; keeps what is written."""

    def __init__(self, data, step=512):
        self.data = data
        self.step = step
        self.written = b""
        self.largest = 0

    async def readinto(self, room):
        count = min(len(room), self.step, len(self.data))
        room[:count] = self.data[:count]
        self.data = self.data[count:]
        return count

    def write(self, data):
        self.written += bytes(data)
        self.largest = max(self.largest, len(data))

    async def drain(self):
        pass


def _patience(ms):
    assert 0 < ms <= 60000


def _read(data, step=512):
    request = Request(_Stream(data, step), _patience)
    asyncio.run(http_head.read(request))
    return request


def _refused(data, status, step=512):
    try:
        _read(data, step)
    except Refusal as refusal:
        assert refusal.status == status, (refusal.status, refusal.words, data[:60])
        return refusal.words
    assert False, data[:80]


def test_a_request_in_pieces_of_any_size():
    data = b"GET /api/files/journal/00000001?from=512&x=%41+b HTTP/1.1\r\nHOST: mb-a1b2c3.local:80\r\nUser-Agent: x\r\nAuthorization:   Bearer abc  \r\n\r\nmore"
    for step in (1, 2, 7, 100, 512):
        request = _read(data, step)
        assert (request.method, request.path, request.left) == (b"GET", "/api/files/journal/00000001", 0)
        assert request.argument(b"from") == "512" and request.argument(b"x") == "A b" and request.argument(b"y") == ""
        assert request.header(b"host") == b"mb-a1b2c3.local:80" and request.header(b"authorization") == b"Bearer abc"
        assert request.header(b"user-agent") == b""
        http_head.belongs_to(request, "mb-a1b2c3")


def test_bare_line_ends_and_one_empty_line_before_are_taken():
    assert _read(b"\r\nGET / HTTP/1.1\n" + HOST + b"\n").path == "/"
    assert _read(b"GET / HTTP/1.0\r\n\r\n").path == "/"


def test_a_body():
    body = b'{"pin": "0123"}'
    head = b"POST /api/unlock HTTP/1.1\r\n" + HOST + b"Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    for step in (1, 30, 512):
        request = _read(head + body + b"rest", step)
        assert http_head.unmeant(request) is None
        assert asyncio.run(request.json()) == {"pin": "0123"}
        assert request.left == 0 and asyncio.run(request.readinto(bytearray(9))) == 0
    short = _read(head + body[:5])
    try:
        asyncio.run(short.json())
        assert False
    except EOFError:
        pass


def _body(body):
    """What becomes of a body: the object, or the status."""
    try:
        return asyncio.run(_read(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body).json())
    except Refusal as refusal:
        return refusal.status


def test_bodies_that_are_no_json_object():
    assert _body(b"") == _body(b" ") == {}
    for bad in (b"[]", b"1", b"null", b'"x"', b"{", b"\xff\xfe", b"{}}", b"[" * 4000, b'{"a":' * 1500, b"\0"):
        assert _body(bad) == 400, bad[:20]
    assert _body(b" " * 8193) == 413
    assert _body(b'{"a":"' + b"x" * 8000 + b'"}') == {"a": "x" * 8000}


def test_the_client_is_told_to_go_on_only_when_its_body_is_wanted():
    stream = _Stream(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    request = Request(stream, _patience)
    asyncio.run(http_head.read(request))
    assert stream.written == b""
    stream.data = b"{}"
    assert asyncio.run(request.json()) == {} and stream.written == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_request_lines_that_are_none():
    for bad in (b"GET /\r\n\r\n", b"GET\r\n", b"\r\n\r\n", b"GET  / HTTP/1.1\r\n", b"GET / HTTP/1.1 x\r\n", b"hello\r\n", b"GET x HTTP/1.1\r\n",
                b"GET http://a/ HTTP/1.1\r\n", b"GET / FTP/1.1\r\n", b"GET /\0 HTTP/1.1\r\n", b"GET /\rx HTTP/1.1\r\n", b"\x16\x03\x01\x02\0\x01\n",
                b"CONNECT a:80 HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n"):  # fmt: skip
        _refused(bad + HOST + b"\r\n", 400)
    _refused(b"PRI * HTTP/2.0\r\n\r\n", 505)
    _refused(b"GET / HTTP/1.2\r\n\r\n", 505)


def test_addresses_that_lead_elsewhere():
    for bad in (b"/../config.json", b"/a/../b", b"/%2e%2e/x", b"/%2E%2e%2fx", b"/.", b"/a/%2e", b"/%00", b"/%0d%0aX:y", b"/%7f", b"/%", b"/%4", b"/%zz",
                b"/%-1", b"/%+1", b"/% 1", b"/%ff", b"/\xff", b"//..//"):  # fmt: skip
        _refused(b"GET " + bad + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400)
    assert unquote(b"%E2%82%AC%20a%2Bb") == "\u20ac a+b"
    assert _read(b"GET /%252e%252e/ HTTP/1.1\r\n" + HOST + b"\r\n").path == "/%2e%2e/", "decoded once"
    _refused(b"GET /" + b"a" * 200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)
    _refused(b"GET /" + b"a" * 100000, 414)
    _refused(b"GET /?" + b"a" * 600 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)


def test_headers_that_are_too_many_too_long_or_none():
    line = b"GET / HTTP/1.1\r\n"
    assert _read(line + b"Cookie: " + b"x" * 3000 + b"\r\n" + HOST + b"\r\n").path == "/", "what means nothing here may be long"
    for data in (b"A: b\r\n" * 65, (b"X: " + b"x" * 1000 + b"\r\n") * 9, b"X: " + b"x" * 100000, b"Authorization: Bearer " + b"x" * 600 + b"\r\n", b"Host: " + b"h" * 600 + b"\r\n"):
        _refused(line + data + HOST + b"\r\n", 431)
    for data in (b"no colon\r\n", b": x\r\n", b"Host : x\r\n", b" folded\r\n", b"\tfolded: x\r\n", b"Host: a\r\nHost: b\r\n", b"X: a\0b\r\n", b"X: a\rb\r\n",
                 b"Content-Length: 1\r\nContent-Length: 1\r\n"):  # fmt: skip
        _refused(line + data + b"\r\n", 400)
    _refused(line + b"\r\n", 400)
    for bad in (b"-1", b"1.5", b"0x10", b"1,1", b"+1", b"9" * 10, b"x"):
        _refused(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + bad + b"\r\n\r\n", 400)
    _refused(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411)
    _refused(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411)


def test_a_request_that_ends_early():
    data = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    for end in range(len(data)):
        try:
            _read(data[:end])
            assert False, end
        except EOFError:
            pass


def _asks(host):
    try:
        http_head.belongs_to(_read(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"), "mb-a1b2c3")
        return True
    except Refusal as refusal:
        assert refusal.status == 421
        return False


def test_only_its_own_names_are_answered():
    for own in (b"192.168.1.20", b"10.0.0.1:8080", b"mb-a1b2c3", b"MB-A1B2C3.local", b"mb-a1b2c3.lan:80", b"localhost:18080"):
        assert _asks(own), own
    for other in (b"example.org", b"mb-a1b2c3.example.org", b"mb-a1b2c3.local.evil.org", b"1.2.3.4.evil.org", b"1.2.3", b"mb-a1b2c3evil.local", b"xmb-a1b2c3",
                  b"a@192.168.1.20", b"mb-a1b2c3:80@evil.org", b"[::1]", b"0x7f.1", b"1..2.3"):  # fmt: skip
        assert not _asks(other), other


def _meant(headers):
    refusal = http_head.unmeant(_read(b"POST / HTTP/1.1\r\n" + HOST + headers + b"\r\n"))
    return refusal.status if refusal else 200


def test_what_a_page_of_another_site_can_send_is_refused():
    for kind in (b"", b"Content-Type: text/plain\r\n", b"Content-Type: application/x-www-form-urlencoded\r\n", b"Content-Type: multipart/form-data\r\n",
                 b"Content-Type: application/jsonx\r\n"):  # fmt: skip
        assert _meant(kind) == 415
    kind = b"Content-Type: Application/JSON\r\n"
    assert _meant(kind) == _meant(kind + b"Origin: http://192.168.1.20\r\n") == 200
    for origin in (b"http://evil.org", b"null", b"http://192.168.1.20.evil.org", b"http://192.168.1.20:81"):
        assert _meant(kind + b"Origin: " + origin + b"\r\n") == 403, origin


def test_noise_is_refused_or_ends():
    seed = 12345
    good = b"GET /api/files/journal/1?from=5 HTTP/1.1\r\n" + HOST + b"Authorization: Basic eDp5\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde"
    seen = set()
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(1 + seed % 4):
            seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
            at = (seed >> 8) % len(data)
            if seed & 64:
                data[at] = (seed >> 16) & 255
            elif seed & 32:
                data = data[:at]
                data.extend(good[(seed >> 12) % len(good) :])
            else:
                data = data[: at + 1]
        try:
            request = _read(bytes(data), 1 + (seed >> 10) % 60)
            seen.add(200)
            find(request.method, request.path)
            request.argument(b"from")
            http_head.belongs_to(request, "mb")
        except Refusal as refusal:
            seen.add(refusal.status)
        except EOFError:
            seen.add(0)
    assert {0, 200, 400} <= seen, seen


def test_routes():
    def module(method, path):
        found = find(method, path)[0]
        return found if isinstance(found, str) else found.status

    assert module(b"GET", "/api/status") == module(b"HEAD", "/api/status") == "bridge.serve.api_status"
    assert module(b"GET", "/api/files") == module(b"GET", "/api/files/journal/00000001") == "bridge.serve.api_files"
    assert module(b"PUT", "/api/settings") == module(b"POST", "/api/settings") == "bridge.serve.api_settings"
    assert module(b"GET", "/") == module(b"GET", "/app.js") == "bridge.serve.http_static"
    for method, path, status in ((b"GET", "/api", 404), (b"GET", "/api/statusx", 404), (b"GET", "/api/status/x", 404), (b"GET", "/api/", 404),
                                 (b"POST", "/api/status", 405), (b"GET", "/api/restart", 405), (b"DELETE", "/api/settings", 405), (b"TRACE", "/", 405),
                                 (b"OPTIONS", "/api/erase", 405), (b"get", "/api/status", 405)):  # fmt: skip
        assert module(method, path) == status, path
    assert find(b"GET", "/api/restart")[0].header == b"Allow: POST\r\n"


def _answered(make, bare=False):
    stream = _Stream(b"")
    reply = Answer(stream, _patience)
    reply.bare = bare

    async def whole():
        await make(reply)
        await reply.end()

    asyncio.run(whole())
    head, _, body = stream.written.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body, stream


def test_answers():
    lines, body, _ = _answered(lambda reply: reply.json({"a": 1}))
    assert lines[0] == b"HTTP/1.1 200 OK" and b"Content-Length: %d" % len(body) in lines and json.loads(body) == {"a": 1}
    for line in (b"Connection: close", b"X-Content-Type-Options: nosniff", b"X-Frame-Options: DENY", b"Cache-Control: no-store"):
        assert line in lines
    assert [line for line in lines if line.startswith(b"Content-Security-Policy: default-src 'self'")]
    assert not [line for line in lines if line.lower().startswith(b"access-control")], "no CORS"
    bare, nothing, _ = _answered(lambda reply: reply.json({"a": 1}), True)
    assert bare == lines and nothing == b""
    lines, body, _ = _answered(lambda reply: reply.refuse(Refusal(405, "no", b"Allow: GET\r\n")))
    assert lines[0] == b"HTTP/1.1 405 Method Not Allowed" and b"Allow: GET" in lines and json.loads(body) == {"error": "no"}


def test_long_answers_go_in_packets():
    pieces = [bytes([65 + at % 26]) * (at * 37 % 2500) for at in range(40)]

    async def make(reply):
        await reply.start(200, b"x", sum([len(piece) for piece in pieces]))
        for piece in pieces[:20]:
            await reply.write(memoryview(piece))
        await reply.stream(iter(pieces[20:]))

    _, body, stream = _answered(make)
    assert body == b"".join(pieces) and stream.largest <= 1024


class _Door:
    """What the check works with."""

    def __init__(self):
        self.digest = sha256(TOKEN.encode()).digest()
        self.held = []
        self.friend = self.told = None
        self.refused = self.silent = 0
        self.log = self
        self.lines = []

    def info(self, area, text):
        assert area == "access"
        self.lines.append(text)

    def ask(self, header, address="10.0.0.1"):
        head = b"GET / HTTP/1.1\r\n" + HOST + (b"Authorization: " + header + b"\r\n" if header else b"") + b"\r\n"
        try:
            check(self, _read(head), address)
            return 200
        except Refusal as refusal:
            return refusal.status

    def later(self, ms):
        """As if so long had passed."""
        for row in self.held:
            row[2] = ticks.ticks_add(row[2], -ms)
        if self.told:
            self.told = (self.told[0], ticks.ticks_add(self.told[1], -ms))


BEARER = b"Bearer " + TOKEN.encode()
WRONG = b"Bearer " + TOKEN[:-1].encode() + b"A"


def test_the_token_in_any_of_its_forms():
    door = _Door()
    groups = b"abcd-efgh-ijkl-mnop-qrst-uvwx-yz"
    for good in (BEARER, b"bearer " + groups, b"Basic " + b2a_base64(b"admin:" + TOKEN.encode()).strip(), b"Basic " + b2a_base64(b":" + groups).strip(), b"Bearer   " + groups):
        assert door.ask(good) == 200, good
    assert not door.lines and not door.refused
    for bad in (b"", b"Bearer", b"Bearer ", b"Digest x", b"Basic !!!", b"Basic eDp5", b"Basic " + b2a_base64(TOKEN.encode()).strip(), WRONG, BEARER + b"A", BEARER[:-1],
                TOKEN.encode(), b"Bearer " + hexlify(door.digest), b"Bearer \xff\xfe"):  # fmt: skip
        assert _Door().ask(bad) == 401, bad


def test_wrong_tokens_are_slowed_down_more_and_more():
    door = _Door()
    assert [door.ask(WRONG) for _ in range(3)] == [401] * 3
    waits = []
    for _ in range(8):
        assert door.ask(BEARER) == door.ask(WRONG) == 429
        assert door.ask(BEARER, "10.0.0.2") == 200, "an other address is not kept out"
        waits.append(ticks.ticks_diff(door.held[0][2], ticks.ticks_ms()))
        door.later(waits[-1])
        assert door.ask(WRONG) == 401
    assert [(wait + 500) // 1000 for wait in waits] == [1, 2, 4, 8, 16, 30, 30, 30]
    door.later(30001)
    assert door.ask(BEARER) == 200 and door.held == [], "who has the token is let in and begins anew"


def test_no_token_is_no_guess():
    door = _Door()
    assert [door.ask(b"") for _ in range(9)] == [401] * 9 and door.held == []


def test_many_addresses_share_a_bounded_memory_and_never_keep_the_owner_out():
    door = _Door()
    assert door.ask(BEARER, "10.0.0.77") == 200
    for number in range(200):
        door.ask(WRONG, "10.0.1.%d" % (number // 4))
        assert len(door.held) <= 4
    assert door.ask(WRONG, "10.9.9.9") == 429, "who is not known waits as well"
    assert door.ask(BEARER, "10.0.0.77") == 200
    assert len(door.held) == 4, "and lifts nobody else's wait"
    door.later(30001)
    assert door.ask(BEARER, "10.5.5.5") == 200
    door.later(700000)
    assert door.ask(WRONG, "10.6.6.6") == 401 and len(door.held) <= 4


def test_refusals_are_logged_and_a_flood_is_counted():
    door = _Door()
    for _ in range(50):
        door.ask(WRONG)
    assert door.lines == ["refused 10.0.0.1: wrong token"] and door.refused == 50
    door.ask(b"", "10.0.0.2")
    door.later(1000)
    door.ask(WRONG)
    assert len(door.lines) == 1, "the same address again, and another within a second"
    door.ask(b"", "10.0.0.2")
    assert door.lines[1:] == ["refused 10.0.0.2: no token (51 more before)"]
    door.later(60000)
    door.ask(b"", "10.0.0.2")
    assert door.lines[2:] == ["refused 10.0.0.2: no token"]
    assert TOKEN[:8] not in str(door.lines)


def test_the_file_of_who_may_enter():
    path = "test_access.json"
    try:
        assert access.load(path) is None
        token, password = access.renew(path)
        digest, kept = access.load(path)
        plain = token.replace("-", "")
        assert len(plain) == 26 and not [letter for letter in plain if letter not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"]
        assert digest == sha256(plain.encode()).digest() == access.digest_of(token.lower().encode()) and kept == password and 8 <= len(password) <= 63
        with open(path) as file:
            text = file.read()
        assert plain not in text and json.loads(text) == {"ap_password": password, "token": hexlify(digest).decode()}
        again, same = access.renew(path, password)
        assert again != token and same == password
        for bad in ("", "{", "[]", "null", '{"token":"00"}', '{"token":5,"ap_password":""}', '{"token":"%s"}' % ("0" * 64), '{"ap_password":"","token":"zz"}', "\0" * 600):
            with open(path, "w") as file:
                file.write(bad)
            assert access.load(path) is None, bad
    finally:
        for name in (path, path + ".new"):
            try:
                os.remove(name)
            except OSError:
                pass
