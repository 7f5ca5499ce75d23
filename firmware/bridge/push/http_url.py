"""An http(s) URL and the owner's header as text in; host, port and the lines of a request out, all ASCII. Needed once per start.

What goes on the wire is checked here once more, whatever checked the settings: no text of an owner or a server may start a line of its own.
"""

from bridge.core.address import split_host_port
from bridge.core.errors import SettingsError

# The URL's precision= to the digits after the seconds; InfluxDB's names, v1 and v2. Coarser ones would change times.
_DIGITS = {"": "000000000", "ns": "000000000", "n": "000000000", "us": "000000", "u": "000000", "ms": "000", "s": ""}
_TOKEN_CHARS = "!#$%&'*+-.^_`|~"  # of a header name beside letters and digits (RFC 9110, 5.6.2)


class Url:
    """`secure`: https. `host`: name or address without brackets. `authority`: as the Host header has it. `target`: path and query."""

    def __init__(self, secure: bool, host: str, port: int, authority: str, target: str):
        self.secure = secure
        self.host = host
        self.port = port
        self.authority = authority
        self.target = target

    def query(self, name: str) -> str:
        """The value of a query parameter as it stands in the URL, "" when it is absent."""
        for pair in self.target.partition("?")[2].split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return value
        return ""

    def request(self, content_type: str, headers: bytes) -> bytes:
        """The lines of a POST, but the length of its body."""
        return (
            b"POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: meterbridge\r\nContent-Type: %s\r\n"
            % (self.target.encode(), self.authority.encode(), content_type.encode())
            + headers
        )


def precision_digits(url: Url) -> str:
    """The zeros that turn whole seconds into the unit which the URL's precision= names. SettingsError for one that cannot hold them."""
    digits = _DIGITS.get(url.query("precision"))
    if digits is None:
        raise SettingsError("has a precision other than ns, us, ms or s, which would change the readings' times")
    return digits


def parse(text: str) -> Url:
    """The parts of `text`; a fragment is dropped. SettingsError says what is wrong with it (without repeating it: it may hold a key)."""
    scheme, mark, rest = text.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in ("http", "https"):
        raise SettingsError("does not start with http:// or https://")
    for char in rest:
        if ord(char) > 126:
            raise SettingsError("has a letter that is not ASCII: write an international name in its xn-- form, other letters as %XX")
        if ord(char) < 33:
            raise SettingsError("has a space or control character in it: write it as %XX")
    rest = rest.split("#", 1)[0]
    end = min([at for at in (rest.find("/"), rest.find("?"), len(rest)) if at >= 0])
    authority, target = rest[:end], rest[end:]
    if "@" in authority:
        raise SettingsError("has a user or password in it, which a status would show: use the token or the header")
    secure = scheme == "https"
    host, port = split_host_port(authority, 443 if secure else 80)
    if not host:
        raise SettingsError("has no host name after ://")
    if not target.startswith("/"):
        target = "/" + target
    return Url(secure, host, port, authority, target)


def header(text: str) -> bytes:
    """One line "Name: value" with its CR LF, b"" for "". SettingsError when it is not one line of that form."""
    if not text:
        return b""
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not name or not value:
        raise SettingsError("is not of the form Name: value")
    for char in name:
        if not (ord(char) < 127 and (char.isalpha() or char.isdigit() or char in _TOKEN_CHARS)):
            raise SettingsError("has a header name with a space or an odd character in it")
    if name.lower() in ("host", "content-length", "transfer-encoding", "connection", "content-type"):
        raise SettingsError("names a header that the dongle sets itself")
    return (name + ": " + visible(value) + "\r\n").encode()


def authorization(token: str, scheme: str) -> bytes:
    """The header line for `token`: "<scheme> <token>"; a token with a space in it ("Basic dTpw") already names its scheme."""
    if not token:
        return b""
    return ("Authorization: " + visible(token if " " in token else scheme + " " + token) + "\r\n").encode()


def visible(value: str) -> str:
    """`value` itself; SettingsError when a character of it is not visible ASCII, a space or a tab."""
    for char in value:
        if not 32 <= ord(char) < 127 and char != "\t":
            raise SettingsError("has a line break or a letter that is not ASCII in it")
    return value
