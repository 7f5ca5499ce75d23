"""The module `socket` of a run in virtual time: real sockets to real programs, with a note of whether their other side owes an answer.

While the simulated Wi-Fi is down no name is found, and open connections neither give nor take: what is written waits in the chip's
own buffer, as in a real one, until there is a network again or the connection is given up. Datagrams go to a time server of our own,
which knows the virtual time.
"""

import io
import sys

import network
import select
import usocket as _usocket
import virtual_answers
import virtual_clock
from sim_chip import chip as _chip
from sim_chip import read_json as _read_json
from usocket import *  # noqa: F403

_NO_ANSWER = -202  # what the ESP32's resolver raises (EAI_FAIL of lwIP)
_SEND_BUFFER = 5744  # lwIP's TCP_SND_BUF on an ESP32
_POLL, _CLOSE, _GET_FILENO = 3, 4, 10
_EINVAL = -22
# Linux: what was received is acknowledged at once. A program that sends two small packets waits in between for the acknowledgement of the
# first, and the answer that would carry it is far away in virtual time.
_TCP, _QUICKACK = 6, 12
_QUICK = sys.platform == "linux"


def _online():
    return not _chip("wifi") or network._carries()


select.reachable = _online


def getaddrinfo(host, port, *rest):
    """As boards/sim/socket.py has it."""
    if host == "0.0.0.0":
        return _usocket.getaddrinfo("127.0.0.1", _chip("ports", {}).get(str(port), port), *rest)
    if not _online():
        raise OSError(_NO_ANSWER)
    told = _read_json(_chip("wifi")) if _chip("wifi") else {}
    if not told.get("dns", True) and not host.replace(".", "").isdigit():
        virtual_clock.sleep(told.get("dns_ms", 0))
        raise OSError(_NO_ANSWER)
    return _usocket.getaddrinfo(told.get("hosts", {}).get(host, host), port, *rest)


def socket(*kind):
    """A socket; a datagram socket is one to the time server."""
    if len(kind) > 1 and kind[1] == SOCK_DGRAM:  # noqa: F405
        return virtual_answers.TimeServer(_online)
    return _Stream(_usocket.socket(*kind))


class _Stream(io.IOBase):
    """A TCP connection. `patience_ms`: how long an answer may really take."""

    def __init__(self, real):
        self._real = real
        self._fd = real.fileno()
        self._held = b""  # written while there was no network
        self._answers = None
        self._guest = False  # it came by itself
        self.patience_ms = select._PATIENCE_MS

    def connect(self, address):
        self._expect(True)
        self._real.connect(address)

    def bind(self, address):
        self._real.bind(address)

    def listen(self, backlog):
        self._real.listen(backlog)

    def accept(self):
        """Who has connected is really waited for, until it has said what it wants and was answered."""
        real, address = self._real.accept()
        made = _Stream(real)
        made._guest = True
        made._expect(True)
        return made, address

    def setblocking(self, on):
        self._real.setblocking(on)

    def settimeout(self, seconds):
        self._real.settimeout(seconds)

    def setsockopt(self, *option):
        self._real.setsockopt(*option)

    def fileno(self):
        return self._fd

    def write(self, data, *part):
        select.stir()
        if part:
            data = memoryview(data)[: part[0]] if len(part) == 1 else memoryview(data)[part[0] : part[0] + part[1]]
        if not _online():
            fits = min(len(data), _SEND_BUFFER - len(self._held))
            self._held += bytes(data[:fits])
            return fits or None
        self._flush()
        count = self._real.write(data)
        if count and not self._guest:
            if self._answers is None:
                self._answers = virtual_answers.of(data)
            self.patience_ms = self._answers.patience_ms
            self._expect(self._answers.sent(data[:count]))
        return count

    send = write

    def read(self, count=-1):
        if not self._open():
            return None
        data = self._real.read(count)
        self._got(data)
        return data

    recv = read

    def readline(self):
        if not self._open():
            return None
        data = self._real.readline()
        self._got(data)
        return data

    def readinto(self, room, *count):
        if not self._open():
            return None
        got = self._real.readinto(room, *count)
        self._got(None if got is None else memoryview(room)[:got])
        return got

    def close(self):
        select.stir()
        self._expect(False)
        self._real.close()

    def ioctl(self, request, argument):
        if request == _GET_FILENO:
            return self._fd
        if request == _CLOSE:
            self.close()
            return 0
        if request == _POLL:
            found = select._Poll()
            found.register(self._fd, argument)
            for _, event in found.poll(0):
                return event
            return 0
        return _EINVAL

    def give_up(self):
        """Nothing came."""
        self._expect(False)

    def _open(self):
        if _online():
            self._flush()
            return True
        return False

    def _flush(self):
        if self._held:
            count = self._real.write(self._held)
            self._held = self._held[count or 0 :]

    def _got(self, data):
        if data is None:
            return
        select.stir()
        if _QUICK:
            self._real.setsockopt(_TCP, _QUICKACK, 1)
        self._expect(self._guest or len(data) > 0 and self._answers is not None and self._answers.received(data))

    def _expect(self, owed):
        if owed:
            select.stir()
            select.awaited.add(self)
        else:
            select.awaited.discard(self)
