"""What a setting may be: a raw JSON value in, the value to use out, SettingsError with advice when it cannot be used.

A rule is a function value -> value with an attribute-free shape, made by the upper-case makers below.
"""

from bridge.core.address import split_host_port
from bridge.core.errors import SettingsError

MAX_URL = 256  # longer than any address that is typed; bounds what connects and logs
_MAX_TOPIC = 128  # the device's own suffixes come on top; a broker takes 65,535
_MAX_HEADER = 256
_PARITIES = "NEO"


def TEXT(longest: int):
    """Text of at most `longest` characters, no control characters."""

    def check(value):
        if not isinstance(value, str):
            raise SettingsError("is not text")
        if len(value) > longest:
            raise SettingsError("is longer than %d characters" % longest)
        for char in value:
            if ord(char) < 32 or ord(char) == 127:
                raise SettingsError("has a control character in it")
        return value

    return check


class SECRET:
    """Like TEXT; never shown: the class tells a secret row from the others."""

    def __init__(self, longest: int):
        self._text = TEXT(longest)

    def __call__(self, value):
        return self._text(value)


def BOOL():
    """true or false."""

    def check(value):
        if value is True or value is False:
            return value
        raise SettingsError("is not true or false")

    return check


def INT(low: int, high: int):
    """A whole number in low..high."""

    def check(value):
        if isinstance(value, bool) or not isinstance(value, int):
            raise SettingsError("is not a whole number")
        if not low <= value <= high:
            raise SettingsError("is not in %d..%d" % (low, high))
        return value

    return check


def CHOICE(values: tuple):
    """One of `values`."""

    def check(value):
        if value in values:
            return value
        raise SettingsError("is none of %s" % ", ".join(values))

    return check


def SSID():
    """Up to 32 bytes of UTF-8, as IEEE 802.11 has it; spaces are kept."""

    def check(value):
        if not isinstance(value, str) or len(value.encode()) > 32:
            raise SettingsError("is not a network name of at most 32 bytes")
        return value

    return check


def HOST_PORT():
    """"host" or "host:port"."""
    text = TEXT(128)

    def check(value):
        host, port = split_host_port(text(value), 0)
        if not host or " " in host or "/" in host:
            raise SettingsError("is not a host name or address")
        return value

    return check


def URL(schemes: tuple):
    """"" or scheme://host[:port][/path]; a user or password in it is refused, as an address is shown in logs and status."""
    text = TEXT(MAX_URL)

    def check(value):
        if text(value) == "":
            return value
        scheme, mark, rest = value.partition("://")
        if not mark or scheme not in schemes:
            raise SettingsError("does not start with %s" % " or ".join([s + "://" for s in schemes]))
        authority = rest.split("/", 1)[0].split("?", 1)[0]
        if "@" in authority:
            raise SettingsError("has a user or password in it: use the settings for user and password")
        host, _ = split_host_port(authority, 0)
        if not host or " " in value:
            raise SettingsError("has no host name after ://" if not host else "has a space in it")
        return value

    return check


def TOPIC():
    """An MQTT topic: no wildcards, no slash at its ends; "" where the default is made by the device."""
    text = TEXT(_MAX_TOPIC)

    def check(value):
        text(value)
        if "+" in value or "#" in value or value.startswith("/") or value.endswith("/") or value.startswith("$"):
            raise SettingsError("is not a plain topic (no + # $, no slash at its ends)")
        return value

    return check


class HEADER:
    """"" or "Name: value", one line. A secret: it often carries a key."""

    def __call__(self, value):
        if TEXT(_MAX_HEADER)(value) == "":
            return value
        name, colon, content = value.partition(":")
        if not colon or not content.strip() or not name:
            raise SettingsError("is not of the form Name: value")
        for char in name:
            if not (char.isalpha() or char.isdigit() or char in "-_"):
                raise SettingsError("has a header name with odd characters")
        return value


def LINE():
    """"" or "<baud> <bits><parity><stop> [inverted]", such as "9600 7E1"."""

    def check(value):
        words = value.split() if isinstance(value, str) else ["?"]
        if not words:
            return ""
        shape = words[1] if len(words) > 1 else ""
        good = (
            len(words) in (2, 3)
            and words[0].isdigit()
            and 300 <= int(words[0]) <= 2000000
            and len(shape) == 3
            and shape[0] in "5678"
            and shape[1] in _PARITIES
            and shape[2] in "12"
            and words[2:] in ([], ["inverted"])
        )
        if not good:
            raise SettingsError("is not a line like 115200 8N1 inverted")
        return value

    return check
