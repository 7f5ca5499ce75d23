"""What `meterbridge capture` listens with: the name of a port in; its bytes as they come, and what they look like, out.

A capture is two files: NAME.bin, the bytes that came and nothing else, and NAME.times.jsonl, when they came: first a line with
"port", "line" (None for a TCP port) and "started" (UTC), then a line {"at": seconds since then, "bytes": how many} for each piece.
"""

from __future__ import annotations

import datetime
import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from host_tools import runtime
from host_tools.errors import FAILED, USAGE, UserError
from host_tools.meters.line import Line

PIECE_S = 0.2  # bytes that come within this time are one piece
PIECE_BYTES = 4096
# What is tried in turn by `--line auto`, and how long: longer than the slowest push of a P1 port or a meter's IR interface.
CANDIDATES = ("115200 8N1", "9600 8N1", "9600 7E1", "9600 8E1", "2400 8E1", "2400 8N1", "115200 8E1", "115200 7E1")
TRY_S = 11.5
# What a line that is idle at the wrong level, or is read at a wrong speed, looks like: long runs of equal bits.
RUNS = frozenset((0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF))
ODD_SHARE = 0.25
ENOUGH_BYTES = 64  # to judge by
TEXT_SHARE = 0.9
PRINTABLE = frozenset((*range(32, 127), 10, 13))


class Port:
    """An open serial port (or pseudo terminal) or TCP connection; `line` is None for TCP."""

    def __init__(self, name: str, line: Line):
        self.name = name
        self.line: Line | None = None
        if name.startswith("tcp://"):
            self._source = _connect(name)
        else:
            self.line = line
            self._source = _serial(name, line)

    def read(self, seconds: float) -> bytes:
        """What comes within `seconds`, as soon as something does; b"" when nothing. Raises UserError when the port is gone."""
        try:
            if os.name == "nt" and self.line is not None:  # select takes sockets alone there
                self._source.timeout = seconds
                return self._source.read(1) + self._source.read(self._source.in_waiting)
            if not select.select([self._source], [], [], seconds)[0]:
                return b""
            data = self._source.recv(PIECE_BYTES) if self.line is None else self._source.read(self._source.in_waiting or 1)
        except OSError as error:
            raise UserError(f"{self.name}: the connection broke ({error.strerror or error})", FAILED) from error
        if not data and self.line is None:
            raise UserError(f"{self.name}: the other side closed the connection", FAILED)
        return data

    def write(self, data: bytes) -> None:
        """Says something to the meter; what the port does not take at once is lost."""
        try:
            if self.line is None:
                self._source.send(data)
            else:
                self._source.write(data)
        except OSError:
            pass  # the next read says it

    def set_line(self, line: Line) -> None:
        """Other settings for the same port."""
        self.line = line
        for name, value in _settings(line).items():
            setattr(self._source, name, value)

    def close(self) -> None:
        self._source.close()


def _settings(line: Line) -> dict:
    return {"baudrate": line.baud, "bytesize": line.bits, "parity": {None: "N", 0: "E", 1: "O"}[line.parity], "stopbits": line.stop}


def _serial(name: str, line: Line):
    import serial

    from host_tools.device import why_not

    try:
        return serial.Serial(name, timeout=0, exclusive=True, **_settings(line))
    except (OSError, ValueError) as error:
        raise UserError(why_not(name), FAILED) from error


def _connect(name: str) -> socket.socket:
    host, _, port = name[len("tcp://") :].rpartition(":")
    if not host or not port.isdigit():
        raise UserError(f"{name}: write it like tcp://192.168.1.20:23", USAGE)
    try:
        return socket.create_connection((host, int(port)), timeout=10)
    except OSError as error:
        raise UserError(f"{name}: nobody answers there ({error.strerror or error}): is the address right, is the device on?", FAILED) from error


