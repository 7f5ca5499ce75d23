"""MQTT 3.1.1 on the wire: values in, the start of packets out, and back: bytes of the stream in, one checked packet at a time out. No I/O.

Source of the format: OASIS MQTT 3.1.1, sections 2 and 3. What we subscribe to is asked for with QoS 0, so only that comes in.
"""

from micropython import const

from bridge.core.errors import BridgeError

CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBACK = const(0x90)
PINGRESP = const(0xD0)

# What the firmware subscribes to says "online" in a topic of 30 bytes; this leaves room for any prefix.
_BUFFER = const(256)
# A publish beyond the buffer is read and thrown away; beyond this, hanging up is quicker than listening to it.
_MOST = const(1048576)


class MqttError(BridgeError):
    """The connection to the broker cannot be made or must be given up; the text says why, and what to do where that is known."""


def string(text: str) -> bytes:
    """`text` in UTF-8 with its length in front; OverflowError or ValueError over 65,535 bytes."""
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def packet(first: int, body: bytes, more: int = 0) -> bytearray:
    """A packet that begins with the byte `first`, its length, and `body`; `more` bytes of payload are to follow."""
    out = bytearray((first,))
    size = len(body) + more
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    out.extend(body)
    return out


class Incoming:
    """Takes packets out of a stream: read into `space()`, tell `add(n)`, call `take()` until it says 0.

    `take` fills in, by kind: `code` (CONNACK: return code; SUBACK: granted QoS, 0x80 = refused; PUBLISH: 1 when the broker kept it from
    before), `packet_id`, `topic` and `payload` (bytes). A PUBLISH that is too long for the buffer is counted in `dropped` alone. `take` raises MqttError for
    what no broker may send; nothing can be read after that.
    """

    def __init__(self):
        self._buffer = bytearray(_BUFFER)
        self._start = 0  # of what was not taken yet
        self._end = 0
        self._skip = 0  # bytes to throw away next
        self.code = 0
        self.packet_id = 0
        self.topic = None
        self.payload = None
        self.dropped = 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        rest = self._end - self._start
        if self._start and rest:
            self._buffer[:rest] = self._buffer[self._start : self._end]
        self._start = 0
        self._end = rest
        return memoryview(self._buffer)[rest:]

    def add(self, n: int) -> None:
        """`n` bytes were put into space()."""
        self._end += n

    def take(self) -> int:
        """The kind of the next whole packet (CONNACK, PUBLISH, ...), 0 while it is not all there."""
        buffer = self._buffer
        end = self._end
        while self._start < end:
            if self._skip:
                n = min(self._skip, end - self._start)
                self._start += n
                self._skip -= n
                continue
            first = buffer[self._start]
            kind = first & 0xF0
            if kind != PUBLISH and first not in (PUBACK, PINGRESP, SUBACK, CONNACK):
                raise MqttError("this is no MQTT 3.1.1 broker: it sends 0x%02x" % first)
            size = shift = 0
            at = self._start + 1
            byte = 0x80
            while byte & 0x80 and shift < 28:
                if at >= end:
                    return 0
                byte = buffer[at]
                size |= (byte & 0x7F) << shift
                shift += 7
                at += 1
            behind = at + size
            number = buffer[at] << 8 | buffer[at + 1] if at + 2 <= end else 0
            if kind == PUBLISH:
                good = not first & 6 and 2 + number <= size <= _MOST
            else:
                good = size == (3 if kind == SUBACK else 0 if kind == PINGRESP else 2)
            if byte & 0x80 or not good:
                raise MqttError("the broker sends a packet 0x%02x of %d bytes" % (first, size))
            if behind - self._start > _BUFFER:
                self.dropped += 1
                self._skip = size
                self._start = at
                continue
            if behind > end:
                return 0
            self._start = behind
            if kind == PUBLISH:
                self.code = first & 1
                self.topic = bytes(buffer[at + 2 : at + 2 + number])
                self.payload = bytes(buffer[at + 2 + number : behind])
            elif size:
                self.packet_id = number
                self.code = buffer[behind - 1]
            return kind
        return 0
