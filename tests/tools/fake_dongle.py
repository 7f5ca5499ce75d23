"""What answers like a dongle's console, by the words of its description and not by its code: files and faults in, a pty out."""

import base64
import json
import os
import threading
import tty
import zlib

PIECE = 300


class FakeDongle:
    """`path` is the port. `damage`: each so many'th line comes with a wrong character; `gone`: files that are listed and not there; `dies_after`: so
    many lines it vanishes; `mute`: commands that get no answer; `hello`: what it says of itself, None for a thing that is no dongle; `says`: instead.
    """

    def __init__(self, files=None, damage=0, gone=(), dies_after=0, mute=(), says=b""):
        self.files, self.damage, self.gone, self.dies_after, self.mute, self.says = files or {}, damage, gone, dies_after, mute, says
        self.lines = 0
        self.asked: list[str] = []
        self.erased: list[str] = []
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> "FakeDongle":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._vanish()

    def _vanish(self) -> None:
        master, self._master = self._master, -1
        if master >= 0:
            os.close(self._slave)
            os.close(master)

    def _live(self) -> None:
        pending = b""
        try:
            while self._master >= 0:
                pending += os.read(self._master, 1000)
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    if line:
                        self._answer(line.decode())
        except OSError:
            pass

    def _say(self, row) -> None:
        self.lines += 1
        if self.lines == self.dies_after:
            self._vanish()
            raise OSError
        text = b"\x1e" + (row.encode() if isinstance(row, str) else json.dumps(row).encode())
        if self.damage and self.lines % self.damage == 0:
            text = text[: len(text) // 2] + b"#" + text[len(text) // 2 + 1 :]
        data = b"2026-11-22T02:00:00Z info meter: a line between\r\n" + text + b"\r\n"
        while data:
            data = data[os.write(self._master, data) :]

    def _answer(self, line: str) -> None:
        self.asked.append(line)
        if self.says:
            os.write(self._master, self.says)
            return
        command, *words = line.split()
        if command in self.mute:
            return
        getattr(self, f"_{command}")(*words)
        self._say({"done": line})

    def _hello(self, _number: str) -> None:
        self._say({"id": "mb-fake01", "version": "0.1.0", "board": "fake", "boot": 3})

    def _status(self) -> None:
        for piece in ('{"journal":{"oldest":4', ',"next":14}', "}"):
            self._say("+" + piece)

    def _save(self) -> None:
        self._say({"saved": True})

    def _ram(self) -> None:
        pass

    def _files(self) -> None:
        for path in sorted(self.files):
            self._say({"path": path, "size": len(self.files[path])})

    def _send(self, path: str, at: str, count: str) -> None:
        if path in self.gone:
            self._say({"error": "no such file"})
            return
        data = self.files[path][: int(at) + int(count)]
        for begin in range(int(at), len(data), PIECE):
            piece = data[begin : begin + PIECE]
            self._say({"at": begin, "crc": zlib.crc32(piece, begin), "data": base64.b64encode(piece).decode()})

    def _erase(self, what: str) -> None:
        for kind in ("logs", "profiles", "readings"):
            if what in (kind, "all"):
                self.erased.append(kind)
                self._say({"erased": kind, "files": 2, "bytes": 8192})
