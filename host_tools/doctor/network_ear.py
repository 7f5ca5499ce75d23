"""Why nobody answers at an address: host and token in; codes and values of `findings` out, none when a dongle answers there."""

import http.client
import json
import socket

from host_tools.doctor import gather
from host_tools.dongle_http import address_of

_ANSWER_S = 8.0


def knock(host: str, token: str) -> list[tuple[str, dict]]:
    """Name, address, port, what answers, whether it takes the token."""
    name, port = address_of(host)
    place = {"host": name, "port": port}
    try:
        socket.getaddrinfo(name, None)
    except (socket.gaierror, UnicodeError):
        return [("contact.no_name", place)]
    link = http.client.HTTPConnection(name, port, timeout=_ANSWER_S)
    try:
        link.request("GET", "/api/status", headers={"Authorization": f"Bearer {token}"})
        answer = link.getresponse()
        return _judge(answer.status, answer.read(65536), place)
    except ConnectionRefusedError:
        return [("contact.other_device", place)]
    except TimeoutError:
        return [("contact.no_port" if gather.ping(name) else "contact.no_host", place)]
    except http.client.HTTPException:
        return [("contact.stranger_http", place)]
    except OSError as error:
        if isinstance(error, ConnectionError):
            return [("contact.broken", {"why": "the connection was reset"})]
        return [("contact.no_port" if gather.ping(name) else "contact.no_host", place)]
    finally:
        link.close()


def _judge(status: int, body: bytes, place: dict) -> list[tuple[str, dict]]:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return [] if status in (408, 503) else [("contact.stranger_http", place)]  # it is busy: asked again
    if status == 401 and "token" in str(told.get("error")):
        return [("contact.token", place)]
    if status == 429:
        return [("contact.slowed", {"why": told.get("error", "")})]
    if status == 200 and isinstance(told.get("device"), dict):
        return []
    return [("contact.stranger_http", place)]
