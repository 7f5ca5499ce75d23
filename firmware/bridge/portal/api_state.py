"""GET /portal/state: how the set-up goes out: what is tried, where the dongle is in the home's network, what the meter says."""

import json

from bridge.push.payload import reading_bytes
from bridge.serve.http_answer import JSON


async def answer(request, reply, door) -> None:
    """Tells it."""
    portal = door.portal
    console = door.console
    station = door.station
    identity = portal.identity
    address = station.address()
    store = console.store
    live = store.live if store else None
    told = {
        "id": identity.device,
        "host": door.host,
        "boot": identity.boot,
        "safe": portal.why,
        "after": portal.after,
        "light": console.desk is not None,
        "address": address,
        "problem": station.problem,
        "ssid": station.networks[station.number][0] if station.networks else "",
        "readings": store.next - store.oldest if store else 0,
        "trial": portal.trial,
        "protocol": live.meter.protocol if live else "",
        "sinks": {sink.name: {"state": sink.state, "acknowledged": sink.acknowledged, "last_error": sink.last_error} for sink in station.sinks},
    }
    if address and live and portal.after:
        portal.seen()
    await reply.start(200, JSON)
    await reply.write(json.dumps(told)[:-1].encode())
    await reply.write(b',"reading":')
    await reply.write(reading_bytes(live, portal) if live else b"null")
    await reply.write(b"}\n")
