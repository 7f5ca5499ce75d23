"""Readings of the history to the bytes of batches: how many, "mqtt", "http" or "influx", "ram" or "flash" in; nothing out but instructions.

What a sink does for them but for the network: read the journal, write JSON or lines, join them as the connection's packets, acknowledge.
"""

import asyncio
import sys

import parts

from bridge.config import table
from bridge.core.clock import Clock
from bridge.core.log import Log
from bridge.push.http_sink import HttpSink
from bridge.push.mqtt_client import MqttClient
from bridge.push.mqtt_delivery import Delivery
from bridge.push.sink import Context, Identity
from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO, METER, Meter, Reading, Schemas
from bridge.store.journal import Journal
from bridge.store.keeper import Keeper
from bridge.store.segments import Segments
from bridge.store.store import Store

KEPT = 600  # more than are read
START = 803000000  # seconds since 2000, in 2025


class Nowhere:
    """A stream that takes all."""

    out_buf = b""

    def write(self, data) -> None:
        pass


class Server:
    """Says yes."""

    status = 204

    async def post(self, pieces: list):
        for piece in pieces:
            len(piece)
        return self


def fill(clock: Clock, on_flash: bool) -> Store:
    """A store with readings of two values that change each second."""
    store = Store(Journal(4096, 60, archive=Segments("journal", 65536, 1)) if on_flash else Journal(parts.JOURNAL_BYTES, 60))
    keeper = Keeper(store, (), clock)
    form = bytearray(COUNT)
    ids = quantity("energy_import_wh"), quantity("power_w")
    for id in ids:
        form[id] = EXPONENT_ZERO
    schema = Schemas().of(form)
    meter = Meter("E0001", "p1")
    for n in range(KEPT):
        store.append(Reading(meter, n + 1, START + n, METER, schema, [1000000 + n // 3, 500 + n * 7 % 90]))
        if on_flash and n % 200 == 199:
            keeper.save()
    return store


async def by_mqtt(context: Context, count: int) -> None:
    sink = Delivery("mqtt", context)
    client = MqttClient("host", 1, b"")
    client._stream = Nowhere()
    sink.begin(client)
    sink._live = KEPT
    while sink.cursor.place <= count:
        await sink.send(*sink.batch())
        client.waiting.clear()
        sink.settle()


async def by_http(context: Context, count: int, name: str) -> None:
    sink = HttpSink(name, context)
    sink._client = Server()
    context.store.live = None
    while sink.cursor.place <= count:
        await sink._request()


def main(count: int, name: str, where: str) -> None:
    clock = Clock()
    clock.set(START + KEPT, "ntp")
    settings = {row[0]: row[1] for row in table.SETTINGS}
    settings["backlog_per_s"] = 1000000000
    context = Context(fill(clock, where == "flash"), clock, Log(write=parts.quiet), settings, Identity("mb-a1b2c3", "0.1.0", "sim", 1), None)
    asyncio.run(by_mqtt(context, count) if name == "mqtt" else by_http(context, count, name))


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
