"""What a setting may be: a raw JSON value and a rule's limits in, the value to use out, SettingsError with advice otherwise."""

from micropython import const

from bridge.core.address import split_host_port
from bridge.core.errors import SettingsError

_MAX_URL = const(256)  # longer than any address that is typed; bounds what connects and logs
_MAX_HOST = const(128)
_MAX_TOPIC = const(128)  # the device's own suffixes come on top; a broker takes 65,535
_MAX_HEADER = const(256)
_MAX_ADDRESS = const(64)  # three addresses and a size take 50
_MAX_HOST_NAME = const(32)  # of MicroPython
_MAX_SSID = const(32)  # bytes of UTF-8, IEEE 802.11
_MAX_KEY = const(200)  # a key of 32 digits in groups, each with 0x and a separator, takes less
_KEY_DIGITS = const(32)  # AES-128
_SEPARATORS = ":-,;\u00a0\u2013"  # beside spaces and line breaks: what letters, portals and PDFs put between groups


def text(value, longest: int):
    """Text of at most `longest` characters, no control characters."""
    if not isinstance(value, str):
        raise SettingsError("is not text")
    if len(value) > longest:
        raise SettingsError("is longer than %d characters" % longest)
    for char in value:
        if ord(char) < 32 or ord(char) == 127:
            raise SettingsError("has a control character in it")
    return value


def secret(value, longest: int):
    """Like text; write-only: no log, status, message or page ever has it."""
    return text(value, longest)


def boolean(value):
    """true or false."""
    if value is True or value is False:
        return value
    raise SettingsError("is not true or false")


def whole(value, low: int, high: int):
    """A whole number in low..high."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError("is not a whole number")
    if not low <= value <= high:
        raise SettingsError("is not in %d..%d" % (low, high))
    return value


def choice(value, *values):
    """One of `values`."""
    if value in values:
        return value
    raise SettingsError("is none of %s" % ", ".join(values))


def ssid(value):
    """A network's name; spaces are kept."""
    if not isinstance(value, str) or len(value.encode()) > _MAX_SSID:
        raise SettingsError("is not a network name of at most %d bytes" % _MAX_SSID)
    return value


def address(value):
    """"" or a fixed IPv4 address with its network's size, the gateway and perhaps a name server."""
    if text(value, _MAX_ADDRESS).strip():
        from bridge.core.ipv4 import parse

        try:
            parse(value)
        except ValueError as error:
            raise SettingsError(str(error))
    return value.strip()


def host_name(value):
    """"" or what the device is called in its network: letters, digits and hyphens."""
    if len(text(value, _MAX_HOST_NAME)) and (value[0] == "-" or value[-1] == "-"):
        raise SettingsError("has a hyphen at its end")
    for char in value:
        if not (char.isalpha() or char.isdigit()) and char != "-" or ord(char) > 126:
            raise SettingsError("has %s in it, which a host name cannot have" % ("a space" if char == " " else char))
    return value


def country(value):
    """"" or two letters; kept as capitals."""
    if text(value, 2) and (len(value) < 2 or not value.isalpha() or ord(max(value)) > 126):
        raise SettingsError("is not two letters")
    return value.upper()


def power(value, low: int, high: int):
    """0 or a whole number in low..high."""
    return 0 if value == 0 and not isinstance(value, bool) else whole(value, low, high)


def host_port(value):
    """"host" or "host:port"."""
    host, _ = split_host_port(text(value, _MAX_HOST), 0)
    if not host or " " in host or "/" in host:
        raise SettingsError("is not a host name or address")
    return value


def url(value, *schemes):
    """"" or scheme://host[:port][/path]; a user or password in it is refused, as an address is shown in logs and status."""
    if text(value, _MAX_URL) == "":
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


def topic(value):
    """An MQTT topic: no wildcards, no slash at its ends; "" where the default is made by the device."""
    text(value, _MAX_TOPIC)
    if "+" in value or "#" in value or value.startswith("/") or value.endswith("/") or value.startswith("$"):
        raise SettingsError("is not a plain topic (no + # $, no slash at its ends)")
    return value


def header(value):
    """"" or "Name: value", one line. Write-only like a secret: it often carries a key."""
    if text(value, _MAX_HEADER) == "":
        return value
    name, colon, content = value.partition(":")
    if not colon or not content.strip() or not name:
        raise SettingsError("is not of the form Name: value")
    for char in name:
        if not (char.isalpha() or char.isdigit() or char in "-_"):
            raise SettingsError("has a header name with odd characters")
    return value


def parse_key(pasted: str) -> bytes:
    """The 16 bytes of a meter's key: 32 hex digits, in groups as they were pasted. ValueError says what is wrong, not what the key is."""
    if len(pasted) > _MAX_KEY:
        raise ValueError("is longer than %d characters: a key has %d hex digits" % (_MAX_KEY, _KEY_DIGITS))
    for char in _SEPARATORS:
        pasted = pasted.replace(char, " ")
    digits = ""
    for group in pasted.lower().split():
        digits += group[2:] if group.startswith("0x") else group
    for i in range(len(digits)):
        if digits[i] not in "0123456789abcdef":
            shown = digits[i] if " " < digits[i] < "\x7f" else "an odd character"
            raise ValueError("has %s where hex digit %d belongs (0 to 9, a to f)" % (shown, i + 1))
    if len(digits) != _KEY_DIGITS:
        raise ValueError("has %d hex digits, not %d" % (len(digits), _KEY_DIGITS))
    return bytes.fromhex(digits)


def key(value):
    """"" or a meter's key, as `parse_key` takes it; kept as 32 hex digits. Write-only like a secret."""
    if not isinstance(value, str):
        raise SettingsError("is not text")
    try:
        return parse_key(value).hex() if value.strip() else ""
    except ValueError as error:
        raise SettingsError(str(error))


_WRITE_ONLY = (secret, header, key)


def is_secret(rule) -> bool:
    """Whether the settings of this rule are write-only."""
    return rule in _WRITE_ONLY
