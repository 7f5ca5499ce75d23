"""One connection to an MQTT 3.1.1 broker: topics and payloads in, acknowledgements and incoming messages out; times in ms.

Several publishes of QoS 1 may be on their way at once. Every answer that the broker owes has one deadline, watched in one
place: a broker that accepts and never answers, or a connection whose other end is gone, ends in MqttError for all who wait.
"""

import asyncio
import time

from micropython import const

from bridge.push import tls as tls_words
from bridge.push.mqtt_packets import (
    CONNACK,
    DISCONNECT_PACKET,
    LAST_ID,
    PINGREQ_PACKET,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    Incoming,
    MqttError,
    connect_packet,
    puback_packet,
    publish_head,
    refusal,
    subscribe_packet,
)
from bridge.push.sink import reason

# A TLS handshake blocks an ESP32 for about a second; a far broker over a bad link answers in a few.
CONNECT_MS = 15000
ANSWER_MS = 10000
_CHECK_MS = const(500)
# Enough to keep a link with 50 ms of delay busy; a broker may hold as many in its own queue without harm.
WINDOW = const(8)
# One segment on most links, so that a small publish is one packet; payloads pass through it piece by piece.
_OUT_BYTES = const(1024)
_CLOSE_MS = const(1000)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)
# What the broker owes besides acknowledgements of packet ids, beside them in the same table.
_CONNACK_KEY = const(0)
_PING_KEY = const(-1)


