"""MQTT 3.1.1 on the wire: values in, packets out, and back: bytes of the stream in, one checked packet at a time out. No I/O.

Source of the format: OASIS MQTT 3.1.1, sections 2 and 3. Only what a publishing client meets is here: QoS 0 and 1.
"""

from micropython import const

from bridge.core.errors import BridgeError

CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBACK = const(0x90)
PINGRESP = const(0xD0)

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

LAST_ID = const(65535)  # packet ids are 1..65535

# What the firmware subscribes to says "online" in a topic of 30 bytes; 512 bytes leave room for any prefix.
_BUFFER = const(512)
# A publish beyond the buffer is read and thrown away; beyond this, hanging up is quicker than listening to it.
_MAX_DRAIN = const(1048576)

_REFUSED = (
    "",
    "the broker does not speak MQTT 3.1.1",
    "the broker refuses this client id: check device_name",
    "the broker is not ready for clients",
    "wrong user or password: check mqtt_user and mqtt_password",
    "not authorised: check mqtt_user and mqtt_password",
)


class MqttError(BridgeError):
    """The connection to the broker cannot be made or must be given up; the text says why, and what to do where that is known."""


def refusal(code: int) -> str:
    """Words for the return code of a CONNACK; "" when the broker accepted (0)."""
    return _REFUSED[code] if code < len(_REFUSED) else "the broker refuses the connection with code %d" % code


def length(size: int) -> bytes:
    """The remaining length `size` (0..268,435,455) in its 1 to 4 bytes; ValueError beyond."""
    if not 0 <= size < 268435456:
        raise ValueError
    out = bytearray()
    while True:
        low = size & 0x7F
        size >>= 7
        out.append(low | 0x80 if size else low)
        if not size:
            return bytes(out)


