"""Runs MqttClient on MicroPython: one JSON command per line in (see COMMANDS), one JSON answer per line out."""

import asyncio
import gc
import json
import time

from commands import serve

from bridge.core.errors import BridgeError
from bridge.push import mqtt_client, tls
from bridge.push.mqtt_connect import connect_packet
from bridge.push.sink import reason


class _Log:
    def warning(self, area, text):
        print(json.dumps({"warning": text}))


class Driver:
    def __init__(self):
        self.client = None

    def _received(self, topic, payload):
        print(json.dumps({"topic": topic.decode(), "payload": payload.decode()}))

    async def connect(self, host, port, tls_verify=None, ca="", answer_ms=None, client_id="", keepalive_s=30, **options):
        if answer_ms:
            mqtt_client.ANSWER_MS = mqtt_client.CONNECT_MS = answer_ms
        context = None if tls_verify is None else tls.make_context(tls_verify, ca, _Log(), "mqtt")
        hello = connect_packet(client_id, keepalive_s, **options)
        self.client = mqtt_client.MqttClient(host, port, hello, keepalive_s, context, self._received)
        started = time.ticks_ms()
        await self.client.connect()
        return {"ms": time.ticks_diff(time.ticks_ms(), started)}

    async def publish(self, topic, payload, qos=1, retain=False):
        packet_id = await self.client.publish(topic, payload.encode(), qos, retain)
        await self.client.acknowledged(packet_id)
        return {"id": packet_id}

    async def pieces(self, topic, piece, count, claimed=None):
        size = len(piece) * count if claimed is None else claimed
        await self.client.acknowledged(await self.client.publish(topic, (size, (piece.encode() for _ in range(count)))))
        return {}

    async def many(self, topic, count, first_id=0, payload=""):
        """`count` publishes with several on their way; the payload of each is its number when none is given."""
        self.client._last_id = first_id
        most = 0
        packet_id = 0
        started = time.ticks_ms()
        for n in range(count):
            packet_id = await self.client.publish(topic, (payload or str(n)).encode())
            if len(self.client.waiting) > most:
                most = len(self.client.waiting)
        await self.client.acknowledged(packet_id)
        return {"ms": time.ticks_diff(time.ticks_ms(), started), "last_id": packet_id, "most": most}

    async def hold(self, packet_id):
        """An id that is never acknowledged stays in flight."""
        self.client.waiting[packet_id] = time.ticks_ms()
        return {}

    async def subscribe(self, topic):
        await self.client.subscribe(topic)
        return {}

    async def state(self):
        gc.collect()
        return {"error": self.client.error, "dropped": self.client.incoming.dropped, "heap": gc.mem_alloc()}

    async def until_over(self):
        while not self.client.error:
            await asyncio.sleep_ms(20)
        return {"over": self.client.error}

    async def chatter(self):
        """QoS 0, which nobody answers, until the connection is over."""
        while not self.client.error:
            await self.client.publish("t", b"x", 0)
            await asyncio.sleep_ms(50)
        return {"over": self.client.error}

    async def close(self):
        await self.client.close()
        return {}


serve(Driver, (OSError, EOFError, BridgeError, ValueError, asyncio.TimeoutError), reason)
