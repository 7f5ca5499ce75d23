"""Who owes an answer on a connection: the bytes that go out and come in, in; whether more must come, out. MQTT, HTTP, and what is unknown.

Also the time server of a run in virtual time.
"""

import io

import select
import virtual_clock

_GRACE_MS = 40  # what is encrypted or unknown is taken for complete when nothing more came for so long
_ASKS = (0x10, 0x32, 0x33, 0x3A, 0x3B, 0x82, 0xC0)  # MQTT: CONNECT, PUBLISH with QoS 1, SUBSCRIBE, PINGREQ
_ANSWERS = (0x20, 0x40, 0x90, 0xD0)  # CONNACK, PUBACK, SUBACK, PINGRESP
_FROM_1900_TO_1970 = 2208988800
_POLL = 3


def of(data):
    """For a connection whose first bytes are `data`."""
    if data[0] == _ASKS[0]:
        return Mqtt()
    return Http() if bytes(data[:5]) == b"POST " else Unknown()


class Unknown:
    """After anything that went or came, more may come."""

    patience_ms = _GRACE_MS

    def sent(self, data):
        return True

    received = sent


class _Packets:
    """Finds where MQTT's packets begin, in whatever pieces they come."""

    def __init__(self):
        self._left = 0  # bytes of the present packet
        self._shift = -7  # of the length's next byte; -7: the packet's first byte is next

    def count(self, data, kinds):
        """How many packets with a first byte of `kinds` are begun in `data`."""
        found = at = 0
        while at < len(data):
            if self._left and self._shift < 0:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            byte = data[at]
            at += 1
            if self._shift < 0:
                found += byte in kinds
                self._shift = 0
                continue
            self._left |= (byte & 127) << self._shift
            self._shift = self._shift + 7 if byte & 128 else -7
        return found


class Mqtt:
    """Counts what the broker has to acknowledge."""

    patience_ms = virtual_clock.told.get("patience_ms", 1000)

    def __init__(self):
        self._out = _Packets()
        self._in = _Packets()
        self._owed = 0

    def sent(self, data):
        self._owed += self._out.count(data, _ASKS)
        return self._owed > 0

    def received(self, data):
        self._owed -= self._in.count(data, _ANSWERS)
        return self._owed > 0


class Http:
    """A request is answered by one answer, as long as its headers say."""

    patience_ms = virtual_clock.told.get("patience_ms", 1000)

    def __init__(self):
        self._head = b""
        self._left = None  # of the answer's body; None before it

    def sent(self, data):
        return True

    def received(self, data):
        if self._left is None:
            self._head += bytes(data)
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return True
            head = self._head[:end].lower()
            length = head.find(b"content-length:")
            self._left = int(head[length + 15 :].split(b"\r\n", 1)[0]) if length >= 0 else 0
            if b"chunked" in head:
                self._left = 1 << 30  # as much as comes until the connection's end, or until patience is over
            data = self._head[end + 4 :]
            self._head = b""
        self._left -= len(data)
        if self._left > 0:
            return True
        self._left = None
        return False


class TimeServer(io.IOBase):
    """Answers SNTP with the virtual time, at once, unless MB_SIM says "ntp": false or there is no network (`reachable`)."""

    def __init__(self, reachable):
        self._reachable = reachable
        self._answer = None

    def setblocking(self, on):
        pass

    def connect(self, address):
        pass

    def send(self, data):
        if virtual_clock.told.get("ntp", True) and self._reachable():
            now = (virtual_clock.unix_ms + virtual_clock.ms) // 1000 + _FROM_1900_TO_1970 & 0xFFFFFFFF
            select.stir()
            self._answer = b"\x24\x02" + bytes(38) + now.to_bytes(4, "big") + bytes(4)
        return len(data)

    write = send

    def read(self, count=-1):
        answer, self._answer = self._answer, None
        return answer

    def close(self):
        pass

    def virtual_poll(self, flags):
        return flags & 1 if self._answer else flags & 4

    def ioctl(self, request, argument):
        return self.virtual_poll(argument) if request == _POLL else -22
