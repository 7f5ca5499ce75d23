"""HttpClient on real MicroPython against a real HTTP server, one that behaves badly, and TLS with right and wrong certificates."""

import datetime
import socket

import pytest

from host_tools.certificates import Authority
from tests.http_servers import HOST, Answer, HttpServer
from tests.sim.mqtt_help import Driver

HEAP = "112k"  # the device's: an answer of 10 MB must not matter


@pytest.fixture
def client(tmp_path):
    with Driver("http_client_driver", tmp_path, heap=HEAP) as driver:
        yield driver


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


def test_request_as_it_arrives(server, client):
    client.ok("open", url=f"{server.url}/a/b?x=1&y=%20", token="secret", header="X-Api-Key: 12 34")
    answer = client.ok("post", piece="abc", count=1000)
    assert answer["status"] == 204
    [request] = server.wait(lambda s: list(s.requests))  # noted when the answer is out
    assert request.path == "/a/b?x=1&y=%20"
    assert request.body == b"abc" * 1000
    assert request.headers["Host"] == f"{HOST}:{server.port}"
    assert request.headers["Content-Type"] == "text/plain"
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["X-Api-Key"] == "12 34"


def test_one_connection_for_many_requests(server, client):
    client.ok("open", url=server.url)
    server.give(Answer(200, b"fine"), Answer(200, b"in many chunks of seven bytes", chunked=True), Answer(204), Answer(500, b"oh"))
    answers = [client.ok("post") for _ in range(5)]
    assert [a["status"] for a in answers] == [200, 200, 204, 500, 204]
    assert [a["body"] for a in answers] == ["fine", "in many chunks of seven bytes", "", "oh", ""]
    assert server.connections == 1


def test_reconnects_when_the_server_closed_an_idle_connection(server, client):
    client.ok("open", url=server.url)
    client.ok("post")
    server.stop()
    server.start()
    server.give(Answer(200, b"bye", close=True))
    answers = [client.ok("post") for _ in range(3)]
    assert [a["status"] for a in answers] == [200, 204, 204]
    assert [a["connections"] for a in answers] == [2, 3, 3]
    server.wait(lambda s: len(s.requests) == 4)  # noted when the answer is out


def test_a_kept_connection_that_dies_upon_the_request_is_opened_again(server, client):
    client.ok("open", url=server.url)
    client.ok("post")
    server.give(Answer(drop="after"))
    answer = client.ok("post", piece="again")
    assert answer["status"] == 204 and answer["connections"] == 2
    server.wait(lambda s: len(s.requests) == 3)
    assert [r.body for r in server.requests] == [b"x", b"again", b"again"]


def test_a_new_connection_that_is_closed_early_is_an_error(server, client):
    client.ok("open", url=server.url)
    server.give(Answer(drop="after"), Answer(drop="unread"))
    assert client.do("post")["error"] == "connection closed by the other side"
    assert client.do("post", piece="y" * 1000, count=20)["type"] == "HttpError"
    assert client.ok("post")["status"] == 204


@pytest.mark.parametrize("polite", [True, False])
def test_refusal_before_the_body_is_read(client, polite):
    """A server that says 413 while the client still sends, and then reads the rest (polite) or resets the connection."""
    with socket.create_server((HOST, 0)) as listener:
        client.ok("open", url=f"http://{HOST}:{listener.getsockname()[1]}")
        client.tell("post", piece="z" * 4000, count=1000)
        with listener.accept()[0] as connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while polite and connection.recv(65536):
                pass
        answer = client.answer("post")
    # The reset may overtake the answer.
    assert answer.get("status") == 413 or not polite and answer["type"] == "HttpError"


def test_ten_megabytes_cost_a_connection_not_memory(server, client):
    client.ok("open", url=server.url)
    server.give(Answer(200, endless=10_000_000), Answer(200, b"c" * 10_000_000, chunked=True))
    for _ in range(2):
        answer = client.ok("post")
        assert answer["status"] == 200 and not answer["keep"]
        assert answer["kept"] < 2000
    assert server.taken < 5_000_000
    assert client.ok("post")["status"] == 204


def test_stall_ends_in_time_and_blocks_nobody(server, client):
    client.ok("open", url=server.url, request_ms=400)
    server.give(Answer(stall=True))
    assert client.do("post")["error"] == f"no answer in time from {HOST}:{server.port}"
    assert client.ok("ticked")["ticks"] > 20, "other tasks ran while the server stalled"
    assert client.ok("post")["status"] == 204


def test_a_body_that_never_ends_ends_in_time(server, client):
    client.ok("open", url=server.url, request_ms=400)
    server.give(Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))
    assert "in time" in client.do("post")["error"]


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\xff" * 400 + b"\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 50,
        b"",
    ],
)
def test_what_is_no_proper_answer_is_one_kind_of_error(server, client, raw):
    client.ok("open", url=server.url)
    server.give(Answer(raw=raw, close=True) if raw else Answer(drop="after"))
    assert client.do("post")["type"] == "HttpError"
    assert client.ok("post")["status"] == 204


