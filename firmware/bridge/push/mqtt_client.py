"""One connection to an MQTT 3.1.1 broker: topics and payloads in, acknowledgements and incoming messages out; times in ms.

Several publishes of QoS 1 may be on their way at once. Every answer that the broker owes has one deadline, watched in one
place: a broker that accepts and never answers, or a connection whose other end is gone, ends in MqttError for who waits.
"""

import asyncio
import time

from micropython import const

from bridge.core.names import lookup, reached
from bridge.push.mqtt_packets import CONNACK, PINGRESP, PUBLISH, SUBACK, Incoming, MqttError, packet, string
from bridge.push.sink import reason

# A TLS handshake blocks an ESP32 for about a second; a far broker over a bad link answers in a few.
CONNECT_MS = 15000
ANSWER_MS = 10000
_CHECK_MS = const(500)
# Enough to keep a link with 50 ms of delay busy; a broker may hold as many in its own queue without harm.
WINDOW = const(8)
# Pieces are put together up to this: each write is a packet, over TLS a record, but a fragmented heap has no room for more in one.
_SEGMENT = const(512)
_CLOSE_MS = const(1000)
_LAST_ID = const(65535)  # packet ids are 1..65535
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


class MqttClient:
    """`hello`: the CONNECT packet; `tls`: a TLS context or None; `on_message(topic, payload)`, both bytes, must not block.

    Used once and by one task: connect, publish and subscribe, close. `error`: why the connection is over, "" while it is not;
    `up`: whether the broker has let us in and it still stands. `waiting`: packet ids whose answer is outstanding, with the
    ticks when they were sent. `changed`: set at each answer, twice a second, and at the end.
    """

    def __init__(self, host: str, port: int, hello: bytes, keepalive_s: int = 30, tls=None, on_message=None):
        self._host = host
        self._port = port
        self._hello = hello
        self._tls = tls
        self.on_message = on_message
        self._keepalive_ms = keepalive_s * 1000
        self._stream = None
        self.incoming = Incoming()
        self._torn = False  # a packet was begun and not ended: nothing can follow it
        self.waiting = {}
        self.changed = asyncio.Event()
        self._last_id = 0
        self._last_sent = 0
        self._last_heard = 0
        self._tasks = ()
        self.error = ""
        self.up = False

    async def connect(self) -> None:
        """Connects and logs in. Raises MqttError (refused, bad certificate, no answer) or OSError (no way there)."""
        opening = asyncio.open_connection(lookup(self._host), self._port, ssl=self._tls, server_hostname=self._host if self._tls else None)
        try:
            self._stream, _ = await asyncio.wait_for_ms(opening, CONNECT_MS)
            self.waiting[-CONNACK] = time.ticks_ms()
            await self._send(self._hello)
        except asyncio.TimeoutError:
            raise MqttError("no connection to %s:%d in %d s" % (self._host, self._port, CONNECT_MS // 1000))
        except ValueError as error:  # MicroPython's TLS tells of a bad certificate by it
            raise MqttError(reason(error))
        # Without it a live reading behind a batch waits for the other side's delayed acknowledgement, up to 40 ms. MicroPython's
        # TLS sockets do not let it through.
        if not self._tls:
            self._stream.s.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        self._hello = None
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._watch()))
        await self.acknowledged(-CONNACK)
        self.up = True
        reached(self._host)

    async def publish(self, topic: str, payload, qos: int = 1, retain: bool = False) -> int:
        """Sends a message and returns its packet id (0 for QoS 0), to be given to `acknowledged`.

        `payload`: bytes, or (size in bytes, iterable of bytes that make up that size). With QoS 1 it first
        waits for a place among the publishes on their way. Raises MqttError or OSError.
        """
        size, pieces = payload if isinstance(payload, tuple) else (len(payload), (payload,))
        packet_id = 0
        head = string(topic)
        if qos:
            while len(self.waiting) >= WINDOW:
                await self.change()
            packet_id = self._take_id()
            head += packet_id.to_bytes(2, "big")
        self.check()
        if self._torn:
            raise MqttError("a packet was cut short")
        self._torn = True
        out = [packet(0x30 | qos << 1 | retain, head, size)]
        joined = len(out[0])
        for piece in pieces:
            size -= len(piece)
            joined += len(piece)
            if joined > _SEGMENT:
                await self._send_all(out)
                joined = len(piece)
            out.append(piece)
        if size:
            raise ValueError("payload and its size differ")
        await self._send_all(out)
        self._torn = False
        if packet_id in self.waiting:
            self.waiting[packet_id] = time.ticks_ms()
        return packet_id

    async def acknowledged(self, packet_id: int) -> None:
        """Returns when the broker has answered for `packet_id`; raises MqttError when it will not."""
        while packet_id in self.waiting:
            await self.change()
        self.check()

    async def subscribe(self, topic: str) -> None:
        """Subscribes with QoS 0 and waits until the broker has agreed; MqttError when it does not."""
        packet_id = self._take_id()
        await self._send(packet(0x82, packet_id.to_bytes(2, "big") + string(topic) + b"\x00"))
        await self.acknowledged(packet_id)

    async def close(self) -> None:
        """Says goodbye if the connection still stands (the broker then forgets the will) and frees everything."""
        if self._stream is None:
            return
        try:
            if self.up and not self._torn:
                await asyncio.wait_for_ms(self._send(b"\xe0\x00"), _CLOSE_MS)
        except (OSError, MqttError, asyncio.TimeoutError):
            pass  # it was to be closed anyway
        for task in self._tasks:
            task.cancel()
        self._fail("the connection was closed")
        self._stream.close()
        await self._stream.wait_closed()
        self._stream = None

    def _take_id(self) -> int:
        while True:
            self._last_id = self._last_id % _LAST_ID + 1
            if self._last_id not in self.waiting:
                break
        self.waiting[self._last_id] = time.ticks_ms()
        return self._last_id

    def check(self) -> None:
        """Raises MqttError when the connection is over."""
        if self.error:
            raise MqttError(self.error)

    async def change(self) -> None:
        """Waits until something has happened; MqttError when that is the end."""
        self.check()
        await self.changed.wait()
        self.changed.clear()
        self.check()

    def _fail(self, why: str) -> None:
        self.up = False
        self.error = self.error or why
        self.changed.set()

    async def _send(self, data) -> None:
        """Whole packets or the next part of one."""
        self._stream.write(data)
        if self._stream.out_buf:
            try:
                await asyncio.wait_for_ms(self._stream.drain(), ANSWER_MS)
            except asyncio.TimeoutError:
                self._fail("the broker takes no more data")
            self.check()
        self._last_sent = time.ticks_ms()

    async def _send_all(self, pieces: list) -> None:
        """Together, or one by one where no memory is in one piece; leaves the list empty."""
        try:
            pieces[:] = [b"".join(pieces)]
        except MemoryError:
            pass
        while pieces:
            await self._send(pieces.pop(0))

    async def _read(self) -> None:
        incoming = self.incoming
        try:
            while True:
                n = await self._stream.readinto(incoming.space())
                if n == 0:
                    raise EOFError
                if n:
                    self._last_heard = time.ticks_ms()
                    incoming.add(n)
                    while self._handle(incoming.take()):
                        pass
        except (OSError, EOFError, MqttError, ValueError) as error:
            self._fail(reason(error))

    def _handle(self, kind: int) -> int:
        incoming = self.incoming
        if kind == PUBLISH:
            if self.on_message:
                self.on_message(incoming.topic, incoming.payload)
        elif kind:
            if incoming.code and kind == CONNACK:
                from bridge.push.mqtt_connect import refusal

                raise MqttError(refusal(incoming.code))
            if incoming.code and kind == SUBACK:
                raise MqttError("the broker does not allow to subscribe")
            self.waiting.pop(-kind if kind in (CONNACK, PINGRESP) else incoming.packet_id, None)
            self.changed.set()
        return kind

    async def _watch(self) -> None:
        """Pings when nothing was sent or heard for half the keep-alive; ends the connection when an answer is overdue."""
        while not self.error:
            await asyncio.sleep_ms(_CHECK_MS)
            self.changed.set()
            now = time.ticks_ms()
            for sent in self.waiting.values():
                if time.ticks_diff(now, sent) > ANSWER_MS:
                    return self._fail("the broker did not answer in %d s" % (ANSWER_MS // 1000))
            silent = max(time.ticks_diff(now, self._last_sent), time.ticks_diff(now, self._last_heard))
            if silent * 2 >= self._keepalive_ms and -PINGRESP not in self.waiting and not self._torn:
                self.waiting[-PINGRESP] = self._last_sent = now
                try:
                    self._stream.write(b"\xc0\x00")  # what does not fit goes with the next packet
                except OSError as error:
                    self._fail(reason(error))
