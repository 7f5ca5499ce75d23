"""Looks after a network that serves badly: a Station that is online with a weak signal, or that nobody is reached over, in; it goes over, or joins anew."""

import asyncio

from micropython import const

from bridge.wifi.choosing import stronger

_PORTS = (53, 80, 443)  # where a router answers, be it with a refusal
_ANSWER_MS = const(4000)
# lwIP's and Linux's ECONNABORTED, ECONNRESET and ECONNREFUSED: somebody said no.
_REFUSED = (103, 104, 111)


def go_over(station, rssi: int) -> None:
    """Scans, which stands still for 2 to 3 s; leaves for a stronger access point of the same network, if there is one."""
    try:
        found = stronger(station.wlan.scan(), station.networks[station.number][0], rssi)
    except OSError:
        found = None
    if found:
        station.bound, better = found
        station.log.info("wifi", "weak signal, %d dBm: going over to an access point with %d dBm" % (rssi, better))
        station.wlan.disconnect()


async def join_anew(station) -> None:
    """Leaves the network, to be joined anew, when its router is silent too."""
    gateway = station.wlan.ifconfig()[2]
    for port in _PORTS:
        station.beat()
        if await _answers(gateway, port):
            return
    station.log.warning("wifi", "no destination and no router (%s) answers: joining anew" % gateway)
    station.wlan.disconnect()


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for_ms(asyncio.open_connection(host, port), _ANSWER_MS)
    except asyncio.TimeoutError:
        return False
    except OSError as error:
        return error.errno in _REFUSED
    writer.close()
    return True
