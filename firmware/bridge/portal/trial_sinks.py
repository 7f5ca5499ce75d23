"""Asks a broker or a server whether it takes what the owner typed in: settings in; (code, words) out, ("", "") when it does.

Codes: name, refused, silent, closed, login, certificate, clock, ca, tls, path, moved, status, url, memory, other. The question is asked in as
few words as can be, for the heap has no room for a whole sink beside the portal.
"""

import asyncio
import socket

from micropython import const

from bridge.core.address import split_host_port
from bridge.core.errors import BridgeError, SettingsError
from bridge.push.sink import reason

_PATIENCE_S = const(15)
_MOST_LINES = const(6)
# Words of what can be raised -> code; the first that fits counts.
_CODES = (
    ("host name", "name"), ("valid yet by", "clock"), ("_ca", "ca"), ("certificate", "certificate"), ("refused:", "refused"), ("no answer", "silent"),
    ("no route", "silent"), ("unreachable", "silent"), ("memory", "memory"), ("closed", "closed"), ("reset by", "closed"), ("TLS", "tls"),
)  # fmt: skip
_STATUS = {401: "login", 403: "login", 404: "path", 405: "path"}


async def test(portal, values: dict, what: str) -> tuple:
    """One connection; what it raises becomes words."""
    link = []
    try:
        return await asyncio.wait_for(_mqtt(portal, values, link) if what == "mqtt" else _http(portal, values, link), _PATIENCE_S)
    except SettingsError as error:
        return "url", str(error)
    except (OSError, EOFError, asyncio.TimeoutError, BridgeError, ValueError) as error:
        text = reason(error)
    finally:
        for stream in link:
            stream.close()
    for part, code in _CODES:
        if part in text:
            return code, text
    return "other", text


async def _open(portal, values: dict, what: str, secure: bool, host: str, port: int, link: list, data: bytes):
    """A stream to the other side, to which `data` was sent; in `link`, to be closed."""
    tls = None
    if secure:
        from bridge.push.tls import make_context

        tls = make_context(values.get(what + "_tls_verify", True), values.get(what + "_ca", ""), portal.door.log, what)
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        raise BridgeError("host name %s not found" % host)
    stream, _ = await asyncio.open_connection(host, port, ssl=tls, server_hostname=host if secure else None)
    link.append(stream)
    stream.write(data)
    await stream.drain()
    return stream


def _text(value: str) -> bytes:
    data = value.encode()
    return bytes((len(data) >> 8, len(data) & 255)) + data


async def _mqtt(portal, values: dict, link: list) -> tuple:
    """Logs in to MQTT 3.1.1 under a name of its own, so that the dongle's connection stays as it is, and leaves."""
    scheme, _, rest = values.get("mqtt_url", "").partition("://")
    secure = scheme == "mqtts"
    host, port = split_host_port(rest.split("/", 1)[0], 8883 if secure else 1883)
    if not host:
        return "url", "there is no host name"
    user, password = values.get("mqtt_user", ""), values.get("mqtt_password", "")
    body = b"\x00\x04MQTT\x04" + bytes((2 | (0x80 if user or password else 0) | (0x40 if password else 0), 0, 30))
    body += _text(portal.identity.device + "-test") + (_text(user) if user or password else b"") + (_text(password) if password else b"")
    size = bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 127 | 128, len(body) >> 7))
    stream = await _open(portal, values, "mqtt", secure, host, port, link, b"\x10" + size + body)
    answer = await stream.readexactly(4)
    if answer[:2] != b"\x20\x02":
        return "other", "what answers there is no MQTT broker"
    if answer[3] in (4, 5):
        return "login", "the broker's code %d" % answer[3]
    if answer[3]:
        return "other", "the broker refuses the connection with code %d" % answer[3]
    stream.write(b"\xe0\x00")
    await stream.drain()
    return "", ""


async def _http(portal, values: dict, link: list) -> tuple:
    """Posts a batch without readings."""
    from bridge.push import http_url
    from bridge.push.payload import batch_pieces

    url = http_url.parse(values.get("http_url", ""))
    headers = http_url.authorization(values.get("http_token", ""), "Bearer") + http_url.header(values.get("http_header", ""))
    body = b"".join(batch_pieces([], portal, False))
    request = url.request("application/json", headers) + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    stream = await _open(portal, values, "http", url.secure, url.host, url.port, link, request)
    for _ in range(_MOST_LINES):  # interim answers may come first
        line = await stream.readline()
        if not line:
            raise EOFError
        words = line.split(None, 2)
        if line[:5] == b"HTTP/" and len(words) > 1 and words[1].isdigit() and words[1][:1] != b"1":
            break
    else:
        return "other", "what answers there is no HTTP server"
    status = int(words[1])
    if 200 <= status < 300:
        return "", ""
    shown = "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in line[9:60].strip()])
    return "moved" if status < 400 else _STATUS.get(status, "status"), shown
