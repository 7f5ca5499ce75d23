"""The wire between a simulated meter and whoever reads it: telegrams (bytes) in; a pty or a TCP port at the line's real pace out.

A serial line waits for nobody. What a reader does not take in time is dropped and counted, and the meter goes on. What a reader
sends to the meter comes at the line's pace too; a meter that does not listen never learns of it.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from host_tools.errors import MISSING, UserError
from host_tools.meters.line import Line

_SLICE_S = 0.01  # bytes go out in portions of this much line time
_STALE_S = 1.0  # see Wire.stale_s
_HOLD = 4095  # bytes that wait for a reader of a pty: what a terminal holds of raw input, and about what a dongle's UART does
_SEND_BUFFER = 8192  # bytes per TCP reader, so that a slow one reads at most this much of the past
_MAX_READERS = 16
_MAX_INPUT = 4096  # bytes to the meter that wait for their moment: a request has 5, a reader gone mad as many as it likes


class Wire:
    """What the two kinds have in common. `sent` and `dropped` count bytes; `path` is what a reader opens. `stale_s`: a reader that took
    nothing for so long is no reader, and what waits for it is dropped.

    `on_input` is called with the bytes that a reader sent to the meter, when the last of them would have left the line;
    only while something is written or waited for, and in that thread.
    """

    path: str
    stale_s = _STALE_S

    def __init__(self, line: Line, speed: float = 1.0, line_file: str | None = None, on_input: Callable[[bytes], None] | None = None):
        if speed <= 0:
            raise UserError(f"speed {speed:g} makes no sense: give a number above 0")
        self.line, self.speed, self.on_input = line, speed, on_input
        self.sent = self.dropped = 0
        self._clear_at = 0.0  # monotonic time at which the last byte handed over has left the line
        self._input: deque[tuple[float, int]] = deque()  # bytes to the meter, each with the monotonic time at which it is there
        self._line_file = line_file
        if line_file:
            line.save(line_file)

    def set_line(self, line: Line) -> None:
        """Other settings from the next byte on, in both directions; a simulated dongle learns of them from the line file."""
        if line != self.line:
            self.line = line
            if self._line_file:
                line.save(self._line_file)

    def write(self, data: bytes, stop: threading.Event | None = None) -> None:
        """Puts the bytes on the line at its pace; returns when the last has left, or early when `stop` is set."""
        second = self.line.byte_seconds / self.speed
        portion = max(1, int(_SLICE_S / second))
        self._clear_at = max(self._clear_at, time.monotonic())
        for at in range(0, len(data), portion):
            part = data[at:at + portion]
            self._clear_at += len(part) * second
            # The portion is handed over when its last byte would have arrived.
            self.wait(self._clear_at, stop)
            if stop and stop.is_set():
                return
            self._put(part)

    def wait(self, until: float, stop: threading.Event | None = None, news: threading.Event | None = None) -> None:
        """Waits till the monotonic time `until`, or till `stop` or `news` is set, and looks after the readers meanwhile."""
        while True:
            now = time.monotonic()
            self._deliver(now)
            if until <= now or (stop and stop.is_set()) or (news and news.is_set()):
                return
            first = self._input[0][0] - now if self._input else 0.1
            self._tend(max(0.0, min(until - now, first, 0.1)))

    def _hear(self, data: bytes) -> None:
        """Takes what a reader sent to the meter: each byte arrives when the one before it has left the line."""
        if self.on_input is None:
            return
        second = self.line.byte_seconds / self.speed
        at = max(time.monotonic(), self._input[-1][0] if self._input else 0.0)
        for number, byte in enumerate(data[:_MAX_INPUT - len(self._input)], 1):
            self._input.append((at + number * second, byte))

    def _deliver(self, now: float) -> None:
        arrived = bytearray()
        while self._input and self._input[0][0] <= now:
            arrived.append(self._input.popleft()[1])
        if arrived and self.on_input:
            self.on_input(bytes(arrived))

    def drain(self, seconds: float = _STALE_S) -> None:
        """Waits at most so long for a reader to take the last bytes, before a close that would lose them; counts what stays."""

    def close(self) -> None:
        """Gives the pty or port back. Twice does no harm."""

    def _put(self, part: bytes) -> None:
        raise NotImplementedError

    def _tend(self, seconds: float) -> None:
        """Waits at most so long for something to do."""
        raise NotImplementedError

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PtyWire(Wire):
    """A pseudo terminal in raw mode. `path` is its device, to be opened like any serial port."""

    def __init__(self, line: Line, speed: float = 1.0, line_file: str | None = None, on_input: Callable[[bytes], None] | None = None):
        super().__init__(line, speed, line_file, on_input)
        try:
            import fcntl
            import termios
            import tty
        except ImportError as error:
            raise UserError("there are no pseudo terminals on this system: give --tcp PORT, or use Linux, macOS or WSL", MISSING) from error
        self._ioctl, self._termios = fcntl.ioctl, termios
        # This side keeps the reader's end open too: it stays raw, and readers may come and go.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.path.realpath(os.ttyname(self._slave))
        self._taken = 0
        self._taken_at = time.monotonic()

    def _put(self, part: bytes) -> None:
        self._forget_stale()
        room = max(0, _HOLD - self._waiting())
        try:
            done = os.write(self._master, part[:room])
        except BlockingIOError:
            done = 0
        self.sent += done
        self.dropped += len(part) - done

    def _waiting(self) -> int:
        return struct.unpack("i", self._ioctl(self._slave, self._termios.FIONREAD, b"\0" * 4))[0]

    def _forget_stale(self) -> None:
        """Drops what nobody has read for a while, so that a reader who comes gets the present and not the past."""
        waiting = self._waiting()
        taken, now = self.sent - waiting, time.monotonic()
        if taken != self._taken or not waiting:
            self._taken, self._taken_at = taken, now
        elif now - self._taken_at > self.stale_s:
            self._forget()
            self._taken_at = now

    def _forget(self) -> None:
        while waiting := self._waiting():  # again, as more may have been on its way
            self._termios.tcflush(self._slave, self._termios.TCIFLUSH)
            self.sent -= waiting
            self.dropped += waiting

    def settle(self, stop: threading.Event) -> None:
        """Waits until the reader has taken all, or `stop` is set: a line that waits, as no real one does."""
        while self._waiting() and not stop.is_set():
            self.wait(time.monotonic() + 0.001, stop)

    def drain(self, seconds: float = _STALE_S) -> None:
        until = time.monotonic() + seconds
        while self._waiting() and time.monotonic() < until:
            time.sleep(_SLICE_S)
        for _ in range(3):  # the system hands over in its own time
            self._forget()
            time.sleep(_SLICE_S)

    def _tend(self, seconds: float) -> None:
        self._forget_stale()
        if select.select([self._master], [], [], seconds)[0]:
            try:
                self._hear(os.read(self._master, 1024))
            except OSError:
                time.sleep(seconds)

    def close(self) -> None:
        if self._master >= 0:
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1


class TcpWire(Wire):
    """A TCP port of this machine; each reader gets all bytes from the moment it connects. `path` is tcp://127.0.0.1:<port>."""

    def __init__(self, line: Line, port: int = 0, speed: float = 1.0, line_file: str | None = None,
                 on_input: Callable[[bytes], None] | None = None):
        """Port 0 takes a free one. Raises UserError when the port cannot be had."""
        super().__init__(line, speed, line_file, on_input)
        self._readers: list[socket.socket] = []
        self._door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":
            self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._door.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            self._door.close()
            raise UserError(_port_trouble(port, error)) from error
        self._door.listen(_MAX_READERS)
        self._door.setblocking(False)
        self.port = self._door.getsockname()[1]
        self.path = f"tcp://127.0.0.1:{self.port}"

    @property
    def readers(self) -> int:
        """How many are connected."""
        return len(self._readers)

    def _put(self, part: bytes) -> None:
        self._greet(0)
        if not self._readers:
            self.dropped += len(part)
        for reader in list(self._readers):
            try:
                done = reader.send(part)
            except BlockingIOError:
                done = 0
            except OSError:
                self._dismiss(reader)
                continue
            self.sent += done
            self.dropped += len(part) - done

    def _tend(self, seconds: float) -> None:
        self._greet(seconds)

    def _greet(self, seconds: float) -> None:
        """Lets readers in, and those go that have closed, or half closed, their end."""
        for ready in select.select([self._door, *self._readers], [], [], seconds)[0]:
            if ready is not self._door:
                try:
                    said = ready.recv(1024)
                except BlockingIOError:
                    continue
                except OSError:
                    said = b""
                if said:
                    self._hear(said)
                else:
                    self._dismiss(ready)
                continue
            try:
                reader, _ = self._door.accept()
            except OSError:
                continue  # it left before it came in
            if len(self._readers) >= _MAX_READERS:
                reader.close()
                continue
            reader.setblocking(False)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._readers.append(reader)

    def _dismiss(self, reader: socket.socket) -> None:
        self._readers.remove(reader)
        reader.close()

    def close(self) -> None:
        for reader in list(self._readers):
            self._dismiss(reader)
        self._door.close()


def _port_trouble(port: int, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return f"port {port} is in use by another program; choose another, or 0 for any free one"
    if code == errno.EACCES:
        return f"port {port} is reserved for the system; choose one above 1023, or 0 for any free one"
    return f"port {port} cannot be opened ({error}); choose one from 1024 to 65535, or 0 for any free one"