def test_interim_long_and_odd_headers_are_skipped(server, client):
    client.ok("open", url=server.url)
    policy = b"Content-Security-Policy: " + b"p" * 3000
    server.give(Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\nno colon\r\n" + policy + b"\r\nCONTENT-length: 2\r\n\r\nok"))
    answer = client.ok("post")
    assert (answer["status"], answer["text"], answer["body"]) == (200, "Fine", "ok")


def test_no_redirect_is_followed(server, client):
    with HttpServer() as other:
        client.ok("open", url=server.url, token="secret")
        for status in (301, 302, 303, 307, 308):
            server.give(Answer(status, headers={"Location": f"{other.url}/there"}))
            answer = client.ok("post")
            assert (answer["status"], answer["location"]) == (status, f"{other.url}/there")
        assert not other.requests


def test_retry_after_is_read(server, client):
    client.ok("open", url=server.url)
    server.give(Answer(429, headers={"Retry-After": "7"}), Answer(503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    assert [client.ok("post")["retry_after"] for _ in range(2)] == [7, None]


def test_connection_refused_and_unknown_host(client, server):
    server.stop()
    client.ok("open", url=server.url)
    assert "refused" in client.do("post")["error"]
    client.ok("open", url="http://no-such-host.invalid/")
    assert "not found" in client.do("post")["error"]


def test_ipv6_literal(client):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        return  # a machine without IPv6; the URL's parts are unit tested
    with listener:
        authority = f"[::1]:{listener.getsockname()[1]}"
        client.ok("open", url=f"http://{authority}/v6")
        client.tell("post")
        with listener.accept()[0] as connection:
            head = connection.recv(2000)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.answer("post")["status"] == 204
    assert f"Host: {authority}\r\n".encode() in head


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.parametrize("form", ["pem", "der"])
def test_tls_with_the_right_authority(client, authority, form):
    with HttpServer(tls=authority.issue("server", HOST)) as server:
        client.ok("open", url=server.url, tls_verify=True, ca=str(getattr(authority, form)))
        assert [client.ok("post", piece="abc", count=2000)["status"] for _ in range(3)] == [204] * 3
        assert server.connections == 1
        assert [len(r.body) for r in server.requests] == [6000] * 3


def test_tls_refusals_say_why(client, authority, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    now = datetime.datetime.now(datetime.timezone.utc)
    past, future = now - datetime.timedelta(days=400), now + datetime.timedelta(days=400)
    cases = [
        (authority.issue("a", HOST), stranger.pem, "not signed by the CA"),
        (authority.issue("b", "elsewhere.example"), authority.pem, "another host name"),
        (authority.issue("c", HOST, past), authority.pem, "expired by the dongle's clock"),
        (authority.issue("d", HOST, future), authority.pem, "not valid yet by the dongle's clock"),
    ]
    for files, ca, words in cases:
        with HttpServer(tls=files) as server:
            client.ok("open", url=server.url, tls_verify=True, ca=str(ca))
            answer = client.do("post")
            assert words in answer.get("error", "no error"), answer
            assert not server.requests


def test_tls_unverified_only_when_asked_and_with_a_warning(client, authority):
    with HttpServer(tls=authority.issue("server", "elsewhere.example")) as server:
        said = client.ok("open", url=server.url, tls_verify=False)["log"]
        assert "http_tls_verify" in said[0]
        assert client.ok("post")["status"] == 204
        said = client.do("open", url=server.url, tls_verify=True)["error"]
        assert said.startswith("http_ca is not set") and "CA certificate" in said


def test_ca_files_that_cannot_be_used_say_so(client, authority, tmp_path):
    pem = authority.pem.read_text()
    cases = {
        "empty.pem": ("", "holds no certificate"),
        "long.pem": (pem + " " * 9000, "longer than 8 KB"),
        "cut.pem": (pem[:200], "cut short"),
        "many.pem": (pem * 5, "more than 4"),
        "bad.der": ("0\x01\x02", "cannot be read"),
    }
    for name, (text, words) in cases.items():
        (tmp_path / name).write_text(text)
        answer = client.do("open", url="https://x", tls_verify=True, ca=str(tmp_path / name))
        assert answer["type"] == "TlsError" and words in answer["error"], answer
    assert "no file" in client.do("open", url="https://x", tls_verify=True, ca="absent.der")["error"]
    (tmp_path / "two.pem").write_text(Authority(tmp_path, "other").pem.read_text() + "words between\n" + pem)
    with HttpServer(tls=authority.issue("server", HOST)) as server:
        client.ok("open", url=server.url, tls_verify=True, ca=str(tmp_path / "two.pem"))
        assert client.ok("post")["status"] == 204


def test_plain_http_to_a_tls_port_and_tls_to_a_plain_port(client, server, authority):
    with HttpServer(tls=authority.issue("server", HOST)) as secure:
        client.ok("open", url=f"http://{HOST}:{secure.port}")
        assert client.do("post")["type"] == "HttpError"
    client.ok("open", url=f"https://{HOST}:{server.port}", tls_verify=True, ca=str(authority.pem))
    assert client.do("post")["type"] == "HttpError"
