"""Asks a time server (SNTP, RFC 4330): its address in, UTC in seconds since 2000 out; sets the clock every few hours."""

import asyncio
import socket

from micropython import const

from bridge.core.address import split_host_port
from bridge.core.backoff import Backoff

_PORT = const(123)
_REQUEST = b"\x23" + bytes(47)  # version 4, client
_ANSWER_BYTES = const(48)
_TRANSMIT = const(40)  # offset of the server's transmit time: seconds since 1900 in 4 bytes
_FROM_1900_TO_2000 = 3155673600
_ERA = 1 << 32  # the server's seconds wrap in 2036: what lies before 2000 belongs to the next era
_WAIT_MS = const(3000)
_AGAIN_S = const(14400)  # a crystal of 20 ppm is off by 0.3 s after four hours
_FIRST_RETRY_MS = const(2000)
_LAST_RETRY_MS = const(300000)


async def ask(server: str) -> int:
    """UTC of `server` ("host" or "host:port"). OSError or asyncio.TimeoutError when it does not answer, ValueError on nonsense."""
    host, port = split_host_port(server, _PORT)
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1]
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


class TimeKeeper:
    """Sets `clock` from `server` whenever `online` (an Event) allows."""

    def __init__(self, server: str, clock, log, online):
        self._server = server
        self._clock = clock
        self._log = log
        self._online = online

    async def run(self) -> None:
        """For ever: a few hours after each answer the next question."""
        backoff = Backoff(_FIRST_RETRY_MS, _LAST_RETRY_MS)
        said = ""
        while True:
            await self._online.wait()
            problem = await self._once()
            if not problem:
                said = ""
                backoff.reset()
                self._log.info("ntp", "clock set from %s" % self._server)
                await asyncio.sleep(_AGAIN_S)
                continue
            if problem != said:
                said = problem
                self._log.warning("ntp", problem)
            await asyncio.sleep_ms(backoff.next_ms())

    async def _once(self) -> str:
        try:
            utc = await ask(self._server)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            return "%s does not answer: %s" % (self._server, str(error) or "time-out")
        return "" if self._clock.set(utc, "ntp") else "the time server's time is before this firmware was made: not used"
