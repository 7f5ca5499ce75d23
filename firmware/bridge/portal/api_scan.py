"""GET /portal/scan: the networks that the radio hears out, the strongest first: [name, dBm, whether it has a password]. Seconds of standing still."""

import time

from micropython import const

from bridge.serve.http_request import Refusal

_AGAIN_MS = const(8000)  # sooner the last one is told again: while it scans nothing else is done, and guests lose their network
_MOST = const(20)


async def answer(request, reply, door) -> None:
    """Scans, unless it was just done."""
    portal = door.portal
    now = time.ticks_ms()
    if portal.trial and not portal.trial["over"]:
        raise Refusal(409, "a test is running")
    if portal.scanned is None or time.ticks_diff(now, portal.scanned) > _AGAIN_MS:
        try:
            portal.heard = _listed(door.station.wlan.scan())
        except OSError as error:
            raise Refusal(503, "the radio does not scan at this moment: %s" % error, b"Retry-After: 3\r\n")
        portal.scanned = time.ticks_ms()
    await reply.json({"networks": portal.heard})


def _listed(found) -> list:
    """Each name once, with its strongest access point; hidden ones and names that are no text are left out."""
    rows = []
    names = set()
    for one in sorted(found, key=lambda one: -one[3]):
        try:
            name = bytes(one[0]).decode()
        except UnicodeError:
            continue
        if name.strip("\0") and name not in names and len(rows) < _MOST:
            names.add(name)
            rows.append((name, one[3], one[4] != 0))
    return rows
