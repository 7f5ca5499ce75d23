"""Asks a broker or a server whether it takes what the owner typed in: settings in; (code, words) out, ("", "") when it does.

Codes: name, refused, silent, closed, login, certificate, clock, ca, tls, path, moved, status, url, memory, other.
"""

import asyncio

from bridge.core.address import split_host_port
from bridge.core.errors import BridgeError, SettingsError
from bridge.push.sink import reason

# Words of what can be raised -> code; the first that fits counts.
_CODES = (
    ("host name", "name"), ("valid yet by", "clock"), ("_ca", "ca"), ("certificate", "certificate"), ("refused:", "refused"), ("wrong user", "login"),
    ("not authorised", "login"), ("no answer", "silent"), ("no connection", "silent"), ("did not answer", "silent"), ("no route", "silent"),
    ("unreachable", "silent"), ("memory", "memory"), ("closed", "closed"), ("reset by", "closed"), ("TLS", "tls"), ("HTTP", "other"),
)  # fmt: skip
_STATUS = {401: "login", 403: "login", 404: "path", 405: "path"}


async def test(portal, values: dict, what: str) -> tuple:
    """One connection; what it raises becomes words."""
    try:
        if what == "mqtt":
            return await _mqtt(portal, values)
        return await _http(portal, values)
    except SettingsError as error:
        return "url", str(error)
    except (OSError, EOFError, asyncio.TimeoutError, BridgeError, ValueError) as error:
        text = reason(error)
    for part, code in _CODES:
        if part in text:
            return code, text
    return "other", text


def _context(portal, values: dict, what: str):
    from bridge.push.tls import make_context

    return make_context(values.get(what + "_tls_verify", True), values.get(what + "_ca", ""), portal.door.log, what)


async def _mqtt(portal, values: dict) -> tuple:
    """Logs in under a name of its own, so that the dongle's connection stays as it is, and leaves."""
    scheme, _, rest = values.get("mqtt_url", "").partition("://")
    secure = scheme == "mqtts"
    host, port = split_host_port(rest.split("/", 1)[0], 8883 if secure else 1883)
    if not host:
        return "url", "there is no host name"
    from bridge.push.mqtt_client import MqttClient
    from bridge.push.mqtt_connect import connect_packet

    hello = connect_packet(portal.identity.device + "-test", 30, values.get("mqtt_user", ""), values.get("mqtt_password", ""))
    client = MqttClient(host, port, hello, 30, _context(portal, values, "mqtt") if secure else None)
    try:
        await client.connect()
    finally:
        await client.close()
    return "", ""


async def _http(portal, values: dict) -> tuple:
    """Posts a batch without readings."""
    from bridge.push import http_url
    from bridge.push.http_client import HttpClient
    from bridge.push.payload import batch_pieces

    url = http_url.parse(values.get("http_url", ""))
    headers = http_url.authorization(values.get("http_token", ""), "Bearer") + http_url.header(values.get("http_header", ""))
    client = HttpClient(url.host, url.port, url.request("application/json", headers), _context(portal, values, "http") if url.secure else None)
    try:
        found = await client.post(batch_pieces([], portal, False))
    finally:
        client.close()
    if 200 <= found.status < 300:
        return "", ""
    from bridge.push.http_refusals import why

    words = why(found, lambda name: values.get("http_" + name, ""), "http")
    return "moved" if found.status < 400 else _STATUS.get(found.status, "status"), words
