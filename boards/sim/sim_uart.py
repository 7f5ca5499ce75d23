"""Fake of `machine.UART`: a pseudo-terminal or a TCP connection in, bytes as the ESP32's driver would hand them over out.

Bytes that do not fit in `rxbuf` between two reads are lost, as in the real driver. Settings that differ from the meter's make the
bytes that such a mistake makes, and so does what is written to the meter. A sender that goes away is a silent line: a UART
knows no end.
"""

import io
import os

import uselect
import usocket
import utime
from sim_arguments import check, take
from sim_chip import chip, read_json

_CHECK_LINE_MS = 100  # how old the knowledge of the sender's settings may be
_RETRY_MS = 500  # between attempts to find a sender that went away
_POLL = 3  # MP_STREAM_POLL
_GET_FILENO = 10  # MP_STREAM_GET_FILENO
_READ, _WRITE, _HANG_UP = 1, 4, 16
_EINVAL = -22
_UARTS = 3
_RXBUF_DEFAULT = 256
_ASIDE = 256
# A line that is many times faster than life waits for a program that no real line would have overrun.
_PATIENT = os.getenv("MB_PATIENT_LINE")


class UART(io.IOBase):
    """As on the ESP32: one object per use, `init` to change settings."""

    INV_TX = 32
    INV_RX = 4
    INV_RTS = 64
    INV_CTS = 8
    RTS = 1
    CTS = 2

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **options):
        if not isinstance(id, int):
            raise TypeError("can't convert %s to int" % type(id).__name__)
        if not 0 <= id < _UARTS:
            raise ValueError("UART(%d) does not exist" % id)
        self._file = None
        self._fd = None
        self._tried = None
        self._kept = memoryview(bytearray(_RXBUF_DEFAULT))  # the driver's buffer; what waits in it is _start.._end
        self._start = self._end = 0
        self._lost = 0
        self._line_at = None
        self._sender = None
        self._poll = None
        self._line = self._tx = None
        self._quiet_at = utime.ticks_ms()  # when the last byte written has left
        self._open()
        self.init(baudrate, bits, parity, stop, **options)

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
        from sim_line import Line

        check((baudrate, bits, stop, timeout, timeout_char, invert, flow, txbuf, rxbuf), (rx, cts), (tx, rts))
        if parity is not None and parity != -1:
            parity &= 1  # even or odd, as the driver takes it
        old = self._line
        if old:
            self.flush()
            self._drain()  # what came until now was read with the old settings
        if parity == -1:
            parity = old.parity if old else None
        if rxbuf >= 0 or txbuf >= 0:  # the driver is installed anew, its buffer empty
            if rxbuf >= 0 and rxbuf != len(self._kept):
                self._kept = memoryview(bytearray(rxbuf))
            self._start = self._end = 0
        self._line = Line(
            baudrate or (old.baud if old else 115200),
            bits or (old.bits if old else 8),
            parity,
            stop or (old.stop if old else 1),
            bool(invert & self.INV_RX),
        )
        self._tx_inverted = bool(invert & self.INV_TX)
        self._line_at = None
        self._tx = take(tx, self._tx, self._tx_inverted)

    def deinit(self):
        self._close()
        self._tried = utime.ticks_ms() + (1 << 28)  # never again

    # the stream ----------------------------------------------------------------------------------------------------

    def any(self):
        self._drain()
        return self._end - self._start

    def readinto(self, buf, nbytes=-1):
        self._drain()
        n = min(self._end - self._start, len(buf) if nbytes < 0 else nbytes)
        if not n:
            return None
        buf[:n] = self._kept[self._start : self._start + n]
        self._start += n
        return n

    def read(self, nbytes=-1):
        n = self.any() if nbytes < 0 else min(nbytes, self.any())
        if not n:
            return None
        data = bytearray(n)
        self.readinto(data)
        return bytes(data)

    def readline(self):
        self._drain()
        for at in range(self._start, self._end):
            if self._kept[at] == 10:
                return self.read(at + 1 - self._start)
        return self.read()

    def write(self, buf):
        line, now = self._line, utime.ticks_ms()
        bits = 1 + line.bits + (line.parity is not None) + line.stop
        start = now if self.txdone() else self._quiet_at
        self._quiet_at = utime.ticks_add(start, len(buf) * bits * 1000 // line.baud + 1)
        if self._file is not None:  # else into the air
            try:
                self._file.write(self._heard(buf))
            except OSError:
                pass  # nobody is there, or they do not listen
        return len(buf)

    def flush(self):
        utime.sleep_ms(max(0, utime.ticks_diff(self._quiet_at, utime.ticks_ms())))

    def txdone(self):
        return utime.ticks_diff(utime.ticks_ms(), self._quiet_at) >= 0

    def ioctl(self, request, arg):
        if request == _GET_FILENO:
            # With bytes at hand only ioctl(POLL) tells the truth; with none the operating system can wait for us.
            if self._fd is None or self._start < self._end:
                return _EINVAL
            return self._fd
        if request == _POLL:
            if arg & _READ and self._start == self._end:
                self._drain()
            return arg & (_READ if self._start < self._end else 0) | arg & _WRITE
        return _EINVAL

    # the wire --------------------------------------------------------------------------------------------------------

    def _open(self):
        self._tried = utime.ticks_ms()
        where = chip("uart")
        if not where:
            return
        try:
            if where.startswith("tcp://"):
                host, port = where[6:].rsplit(":", 1)
                stream = usocket.socket()
                stream.connect(usocket.getaddrinfo(host, int(port))[0][-1])
                stream.setblocking(False)
            else:
                stream = open(where, "r+b")
        except OSError as error:
            print("sim: no meter at %s: %s" % (where, error))
            return
        self._file = stream
        self._fd = stream.fileno()
        self._poll = uselect.poll()
        self._poll.register(self._fd, _READ)

    def _close(self):
        if self._file is not None:
            self._file.close()
        self._file = self._fd = self._poll = None

    def _drain(self):
        """Takes what the wire holds: up to `rxbuf` bytes are kept, the rest is lost."""
        if self._file is None:
            if utime.ticks_diff(utime.ticks_ms(), self._tried) < _RETRY_MS:
                return
            self._open()
        while self._file is not None:
            event = 0
            for _, event in self._poll.ipoll(0):
                pass
            if not event:
                return
            misread = self._misreads()
            full = self._end == len(self._kept) and not self._make_room()
            if full and _PATIENT:
                return
            if misread or full:
                chunk = self._take_aside(misread)
            else:
                chunk = self._take(self._kept[self._end :])
                self._end += chunk or 0
            if not chunk:
                if chunk is not None:  # the sender has gone: an error, an end, or nothing to read after a hang-up
                    self._close()
                return

    def _make_room(self):
        """Moves what waits to the front; False when there is no room all the same."""
        if not self._start:
            return False
        kept = self._kept
        to = 0
        for at in range(self._start, self._end):
            kept[to] = kept[at]
            to += 1
        self._start, self._end = 0, to
        return True

    def _take(self, room):
        """Fills `room` with what was sent: how many bytes; 0 when the sender has gone, None when there is nothing yet."""
        try:
            return self._file.readinto(room)
        except OSError:
            return 0

    def _take_aside(self, misread):
        """Like _take, for bytes that are read wrongly (`misread` tells how) or find no room: as many as fit are kept."""
        chunk = bytearray(_ASIDE)
        count = self._take(chunk)
        if not count:
            return count
        data = misread(chunk[:count]) if misread else chunk[:count]
        self._make_room()
        fit = min(len(data), len(self._kept) - self._end)
        self._kept[self._end : self._end + fit] = data[:fit]
        self._end += fit
        self._lost += len(data) - fit
        return count

    def _misreads(self):
        """A function for what these settings make of bytes that the meter sent with its own; None when they agree."""
        path = chip("line")
        if not path:
            return None
        now = utime.ticks_ms()
        if self._line_at is None or utime.ticks_diff(now, self._line_at) > _CHECK_LINE_MS:
            self._line_at = now
            self._sender = self._learn(path)
        if self._sender is None:
            return None
        from sim_line import misread

        return lambda chunk: misread(chunk, self._sender, self._line)

    def _learn(self, path):
        """The meter's settings if they differ from ours, else None."""
        sender = _told(path)
        return None if not sender or self._line.reads(sender) else sender

    def _heard(self, buf):
        """What the meter makes of `buf`. Its ears are not inverted: only a P1 port's mouth is, and that has no ears."""
        from sim_line import Line, misread

        meter, line = _told(chip("line")), self._line
        if not meter:
            return buf
        meter.inverted = False
        own = Line(line.baud, line.bits, line.parity, line.stop, self._tx_inverted)
        return buf if meter.reads(own) else misread(buf, own, meter, True)


def _told(path):
    """The settings that the meter wrote down at `path`, None when it did not."""
    from sim_line import Line

    told = read_json(path) if path else None
    return Line(told["baud"], told["bits"], told["parity"], told["stop"], told["inverted"]) if told else None
