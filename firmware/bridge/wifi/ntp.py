"""Asks a time server (SNTP, RFC 4330): its address in, UTC in seconds since 2000 out. Loaded for each question."""

import asyncio
import socket

from micropython import const

from bridge.core.address import split_host_port
from bridge.core.names import lookup

_PORT = const(123)
_REQUEST = b"\x23" + bytes(47)  # version 4, client
_ANSWER_BYTES = const(48)
_TRANSMIT = const(40)  # offset of the server's transmit time: seconds since 1900 in 4 bytes
_FROM_1900_TO_2000 = const(3155673600)
_ERA = const(1 << 32)  # the server's seconds wrap in 2036: what lies before 2000 belongs to the next era
_WAIT_MS = const(3000)


async def ask(server: str) -> int:
    """UTC of `server` ("host" or "host:port"). OSError or asyncio.TimeoutError when it does not answer, ValueError on nonsense."""
    host, port = split_host_port(server, _PORT)
    address = socket.getaddrinfo(lookup(host), port, 0, socket.SOCK_DGRAM)[0][-1]
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        link.setblocking(False)
        link.connect(address)
        link.send(_REQUEST)
        answer = await asyncio.wait_for_ms(asyncio.StreamReader(link).read(_ANSWER_BYTES), _WAIT_MS)
    finally:
        link.close()
    return utc_of(answer)


def utc_of(answer) -> int:
    """Seconds since 2000 of an SNTP answer; ValueError when it is none from a server that knows the time."""
    if answer is None or len(answer) < _ANSWER_BYTES or answer[0] & 7 != 4 or answer[0] >> 6 == 3 or not 1 <= answer[1] <= 15:
        raise ValueError("not an answer of a time server that knows the time")
    since_1900 = 0
    for byte in answer[_TRANSMIT : _TRANSMIT + 4]:
        since_1900 = since_1900 << 8 | byte
    if since_1900 < _FROM_1900_TO_2000:
        since_1900 += _ERA
    return since_1900 - _FROM_1900_TO_2000
