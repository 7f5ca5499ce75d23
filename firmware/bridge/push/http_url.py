"""An http(s) URL and the owner's header as text in; host, port, request target and header lines out, all ASCII.

What goes on the wire is checked here once more, whatever checked the settings: no text of an owner or a server may start a line of its own.
"""

from bridge.core.address import split_host_port
from bridge.core.errors import SettingsError

_TOKEN_CHARS = "!#$%&'*+-.^_`|~"  # of a header name beside letters and digits (RFC 9110, 5.6.2)


class Url:
    """`secure`: https. `host`: name or address without brackets. `authority`: as the Host header has it. `target`: path and query."""

    def __init__(self, secure: bool, host: str, port: int, authority: str, target: str):
        self.secure = secure
        self.host = host
        self.port = port
        self.authority = authority
        self.target = target

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.split("?", 1)[0]

    def query(self, name: str) -> str:
        """The value of a query parameter as it stands in the URL, "" when it is absent."""
        for pair in self.target.partition("?")[2].split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return value
        return ""


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
