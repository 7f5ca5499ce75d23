"""URLs and header lines of an owner's settings: parts out, everything odd refused with words."""

from bridge.core.errors import SettingsError
from bridge.push import http_url


def parts(text):
    url = http_url.parse(text)
    return url.secure, url.host, url.port, url.authority, url.target


def refusal(function, *arguments):
    try:
        function(*arguments)
    except SettingsError as error:
        return str(error)
    assert False, "nothing was refused"


def test_parts():
    assert parts("http://a.example") == (False, "a.example", 80, "a.example", "/")
    assert parts("https://a.example/") == (True, "a.example", 443, "a.example", "/")
    assert parts("HTTP://10.0.0.1:8428/write?db=home&x=%20") == (False, "10.0.0.1", 8428, "10.0.0.1:8428", "/write?db=home&x=%20")
    assert parts("https://a?q=1") == (True, "a", 443, "a", "/?q=1")
    assert parts("http://a/b#part") == (False, "a", 80, "a", "/b")
    assert parts("http://a/b?u=http://c/d") == (False, "a", 80, "a", "/b?u=http://c/d")


def test_ipv6_literals():
    assert parts("http://[2001:db8::1]/x") == (False, "2001:db8::1", 80, "[2001:db8::1]", "/x")
    assert parts("https://[::1]:8443") == (True, "::1", 8443, "[::1]:8443", "/")
    assert "]" in refusal(http_url.parse, "http://[::1")
    assert refusal(http_url.parse, "http://[::1]8443/")


def test_refusals_say_what_to_do():
    assert "http://" in refusal(http_url.parse, "ftp://a/")
    assert "http://" in refusal(http_url.parse, "a.example/x")
    assert "host name" in refusal(http_url.parse, "http://")
    assert "host name" in refusal(http_url.parse, "http:///path")
    assert "host name" in refusal(http_url.parse, "http://:80/")
    assert "port" in refusal(http_url.parse, "http://a:99999/")
    assert "port" in refusal(http_url.parse, "http://a:b/")
    assert "xn--" in refusal(http_url.parse, "http://m\u00fcller.example/")
    assert "%XX" in refusal(http_url.parse, "http://a/b c")
    said = refusal(http_url.parse, "http://me:secret@a/")
    assert "token" in said and "secret" not in said


def test_no_text_starts_a_line_of_its_own():
    for bad in ("http://a/\r\nX: 1", "http://a/\nx", "http://a\r\n/", "http://a/\x00", "http://a/\x7f"):
        refusal(http_url.parse, bad)
    for bad in ("X: 1\r\nY: 2", "X\r\n: 1", "X: \x00", "X: caf\u00e9", "X y: 1", ": 1", "X", "X:", "X: "):
        refusal(http_url.header, bad)
    assert http_url.header("X: 1\n") == b"X: 1\r\n", "an end of line at the end does no harm"
    for bad in ("a\r\nX: 1", "a\nb", "caf\u00e9"):
        refusal(http_url.authorization, bad, "Bearer")


def test_header_lines():
    assert http_url.header("") == b""
    assert http_url.header("X-Api-Key:  1:2 3 ") == b"X-Api-Key: 1:2 3\r\n"
    for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "Content-Type"):
        assert "itself" in refusal(http_url.header, name + ": 1")


def test_authorization_of_each_kind():
    assert http_url.authorization("", "Bearer") == b""
    assert http_url.authorization("abc", "Bearer") == b"Authorization: Bearer abc\r\n"
    assert http_url.authorization("user:pass", "Token") == b"Authorization: Token user:pass\r\n"
    assert http_url.authorization("Basic dTpw", "Token") == b"Authorization: Basic dTpw\r\n"


def test_query():
    url = http_url.parse("http://a/write?db=x&precision=ms&empty=&flag")
    assert [url.query(name) for name in ("db", "precision", "empty", "flag", "absent")] == ["x", "ms", "", "", ""]