class MqttClient:
    """`tls`: a TLS context or None. `will`: (topic, payload). `on_message(topic: str, payload: bytes)` must not block.

    Used once: connect, publish and subscribe, close. `error`: why the connection is over, "" while it is not.
    `dropped`: incoming messages that were too long. `on_change()` is called at each answer and at the end.
    """

    def __init__(self, host: str, port: int, client_id: str, keepalive_s: int = 30, user: str = "", password: str = "",
                 will=None, tls=None, on_message=None):
        self._host = host
        self._port = port
        self._hello = connect_packet(client_id, keepalive_s, user, password, will)
        self._tls = tls
        self._on_message = on_message
        self._keepalive_ms = keepalive_s * 1000
        self._stream = None
        self._in = Incoming()
        self._out = bytearray(_OUT_BYTES)
        self._out_view = memoryview(self._out)
        self._out_used = 0
        self._lock = asyncio.Lock()
        self._torn = False  # a packet was begun and not ended: nothing can follow it
        self._waiting = {}  # packet id (or key) -> ticks when sent
        self._refused = None  # packet id of a SUBSCRIBE that was not granted
        self._changed = asyncio.Event()
        self._last_id = 0
        self._last_sent = 0
        self._last_heard = 0
        self._tasks = []
        self.error = ""
        self.on_change = None

    @property
    def dropped(self) -> int:
        return self._in.dropped

    @property
    def up(self) -> bool:
        """Whether the broker has let us in and the connection still stands."""
        return self._hello is None and not self.error

    @property
    def in_flight(self) -> int:
        """Publishes that are not acknowledged yet."""
        return len(self._waiting)

    async def connect(self) -> None:
        """Connects and logs in. Raises MqttError (refused, bad certificate, no answer) or OSError (no way there)."""
        opening = asyncio.open_connection(self._host, self._port, ssl=self._tls, server_hostname=self._host if self._tls else None)
        try:
            self._stream, _ = await asyncio.wait_for_ms(opening, CONNECT_MS)
            self._waiting[_CONNACK_KEY] = time.ticks_ms()
            await self._send(self._hello)
        except asyncio.TimeoutError:
            raise MqttError("no connection to %s:%d in %d s" % (self._host, self._port, CONNECT_MS // 1000))
        except ValueError as error:
            raise MqttError(tls_words.reason(error))
        # Without it a live reading behind a batch waits for the other side's delayed acknowledgement, up to 40 ms. MicroPython's
        # TLS sockets do not let it through.
        set_option = getattr(self._stream.s, "setsockopt", None)
        if set_option:
            set_option(_IPPROTO_TCP, _TCP_NODELAY, 1)
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]
        await self.acknowledged(_CONNACK_KEY)
        self._hello = None

    async def publish(self, topic: str, payload, qos: int = 1, retain: bool = False) -> int:
        """Sends a message and returns its packet id (0 for QoS 0), to be given to `acknowledged`.

        `payload`: str, bytes, or (size in bytes, iterator of str or bytes that make up that size). With QoS 1 it first
        waits for a place among the publishes on their way. Raises MqttError or OSError.
        """
        size, pieces = payload if isinstance(payload, tuple) else (len(memoryview(payload)), (payload,))
        packet_id = 0
        if qos:
            while len(self._waiting) >= WINDOW:
                await self._change()
            packet_id = self._take_id()
        await self._send(publish_head(topic, size, qos, retain, packet_id), size, pieces)
        if packet_id in self._waiting:
            self._waiting[packet_id] = time.ticks_ms()
        return packet_id

    async def acknowledged(self, packet_id: int) -> None:
        """Returns when the broker has answered for `packet_id`; raises MqttError when it will not."""
        while packet_id in self._waiting:
            await self._change()
        self.check()

    def is_acknowledged(self, packet_id: int) -> bool:
        """Whether the broker has answered for `packet_id`."""
        return packet_id not in self._waiting

    async def subscribe(self, topic: str, qos: int = 1) -> None:
        """Subscribes and waits until the broker has agreed; MqttError when it does not."""
        packet_id = self._take_id()
        await self._send(subscribe_packet(packet_id, topic, qos))
        await self.acknowledged(packet_id)
        if self._refused == packet_id:
            raise MqttError("the broker does not allow to subscribe to " + topic)

    async def close(self) -> None:
        """Says goodbye if the connection still stands (the broker then forgets the will) and frees everything."""
        if self._stream is None:
            return
        try:
            if self.up and not self._torn:
                await asyncio.wait_for_ms(self._send(DISCONNECT_PACKET), _CLOSE_MS)
        except (OSError, MqttError, asyncio.TimeoutError):
            pass  # it was to be closed anyway
        for task in self._tasks:
            task.cancel()
        self._fail("the connection was closed")
        self._stream.close()
        await self._stream.wait_closed()
        self._stream = None

    def _take_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % LAST_ID + 1
            if packet_id not in self._waiting:
                break
        self._last_id = packet_id
        self._waiting[packet_id] = time.ticks_ms()
        return packet_id

    def check(self) -> None:
        """Raises MqttError when the connection is over."""
        if self.error:
            raise MqttError(self.error)

    async def _change(self) -> None:
        self.check()
        await self._changed.wait()
        self.check()

    def _fail(self, why: str) -> None:
        if not self.error:
            self.error = why
        self._changed.set()  # and it stays set: nobody waits from now on
        if self.on_change:
            self.on_change()

    def _answered(self, key: int) -> None:
        if self._waiting.pop(key, None) is not None and not self.error:
            self._changed.set()
            self._changed.clear()
            if self.on_change:
                self.on_change()

    async def _send(self, head, size: int = 0, pieces=()) -> None:
        """One whole packet; whoever is interrupted in the middle of one ends the connection for all."""
        async with self._lock:
            self.check()
            if self._torn:
                raise MqttError("a packet was cut short")
            self._torn = True
            await self._put(head)
            for piece in pieces:
                view = memoryview(piece)
                size -= len(view)
                await self._put(view)
            if size:
                raise ValueError("payload and its size differ")
            await self._flush()
            self._torn = False
            self._last_sent = time.ticks_ms()

    async def _put(self, data) -> None:
        view = memoryview(data)
        at = 0
        while at < len(view):
            n = min(len(view) - at, _OUT_BYTES - self._out_used)
            self._out_view[self._out_used : self._out_used + n] = view[at : at + n]
            self._out_used += n
            at += n
            if self._out_used == _OUT_BYTES:
                await self._flush()

    async def _flush(self) -> None:
        used = self._out_used
        self._out_used = 0
        self._stream.write(self._out_view[:used])
        if not self._stream.out_buf:
            return
        try:
            await asyncio.wait_for_ms(self._stream.drain(), ANSWER_MS)
        except asyncio.TimeoutError:
            self._fail("the broker takes no more data")
            self.check()

    async def _read(self) -> None:
        try:
            while True:
                n = await self._stream.readinto(self._in.space())
                if n == 0:
                    raise EOFError
                if n:
                    self._last_heard = time.ticks_ms()
                    self._in.add(n)
                    await self._handle_all()
        except (OSError, EOFError, MqttError) as error:
            self._fail(reason(error))
        except ValueError as error:  # MicroPython's TLS tells of a bad certificate by it
            self._fail(tls_words.reason(error))
        finally:
            self._fail("the connection is over")

    async def _handle_all(self) -> None:
        incoming = self._in
        while True:
            kind = incoming.take()
            if kind == 0:
                return
            if kind == CONNACK:
                if incoming.code:
                    raise MqttError(refusal(incoming.code))
                self._answered(_CONNACK_KEY)
            elif kind == PUBACK:
                self._answered(incoming.packet_id)
            elif kind == SUBACK:
                if incoming.code > 1:
                    self._refused = incoming.packet_id
                self._answered(incoming.packet_id)
            elif kind == PINGRESP:
                self._answered(_PING_KEY)
            elif kind == PUBLISH:
                if incoming.topic is not None and self._on_message:
                    self._on_message(incoming.topic, incoming.payload)
                if incoming.packet_id:
                    await self._send(puback_packet(incoming.packet_id))

    async def _watch(self) -> None:
        """Pings when nothing was sent or heard for half the keep-alive; ends the connection when an answer is overdue."""
        while not self.error:
            await asyncio.sleep_ms(_CHECK_MS)
            now = time.ticks_ms()
            for sent in self._waiting.values():
                if time.ticks_diff(now, sent) > ANSWER_MS:
                    self._fail("the broker did not answer in %d s" % (ANSWER_MS // 1000))
                    return
            silent = max(time.ticks_diff(now, self._last_sent), time.ticks_diff(now, self._last_heard))
            if silent * 2 < self._keepalive_ms or _PING_KEY in self._waiting:
                continue
            self._waiting[_PING_KEY] = now
            try:
                await self._send(PINGREQ_PACKET)
            except (OSError, MqttError) as error:
                self._fail(reason(error))