def string(text) -> bytes:
    """`text` (str or bytes) with its length in front; ValueError over 65,535 bytes."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) > 65535:
        raise ValueError
    return bytes((len(data) >> 8, len(data) & 255)) + data


def connect_packet(client_id: str, keepalive_s: int, user: str = "", password: str = "", will=None) -> bytes:
    """CONNECT with a clean session. `will`: (topic, payload), sent with QoS 1 and retained when the connection dies."""
    flags = 0x02
    body = string(client_id)
    if will:
        flags |= 0x04 | 0x08 | 0x20
        body += string(will[0]) + string(will[1])
    if user or password:
        flags |= 0x80  # a password needs a user name before it, be it empty
        body += string(user)
    if password:
        flags |= 0x40
        body += string(password)
    head = b"\x00\x04MQTT\x04" + bytes((flags, keepalive_s >> 8 & 255, keepalive_s & 255))
    return b"\x10" + length(len(head) + len(body)) + head + body


def publish_head(topic: str, size: int, qos: int, retain: bool, packet_id: int) -> bytes:
    """All of a PUBLISH before its payload of `size` bytes; `packet_id` counts for QoS 1 only."""
    name = string(topic)
    first = PUBLISH | qos << 1 | (1 if retain else 0)
    head = bytes((first,)) + length(len(name) + (2 if qos else 0) + size) + name
    return head + bytes((packet_id >> 8, packet_id & 255)) if qos else head


def subscribe_packet(packet_id: int, topic: str, qos: int) -> bytes:
    """SUBSCRIBE to one topic filter."""
    name = string(topic)
    return b"\x82" + length(len(name) + 3) + bytes((packet_id >> 8, packet_id & 255)) + name + bytes((qos,))


def puback_packet(packet_id: int) -> bytes:
    """PUBACK: the answer to a QoS 1 publish."""
    return bytes((PUBACK, 2, packet_id >> 8, packet_id & 255))


class Incoming:
    """Takes packets out of a stream: read into `space()`, tell `add(n)`, call `take()` until it says 0.

    `take` fills in, by kind: `code` (CONNACK: return code; SUBACK: granted QoS, 0x80 = refused), `packet_id`, `topic`
    (str) and `payload` (bytes). A PUBLISH that is too long for the buffer comes with `topic` None and is counted in
    `dropped`. `take` raises MqttError for what no broker may send; nothing can be read after that.
    """

    def __init__(self):
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0  # of what was not taken yet
        self._end = 0
        self._drain = 0  # bytes to throw away next
        self._after = -1  # of a long publish: bytes behind its packet id, once its topic is thrown away
        self._draining = False
        self.code = 0
        self.packet_id = 0
        self.topic = None
        self.payload = None
        self.dropped = 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if self._start:
            rest = self._end - self._start
            if rest:
                self._view[:rest] = bytes(self._view[self._start : self._end])
            self._start = 0
            self._end = rest
        return self._view[self._end :]

    def add(self, n: int) -> None:
        """`n` bytes were put into space()."""
        self._end += n

    def take(self) -> int:
        """The kind of the next whole packet (CONNACK, PUBLISH, ...), 0 while it is not all there."""
        if self._draining:
            return self._continue_drain()
        if self._start == self._end:
            return 0
        first = self._buffer[self._start]
        if first & 0xF0 != PUBLISH and first not in (PUBACK, PINGRESP, SUBACK, CONNACK):
            raise MqttError("this is no MQTT 3.1.1 broker: it sends 0x%02x" % first)
        size = 0
        at = self._start + 1
        shift = 0
        while True:
            if at >= self._end:
                return 0
            byte = self._buffer[at]
            size |= (byte & 0x7F) << shift
            at += 1
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:
                raise MqttError("the broker sends a length of more than 4 bytes")
        if at - self._start + size > _BUFFER:
            return self._long(first, at, size)
        if at + size > self._end:
            return 0
        self._start = at + size
        self._parse(first, at, at + size)
        return first & 0xF0

    def _number(self, at: int) -> int:
        return self._buffer[at] << 8 | self._buffer[at + 1]

    def _parse(self, first: int, start: int, end: int) -> None:
        kind = first & 0xF0
        size = end - start
        if kind == PUBLISH:
            self._parse_publish(first, start, end)
        elif kind == PINGRESP and size == 0:
            pass
        elif kind == PUBACK and size == 2:
            self.packet_id = self._number(start)
        elif kind == CONNACK and size == 2:
            self.code = self._buffer[start + 1]
        elif kind == SUBACK and size == 3:
            self.packet_id = self._number(start)
            self.code = self._buffer[end - 1]
        else:
            raise MqttError("the broker sends a packet 0x%02x of %d bytes" % (first, size))

    def _parse_publish(self, first: int, start: int, end: int) -> None:
        qos = first >> 1 & 3
        body = start + 2 + (self._number(start) if end - start >= 2 else 0)
        self.packet_id = 0
        if qos == 1 and body + 2 <= end:
            self.packet_id = self._number(body)
            body += 2
        if qos > 1 or end - start < 2 or body > end or (qos and not self.packet_id):
            raise MqttError("the broker sends a malformed PUBLISH")
        try:
            self.topic = str(bytes(self._view[start + 2 : body - (2 if qos else 0)]), "utf-8")
        except UnicodeError:
            raise MqttError("the broker sends a topic that is not UTF-8")
        self.payload = bytes(self._view[body:end])

    def _long(self, first: int, at: int, size: int) -> int:
        """Starts to throw away a packet of `size` bytes from `at`; of a QoS 1 publish its id is kept, as it must be answered."""
        qos = first >> 1 & 3
        if first & 0xF0 != PUBLISH or qos > 1 or size > _MAX_DRAIN:
            raise MqttError("the broker sends a packet 0x%02x of %d bytes" % (first, size))
        self._drain = size
        self._after = -1
        self.packet_id = 0
        if qos:
            if at + 2 > self._end:
                return 0
            self._drain = 2 + self._number(at)
            self._after = size - self._drain - 2
            if self._after < 0:
                raise MqttError("the broker sends a malformed PUBLISH")
        self._start = at
        self._draining = True
        return self._continue_drain()

    def _continue_drain(self) -> int:
        n = min(self._drain, self._end - self._start)
        self._start += n
        self._drain -= n
        if self._drain:
            return 0
        if self._after >= 0:
            if self._end - self._start < 2:
                return 0
            self.packet_id = self._number(self._start)
            self._start += 2
            self._drain = self._after
            self._after = -1
            return self._continue_drain()
        self._draining = False
        self.topic = self.payload = None
        self.dropped += 1
        return PUBLISH