class Ears:
    """Every framer of the firmware over the same bytes: how many telegrams of which protocol were there."""

    def __init__(self):
        runtime.firmware_importable()
        from bridge.pipeline import PROTOCOLS

        self._framers = []
        for module, name, *_ in PROTOCOLS.values():
            self._framers.append(getattr(__import__(module, None, None, (name,)), name)())
        self.heard = self._odd = self._high = self._text = 0

    def hear(self, data: bytes) -> bytes:
        """Takes what came; gives what the meter waits to hear (AMIS sends nothing to who does not answer), mostly nothing."""
        self.heard += len(data)
        self._odd += sum(octet in RUNS for octet in data)
        self._high += sum(octet > 127 for octet in data)
        self._text += sum(octet & 127 in PRINTABLE for octet in data)
        reply = b""
        for framer in self._framers:
            used = 0
            while used < len(data):
                used += framer.feed(data, used)
                framer.take()
            reply, framer.reply = framer.reply or reply, b""
        return reply

    @property
    def best(self):
        """The framer that found most; None when none found any. Bare DLMS is also found within frames."""
        found = max(self._framers, key=lambda one: (one.frames if one.PROTOCOL != "dlms" else one.frames / 2))
        return found if found.frames else None

    def text(self) -> str:
        """What was heard, in a few words."""
        best = self.best
        if best:
            damaged = f", {best.crc_errors} damaged" if best.crc_errors else ""
            return f"{self.heard} bytes, {best.frames} {best.PROTOCOL.upper()} telegram{'' if best.frames == 1 else 's'}{damaged}"
        return f"{self.heard} bytes, no telegram yet" if self.heard else "silence"

    def advice(self, line: Line | None) -> str:
        """What may be wrong when there was no telegram; "" when there was one or too little came to say."""
        if self.best or self.heard < ENOUGH_BYTES:
            return "" if self.heard else "nothing came: is the port open (in Belgium and Austria it is closed by default), the request line of a P1 port high, the head in place?"
        if self._odd > ODD_SHARE * self.heard:
            return (
                "long runs of equal bits: the line is inverted, or this is another speed. A P1 port is inverted, and a USB adapter cannot turn that "
                "round by software: it takes a cable or a transistor that inverts (or an FTDI chip set to invert with FT_PROG)"
            )
        if line and line.bits == 8 and self._high > self.heard // 4 and self._text > TEXT_SHARE * self.heard:
            return "many bytes have their high bit set: perhaps 7 data bits and a parity (--line '9600 7E1')"
        return "bytes, but no telegram that is whole: try --line auto, or turn the IR head"


class Files:
    """The two files of a capture, which grow as bytes come. Raises UserError rather than overwrite one."""

    def __init__(self, path: Path, force: bool):
        self.path = path
        self.times = path.with_suffix(".times.jsonl")
        self.written = 0
        mode = "wb" if force else "xb"
        try:
            self._data = path.open(mode)
            try:
                self._notes = self.times.open(mode)
            except OSError:
                self._data.close()
                path.unlink()
                raise
        except OSError as error:
            raise UserError(*_why_not(Path(error.filename), error)) from error

    def begin(self, port: Port) -> None:
        started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        self._begun = time.monotonic()
        self._note({"port": port.name if port.line is None else os.path.basename(port.name), "line": port.line and str(port.line), "started": started})

    def write(self, data: bytes) -> None:
        """Ctrl-C waits until both files have it."""
        mask = getattr(signal, "pthread_sigmask", lambda *_: None)  # Windows has none
        mask(getattr(signal, "SIG_BLOCK", 0), {signal.SIGINT})
        try:
            self._data.write(data)
            self._data.flush()
            self.written += len(data)
            self._note({"at": round(time.monotonic() - self._begun, 3), "bytes": len(data)})
        finally:
            mask(getattr(signal, "SIG_UNBLOCK", 0), {signal.SIGINT})

    def _note(self, row: dict) -> None:
        self._notes.write(json.dumps(row).encode() + b"\n")
        self._notes.flush()

    def close(self) -> None:
        """Leaves nothing behind when nothing came."""
        self._data.close()
        self._notes.close()
        if not self.written:
            self.path.unlink()
            self.times.unlink()


def _why_not(path: Path, error: OSError) -> tuple[str, int]:
    if path.is_dir():
        return f"{path} is a folder: name a file in it", USAGE
    if isinstance(error, FileExistsError):
        return f"{path} is there already: name another with -o, or overwrite it with --force", USAGE
    if not path.parent.is_dir():
        return f"{path}: there is no folder {path.parent}: make it first", USAGE
    return f"{path}: cannot be written there ({error.strerror}): name a file in a folder of yours with -o", USAGE


def find_line(port: Port, tell) -> bytes:
    """Tries CANDIDATES until a telegram comes, and leaves the port so set; gives the bytes heard since that setting began.

    `tell(text)` is called with what is tried. Raises UserError when none fits.
    """
    heard = []
    while True:
        for candidate in CANDIDATES:
            line = Line.parse(candidate)
            port.set_line(line)
            ears, data = Ears(), b""
            end = time.monotonic() + TRY_S
            while time.monotonic() < end:
                tell(f"trying {candidate}: {ears.text()}")
                piece = port.read(PIECE_S)
                if reply := ears.hear(piece):
                    port.write(reply)
                data += piece
                if ears.best:
                    return data
            heard.append((ears.heard, ears.advice(line)))
        advice = max(heard)[1] or Ears().advice(None)
        raise UserError(f"{port.name}: no telegram at any of {', '.join(CANDIDATES)}; {advice}", FAILED)


def pieces(port: Port, seconds: float | None) -> Iterator[bytes]:
    """What comes, in pieces, b"" now and then; ends after `seconds`."""
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        yield port.read(PIECE_S if end is None else max(0.0, min(PIECE_S, end - time.monotonic())))
