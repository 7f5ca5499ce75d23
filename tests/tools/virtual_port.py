"""A serial port to a firmware in virtual time, which passes as the program at the port asks: a line that it types takes a second."""

import os
import select
import threading
import tty

SECOND = 1


class VirtualPort:
    """`path`: of a pty. `live(seconds, *lines)` types lines and lets so much time pass, and gives what the firmware said; it is called in a thread."""

    def __init__(self, live):
        self._live = live
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.typed: list[str] = []
        self.failure = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "VirtualPort":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)
        if self.failure:
            raise self.failure

    def _run(self) -> None:
        try:
            pending = b""
            while not self._over.is_set():
                if not select.select([self._master], [], [], 0.05)[0]:
                    continue
                pending += os.read(self._master, 1000)
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    if line:
                        self._answer(line.decode())
        except Exception as error:  # told to who waits for the thread
            self.failure = error

    def _answer(self, line: str) -> None:
        self.typed.append(line)
        for row in self._live(SECOND, line):
            data = row.encode() + b"\r\n"
            while data:
                data = data[os.write(self._master, data) :]
