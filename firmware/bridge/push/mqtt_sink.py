"""Readings in, MQTT out, with Home Assistant's discovery; intervals in the settings are seconds.

Topics below `mqtt_topic`: state (newest reading, retained), backlog (what was missed, with its original times), status (the device,
retained), bridge and meter ("online"/"offline", retained). The broker's acknowledgement of a QoS 1 publish acknowledges its readings.
"""

import asyncio
import json
import sys
import time

from micropython import const

from bridge.core.address import split_host_port
from bridge.push.mqtt_client import MqttClient
from bridge.push.mqtt_delivery import Delivered, Delivery
from bridge.push.mqtt_packets import MqttError
from bridge.push.payload import time_of
from bridge.push.sink import Sink

_PORT = const(1883)
_TLS_PORT = const(8883)
_TICK_MS = const(1000)  # how late a status or "offline" may be
_CLOSE_MS = const(2000)
# Needed for a moment at a connection's start: the RAM (6 KB) goes back.
_ONCE = ("homeassistant", "homeassistant_entities")


class MqttSink(Sink):
    """The broker of `mqtt_url`."""

    def __init__(self, name: str, context):
        super().__init__(name, context)
        device = context.identity.device
        self._base = self._setting("topic") or "meterbridge/" + device
        self._delivered = Delivered(self.cursor.next)
        self._tls = None
        self._known = set()  # ids of the quantities that the meter has sent so far
        self._schema = None  # of the last reading looked at: mostly the next has the same
        self._wake = asyncio.Event()
        self._announce = False
        self._repeat = False
        self._heard_s = None  # uptime at the newest reading
        self._seen = None  # sequence number of the newest reading

    def _setting(self, name: str):
        return self.context.settings.get("mqtt_" + name)

    async def session(self) -> None:
        """One connection, until it breaks; leaves "offline" behind when it is ended from here."""
        client = self._make_client()
        try:
            await client.connect()
            await self._greet(client)
            await self._serve(client)
        finally:
            await self._leave(client)

    def _make_client(self) -> MqttClient:
        for text in (self._base, self._setting("discovery_prefix")):
            if "+" in text or "#" in text or "\x00" in text:
                raise MqttError("mqtt_topic and mqtt_discovery_prefix cannot have a + or # in them")
        scheme, _, rest = self._setting("url").partition("://")
        secure = scheme == "mqtts"
        host, port = split_host_port(rest.split("/", 1)[0], _TLS_PORT if secure else _PORT)
        if secure and self._tls is None:
            from bridge.push.tls import make_context

            self._tls = make_context(self._setting("tls_verify"), self._setting("ca"), self.context.log, self.name)
        client = MqttClient(
            host, port, self.context.identity.device, self._setting("keepalive_s"), self._setting("user"), self._setting("password"),
            (self._base + "/bridge", "offline"), self._tls, self._received)  # fmt: skip
        client.on_change = self._wake.set
        return client

    async def _greet(self, client: MqttClient) -> None:
        await client.acknowledged(await client.publish(self._base + "/bridge", "online", 1, True))
        self.connected()
        self._announce = self._setting("discovery")
        if self._announce:
            await client.subscribe(self._setting("discovery_prefix") + "/status")

    async def _leave(self, client: MqttClient) -> None:
        if client.up:
            try:
                await asyncio.wait_for_ms(self._say_offline(client), _CLOSE_MS)
            except (OSError, MqttError, asyncio.TimeoutError):
                pass  # then the broker publishes the will
        await client.close()

    async def _say_offline(self, client: MqttClient) -> None:
        await client.acknowledged(await client.publish(self._base + "/bridge", "offline", 1, True))

    def _received(self, topic: str, payload: bytes) -> None:
        """Home Assistant has started: it wants to be told everything again."""
        if topic == self._setting("discovery_prefix") + "/status" and payload == b"online":
            self._announce = self._repeat = True
            self._wake.set()

    async def _serve(self, client: MqttClient) -> None:
        delivery = Delivery(self, client, self._delivered, self._base, self._setting("live_interval_s") * 1000)
        follower = asyncio.create_task(self._follow())
        self._look(False)
        online = None
        status_due = time.ticks_ms()
        try:
            while True:
                self._wake.clear()
                client.check()
                delivery.settle()
                if self._announce and self._known:
                    await self._discover(client)
                if self._repeat:
                    self._repeat = False
                    status_due = time.ticks_ms()
                    delivery.repeat_live = True
                if delivery.live_due():
                    await delivery.send_live()
                elif online is not self._meter_online():
                    online = self._meter_online()
                    await client.publish(self._base + "/meter", "online" if online else "offline", 1, True)
                elif self._status_due(status_due, delivery):
                    status_due = time.ticks_add(time.ticks_ms(), self.context.settings.get("status_interval_s") * 1000)
                    await self._publish_status(client)
                elif delivery.backlog_due():
                    await delivery.send_batch()
                else:
                    await self._pause()
        finally:
            follower.cancel()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for_ms(self._wake.wait(), _TICK_MS)
        except asyncio.TimeoutError:
            pass

    def _status_due(self, due: int, delivery: Delivery) -> bool:
        """At `due` (ticks), and then after the acknowledgements that are on their way, so that the status knows them."""
        late = time.ticks_diff(time.ticks_ms(), due)
        return late >= _TICK_MS or (late >= 0 and not delivery.waiting)

    async def _follow(self) -> None:
        """Wakes the connection's loop at each new reading."""
        store = self.context.store
        while True:
            await store.wait(store.next)
            self._look(True)
            self._wake.set()

    def _look(self, fresh: bool) -> None:
        """Notes when the newest reading came (`fresh`: just now) and which quantities the meter sends."""
        newest = self.context.store.live
        if newest is None or newest.seq == self._seen:
            return
        clock = self.context.clock
        age = 0
        if not fresh:  # it came at any time while nobody looked
            when = time_of(newest, clock)
            age = 0 if when is None or not clock.synced else max(0, clock.now() - when)
        self._seen = newest.seq
        self._heard_s = clock.uptime_s() - age
        if newest.schema is not self._schema:
            self._schema = newest.schema
            before = len(self._known)
            self._known.update(newest.items())
            if len(self._known) > before:
                self._announce = self._setting("discovery")

    def _meter_online(self) -> bool:
        if self._heard_s is None:
            return False
        return self.context.clock.uptime_s() - self._heard_s < self.context.settings.get("meter_timeout_s")

    async def _discover(self, client: MqttClient) -> None:
        self._announce = False
        from bridge.push.homeassistant import Discovery

        settings = self.context.settings
        discovery = Discovery(self.context.identity, settings.get("device_name"), self._setting("discovery_prefix"), self._base)
        await client.publish(discovery.topic, discovery.message(sorted(self._known)), 1, True)
        for name in _ONCE:
            if sys.modules.pop("bridge.push." + name, None):
                delattr(sys.modules["bridge.push"], name)

    async def _publish_status(self, client: MqttClient) -> None:
        """Section by section, so that no long string is made.

        "online" goes with it: the will of a connection that we gave up can come after the greeting of this one.
        """
        await client.publish(self._base + "/bridge", "online", 0, True)
        pieces = []
        for section, value in self.context.status().items():
            pieces.append('%s"%s":%s' % ("," if pieces else "{", section, json.dumps(value)))
        pieces.append("}" if pieces else "{}")
        await client.publish(self._base + "/status", (sum([len(memoryview(p)) for p in pieces]), pieces), 0, True)
