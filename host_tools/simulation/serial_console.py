"""A simulated dongle's serial port: what the firmware writes goes out on a pty; what a program writes there comes to the firmware's standard input.

A serial line waits for nobody: what no program reads is lost. One that reads is given the time that a real line's pace would give it.
"""

import contextlib
import os
import select
import threading
import tty

_PATIENCE_S = 0.5  # for a program that reads and is busy at this moment
_PIECE = 4096


class SerialConsole:
    """`path` is what a program opens, as it would open /dev/ttyUSB0. It outlives restarts of the dongle; `close()` unplugs the cable."""

    def __init__(self):
        self._master, self._slave = os.openpty()  # this side keeps the program's end open too: it stays raw, and programs may come and go
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.path.realpath(os.ttyname(self._slave))
        self._lock = threading.Lock()
        self._reader = self._writer = -1  # the pipe to the firmware of this moment
        self._missed = False  # nobody read when last something came
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._pump, name="console", daemon=True)
        self._thread.start()

    def stdin(self) -> int:
        """The file descriptor that a firmware about to be started gets as its standard input; what was meant for the last one is gone."""
        with self._lock:
            self._hang_up()
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            return self._reader

    def put(self, line: bytes) -> bool:
        """Sends what the firmware wrote, its end as a terminal wants it; whether it was of an answer to what was typed."""
        self._send(line.replace(b"\n", b"\r\n"))
        return line.startswith(b"\x1e")

    def type(self, line: str) -> None:
        """Writes a line as a program at `path` does."""
        with open(self.path, "wb", buffering=0) as port:
            port.write(line.encode() + b"\r\n")

    def _send(self, data: bytes) -> None:
        while data:
            with self._lock:
                if self._master < 0:
                    return
                try:
                    data = data[os.write(self._master, data) :]
                    self._missed = False
                    continue
                except BlockingIOError:
                    master = self._master
            with contextlib.suppress(OSError, ValueError):  # it was unplugged meanwhile
                if not self._missed and select.select([], [master], [], _PATIENCE_S)[1]:
                    continue
            self._missed = True
            return

    def close(self) -> None:
        """Unplugs it: a program that has it open finds that it is gone. Twice does no harm."""
        if self._master < 0:
            return
        os.close(self._end)
        self._thread.join()
        with self._lock:
            self._hang_up()
            for fd in (self._slave, self._master, self._ended):
                os.close(fd)
            self._master = -1

    def _hang_up(self) -> None:
        for fd in (self._reader, self._writer):
            if fd >= 0:
                os.close(fd)
        self._reader = self._writer = -1

    def _pump(self) -> None:
        while True:
            ready = select.select([self._master, self._ended], [], [])[0]
            if self._ended in ready:
                return
            try:
                data = os.read(self._master, _PIECE)
            except OSError:
                return
            with self._lock:
                if self._writer >= 0:
                    try:
                        os.write(self._writer, data)
                    except (BlockingIOError, BrokenPipeError):
                        pass  # the firmware takes nothing, or is gone
