"""Readings in, MQTT out, with Home Assistant's discovery; intervals in the settings are seconds.

Topics below `mqtt_topic`: state (newest reading, retained), backlog (what was missed, with its original times), status (the device,
retained), profile (the quarter hour so far, its forecast, the month's peak, retained), bridge and meter ("online"/"offline", retained).
The broker's acknowledgement of a QoS 1 publish acknowledges its readings. unlock/set takes the owner's requests where `unlock_commands` allows it.
"""

import asyncio
import gc
import json
import time

from micropython import const

from bridge.core.errors import BridgeError
from bridge.core.unload import unload
from bridge.push.mqtt_delivery import Delivery, sized
from bridge.push.mqtt_packets import MqttError
from bridge.push.payload import time_of

_TICK_MS = const(1000)  # how late a status may be
_CLOSE_MS = const(2000)
_NAP_MS = const(50)  # how late a live reading may be while the backlog keeps to its rate
_ONLINE = b"online"
_OFFLINE = b"offline"


class MqttSink(Delivery):
    """The broker of `mqtt_url`."""

    def __init__(self, name: str, context):
        super().__init__(name, context)
        self.tls = None
        self._asked = None  # of the owner, to unlock the meter
        self._known = set()  # ids of the quantities that the meter has sent so far
        self._schema = None  # of the last reading looked at: mostly the next has the same
        self._announce = False  # Home Assistant is to be told, or told again
        self._online = None  # what <base>/meter says
        self._heard_s = None  # uptime at the newest reading
        self._seen = None  # sequence number of the newest reading
        self._status_due = 0  # ticks
        self._discovery = context.settings.get("mqtt_discovery")  # not when there was no memory for it
        self._prepare()

    def _prepare(self) -> None:
        """The TLS context is a large piece of memory, best taken while the heap is in one; what is wrong with it, the session tells."""
        from bridge.push.mqtt_connect import prepare

        try:
            prepare(self)
        except (BridgeError, MemoryError):
            pass
        prepare = None
        unload("bridge.push.tls", "bridge.push.mqtt_connect")

    async def session(self) -> None:
        """One connection, until it breaks; leaves "offline" behind when it is ended from here."""
        follower = None
        try:
            await self._connect()
            self._look(False)
            follower = asyncio.create_task(self._follow())
            changed = self.client.changed
            while True:
                self.settle()
                if self._asked:
                    asked, self._asked = self._asked, None
                    self.context.desk.ask(asked)
                if self._announce and self._known:
                    await self._discover()
                due = self.live()
                if not due and self._meter_changed():
                    await self.client.publish(self.base + "/meter", _ONLINE if self._online else _OFFLINE, 1, True)
                elif not due and self._status_is_due():
                    await self._publish_status()
                    await self._publish_profile()
                else:
                    due = due or self.batch()
                    if due:
                        await self.send(*due)
                    elif self.pause():
                        await asyncio.sleep_ms(min(self.pause(), _NAP_MS))
                        self.client.check()
                    else:
                        await changed.wait()
                        changed.clear()
                        self.client.check()
        finally:
            if follower:
                follower.cancel()
            await self._leave()

    async def _connect(self) -> None:
        from bridge.push.mqtt_connect import make_client

        settings = self.context.settings
        self.begin(None)
        try:
            self.begin(make_client(self, self.base))
            await self.client.connect()
        finally:  # what is needed for a moment at a connection's start: its RAM goes back
            unload("bridge.push.tls", "bridge.push.mqtt_connect")
        await self._say("/bridge", _ONLINE)
        self.connected()
        self._announce = self._discovery
        self.client.on_message = self._received
        desk = self.context.desk
        if desk:
            desk.changed = self._hurry
            if desk.commands:
                await self.client.subscribe(self.base + "/unlock/set")
        if settings.get("mqtt_discovery"):
            await self.client.subscribe(settings.get("mqtt_discovery_prefix") + "/status")
        self._online = None
        self._status_due = time.ticks_ms()

    async def _say(self, topic: str, text: bytes) -> None:
        await self.client.acknowledged(await self.client.publish(self.base + topic, text, 1, True))

    async def _leave(self) -> None:
        if self.client:
            try:
                if self.client.up:
                    await asyncio.wait_for_ms(self._say("/bridge", _OFFLINE), _CLOSE_MS)
            except (OSError, MqttError, asyncio.TimeoutError):
                pass  # then the broker publishes the will
            await self.client.close()
            self.begin(None)

    def _received(self, topic: bytes, payload: bytes) -> None:
        """Home Assistant has started and wants to be told everything again; or the owner asks for something."""
        if topic.endswith(b"/unlock/set"):
            if self.client.incoming.code:  # a PIN that the broker keeps would be entered at each start
                payload = b"retained"
            self._asked = self._asked or payload  # more than one at a time is no owner
            self.client.changed.set()
        elif payload == _ONLINE:
            self._announce = self._discovery = True
            self._live = -1
            self._hurry()

    def _hurry(self) -> None:
        """The status is due now."""
        self._status_due = time.ticks_ms()
        if self.client:
            self.client.changed.set()

    def _meter_changed(self) -> bool:
        online = self._heard_s is not None and self.context.clock.uptime_s() - self._heard_s < self.context.settings.get("meter_timeout_s")
        changed = online is not self._online
        self._online = online
        return changed

    def _status_is_due(self) -> bool:
        """At its time, and then after the acknowledgements that are on their way, so that the status knows them."""
        late = time.ticks_diff(time.ticks_ms(), self._status_due)
        return late >= _TICK_MS or (late >= 0 and not self.outstanding)

    async def _follow(self) -> None:
        """Wakes the connection's loop at each new reading."""
        store = self.context.store
        while True:
            await store.wait(store.next)
            self._look(True)
            self.client.changed.set()

    def _look(self, fresh: bool) -> None:
        """Notes when the newest reading came (`fresh`: just now) and which quantities the meter sends."""
        newest = self.context.store.live
        if newest is None or newest.seq == self._seen:
            return
        clock = self.context.clock
        self._seen = newest.seq
        self._heard_s = clock.uptime_s()
        if not fresh and clock.synced:  # it came at any time while nobody looked
            self._heard_s -= max(0, clock.now() - time_of(newest, clock))
        if newest.schema is not self._schema:
            self._schema = newest.schema
            before = len(self._known)
            self._known.update(newest.schema.ids)
            if len(self._known) > before:
                self._announce = self._discovery

    async def _discover(self) -> None:
        """Where the memory is too small for it, the readings go on without; it is tried again when Home Assistant starts."""
        self._announce = False
        gc.collect()
        try:
            await self._send_discovery()
        except MemoryError:
            self._discovery = False
        finally:
            unload("bridge.push.homeassistant", "bridge.push.homeassistant_entities", "bridge.push.homeassistant_unlock")
        if not self._discovery:
            self.context.log.warning(self.name, "not enough memory to announce the sensors to Home Assistant")

    async def _send_discovery(self) -> None:
        from bridge.push.homeassistant import Discovery

        settings = self.context.settings
        discovery = Discovery(self.context.identity, settings.get("device_name"), settings.get("mqtt_discovery_prefix"), self.base)
        desk = self.context.desk
        if desk and desk.status():
            discovery.unlock = 2 if desk.commands else 1
        message = discovery.message(sorted(self._known), bool(self.context.store.profile))
        await self.client.publish(discovery.topic, message, 1, True)

    async def _publish_status(self) -> None:
        """In small pieces, taken once: a second time they might be of other lengths.

        "online" goes with it: the will of a connection that we gave up can come after the greeting of this one.
        """
        self._status_due = time.ticks_add(time.ticks_ms(), self.context.settings.get("status_interval_s") * 1000)
        await self.client.publish(self.base + "/bridge", _ONLINE, 0, True)
        await self.client.publish(self.base + "/status", sized(list(self.context.status())), 0, True)

    async def _publish_profile(self) -> None:
        """Its code is loaded for the moment; where the memory is too small for that, the readings go on without."""
        profile = self.context.store.profile
        try:
            parts = profile.running() if profile else {}
        except MemoryError:
            return
        pieces = [(',"%s":%s' % (name, json.dumps(parts[name]))).encode() for name in parts]
        if pieces:
            pieces[0] = b"{" + pieces[0][1:]
            pieces.append(b"}")
            await self.client.publish(self.base + "/profile", sized(pieces), 0, True)
