"""The UART of a run in virtual time: records of the world outside in, bytes out at the virtual moment when they come.

The host sends records (kind, ms, length, bytes) by TCP: telegrams, and events, at which this program stops until the host has done
what is to happen then (a server killed, the Wi-Fi gone, this program's own power cut). On a second connection this program says that it
has come to an event, and the host that it is done: "k", or "t", eight digits and so many bytes that the meter sends at that moment.
"""

import io
import struct

import select
import usocket
import virtual_clock
from sim_arguments import check, take

_RECORD = "<BQI"  # kind, milliseconds since this boot, bytes that follow
_HEAD = 13
TELEGRAM, EVENT = 0, 1
_POLL = 3
_EINVAL = -22
_RXBUF_DEFAULT = 256


class World:
    """The records, one ahead. `line`: the UART that hears the telegrams; `changed`: called after an event."""

    def __init__(self, port):
        self._records, self._words = usocket.socket(), usocket.socket()
        for one in self._records, self._words:
            one.connect(usocket.getaddrinfo("127.0.0.1", port)[0][-1])
        self.line = None
        self.changed = None
        virtual_clock.happen = self._happen
        self._next()

    def _next(self):
        self._kind, virtual_clock.due, length = struct.unpack(_RECORD, self._records.read(_HEAD))
        self._data = self._records.read(length) if length else b""

    def _happen(self):
        """What is due now."""
        if self._kind == TELEGRAM:
            if self.line:
                self.line.hear(self._data)
        else:
            self.tell(self._data)
            select.stir()
            self.changed()
        self._next()

    def tell(self, what):
        """Says `what` (one line) to the host and waits until it has acted; that may be the end of this program."""
        self._words.write(what + b" %d\n" % virtual_clock.ms)
        if self._words.read(1) == b"t":  # and the meter spoke
            data = self._words.read(int(self._words.read(8)))
            if self.line:
                self.line.hear(data)


world = World(virtual_clock.told["port"])


class UART(io.IOBase):
    """As on the ESP32, as far as a meter that speaks unasked, with the right settings, needs it."""

    INV_TX = 32
    INV_RX = 4
    INV_RTS = 64
    INV_CTS = 8
    RTS = 1
    CTS = 2

    def __init__(self, id, baudrate=115200, **options):
        self._size = _RXBUF_DEFAULT
        self._kept = b""
        self._tx = None
        self.init(baudrate, **options)
        world.line = self

    def init(
        self,
        baudrate=0,
        bits=0,
        parity=-1,
        stop=0,
        *,
        tx=-1,
        rx=-1,
        rts=-1,
        cts=-1,
        txbuf=-1,
        rxbuf=-1,
        timeout=0,
        timeout_char=0,
        invert=0,
        flow=0
    ):
        check((baudrate, bits, stop, timeout, timeout_char, invert, flow, txbuf, rxbuf), (rx, cts), (tx, rts))
        self._tx = take(tx, self._tx, bool(invert & self.INV_TX))
        if rxbuf >= 0:
            self._size = rxbuf
            self._kept = b""

    def deinit(self):
        world.line = None

    def hear(self, data):
        """Bytes came; what finds no room is lost."""
        self._kept += data[: self._size - len(self._kept)]
        select.stir()

    def any(self):
        return len(self._kept)

    def readinto(self, room, count=-1):
        n = min(len(self._kept), len(room) if count < 0 else count)
        if not n:
            return None
        room[:n] = self._kept[:n]
        self._kept = self._kept[n:]
        return n

    def read(self, count=-1):
        n = len(self._kept) if count < 0 else min(count, len(self._kept))
        data, self._kept = self._kept[:n], self._kept[n:]
        return data or None

    def write(self, data):
        return len(data)

    def flush(self):
        pass

    def txdone(self):
        return True

    def virtual_poll(self, flags):
        return flags & (5 if self._kept else 4)

    def ioctl(self, request, argument):
        return self.virtual_poll(argument) if request == _POLL else _EINVAL
