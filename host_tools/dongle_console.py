"""The console of a dongle that runs: a serial port in; who it is, copies of its files, what it forgot out. It is not stopped and misses no reading.

Each line of an answer begins with "\x1e", is JSON or a piece of the status, and {"done": ...} ends it; what else comes is the dongle's log.
"""

import base64
import binascii
import json
import os
import random
import time
from collections.abc import Callable, Iterator

from host_tools.device import why_not
from host_tools.errors import FAILED, MISSING, UserError

_BAUD = 115200  # MicroPython's own
_MARK = "\x1e"
_HELLO_S = 4.0  # a dongle that is busy with TLS answers within a second; one that was just reset by its port is back
_HELLOS = 4
_SILENCE_S = 8.0  # between two lines of an answer: flash and TLS may stop the dongle for a second or two
_SAVE_S = 30.0  # it waits for a telegram of the meter, which are at most some 10 s apart
_UPDATE_S = 20.0  # for the next piece to be asked for; the signature is looked at meanwhile
_ERASE_S = 60.0  # 2 MB of flash are erased file by file
_TRIES = 5  # for a file that comes damaged, with no piece gained in between
_HEARD = 60  # lines that are no answer: a chip that starts writes some twenty
_LONGEST = 8192  # characters in a line; what is longer is no line


class Silence(Exception):
    """The dongle did not go on."""


class NoDongle(UserError):
    """Nobody introduced itself as a dongle; `heard`: the newest lines that came instead."""

    heard: tuple[str, ...] = ()


class Console:
    """The dongle at `port`; a context manager that lets go of it. `hello`: its id, version, board and boot."""

    def __init__(self, port: str):
        self.port = port
        self._serial = _open(port)
        self._pending = b""
        self._heard: list[str] = []  # the newest lines that are no answer
        try:
            self.hello = self._introduce()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the port; the dongle runs on."""
        try:
            self._serial.close()
        except OSError:
            pass  # it was pulled out

    def status(self) -> dict:
        """The status document."""
        for _ in range(_TRIES):
            try:
                return json.loads("".join(row[1:] for row in self.ask("status") if isinstance(row, str)))
            except (ValueError, Silence):
                continue
        raise UserError(f"{self.port}: the status comes damaged each time: is the cable good?", FAILED)

    def files(self) -> dict[str, int]:
        """Size of each file that can be copied, by path."""
        for _ in range(_TRIES):
            try:
                rows = list(self.ask("files"))
            except Silence:
                continue
            if all(isinstance(row, dict) for row in rows):
                return {row["path"]: row["size"] for row in rows if isinstance(row.get("path"), str) and isinstance(row.get("size"), int)}
        raise UserError(f"{self.port}: the list of files comes damaged each time: is the cable good?", FAILED)

    def save(self) -> None:
        """Puts on flash what is in the dongle's RAM alone."""
        self._must("save", _SAVE_S)

    def erase(self, what: str) -> dict[str, tuple[int, int]]:
        """Forgets; (files, bytes) of each kind that it forgot."""
        return {row["erased"]: (row["files"], row["bytes"]) for row in self._must(f"erase {what}", _ERASE_S) if "erased" in row}

    def copy(self, path: str, size: int, progress: Callable[[int], None] | None = None) -> bytes | None:
        """The first `size` bytes of a file, each piece checked and asked for again when it is damaged; None when the file has gone."""
        pieces: dict[int, bytes] = {}
        tries = 0
        while gaps := _gaps(pieces, size):
            before = len(pieces)
            at, end = gaps[0]
            try:
                for row in self.ask(f"send {path} {at} {end - at}"):
                    if isinstance(row, dict) and "error" in row:
                        return None
                    if (piece := _piece(row)) is not None:
                        if progress and row["at"] not in pieces:
                            progress(len(piece))
                        pieces[row["at"]] = piece
                        if row["at"] + len(piece) >= end:
                            break  # without waiting for the answer's end, which may be damaged
            except Silence:
                pass
            tries = 0 if len(pieces) > before else tries + 1
            if tries == _TRIES:
                raise UserError(f"{self.port}: {path} cannot be read from byte {at} on: the dongle does not send it, or the cable damages it", FAILED)
        return b"".join(pieces[at] for at in sorted(pieces))[:size]

    def update(self, data: bytes, force: bool = False, progress: Callable[[int], None] | None = None) -> dict:
        """Sends a signed update, piece by piece as the dongle asks for it; what it said at the end."""
        line = f"update {len(data)}" + (" force" if force else "")
        asked, tries = -1, 0
        try:
            for row in self.ask(line, _UPDATE_S):
                if not isinstance(row, dict):
                    continue
                if "error" in row:
                    raise UserError(f"{self.port}: {row['error']}", FAILED)
                if "restarting" in row:
                    return row
                at, size = row.get("at"), row.get("piece")
                if not isinstance(at, int) or not isinstance(size, int) or not 0 <= at < len(data) or not 0 < size <= _LONGEST:
                    continue
                tries = tries + 1 if at == asked else 0
                if tries > _TRIES:
                    break
                asked = at
                piece = data[at : at + size]
                self._send(f"{at} {binascii.crc32(piece, at)} {base64.b64encode(piece).decode()}\n")
                if progress:
                    progress(at)
        except Silence:
            pass
        raise UserError(f"{self.port}: the update broke off at byte {max(asked, 0)}; what runs is as it was: try again", FAILED)

    def ram(self) -> list[dict]:
        """Blocks of the journal that are in the dongle's RAM: number of the first reading (`block`), `count`, ids of the `meters`, `data` in base64."""
        for _ in range(_TRIES):
            try:
                rows = list(self.ask("ram"))
            except Silence:
                continue
            blocks = [row for row in rows if isinstance(row, dict) and "block" in row]
            data = b"".join(piece for piece in map(_piece, rows) if piece)
            if None in rows or len(data) != sum(block["bytes"] for block in blocks):
                continue
            for block in blocks:
                block["data"], data = base64.b64encode(data[: block["bytes"]]).decode(), data[block["bytes"] :]
            return blocks
        raise UserError(f"{self.port}: the readings in RAM come damaged each time: is the cable good?", FAILED)

    # one question -----------------------------------------------------------------------------------------------------

    def ask(self, line: str, patience: float = 0) -> Iterator[dict | str | None]:
        """The rows of an answer: a dict, a piece of the status as text, None for one that is damaged. Silence when it does not come to its end."""
        ends = (line, "unlock") if line.startswith("unlock ") else (line,)  # a PIN is not repeated
        self._send("\n" + line + "\n")
        patience = patience or _SILENCE_S
        until = time.monotonic() + patience
        while True:
            text = self._line(until)
            if text is None:
                raise Silence
            mark = text.rfind(_MARK)
            if mark < 0:
                self._heard = [*self._heard[1 - _HEARD :], text]
                continue
            until = time.monotonic() + patience
            row = _row(text[mark + 1 :])
            if isinstance(row, dict) and "done" in row:
                if row["done"] in ends:
                    return
                continue  # of a question that nobody waits for any more
            yield row

    def _must(self, line: str, patience: float) -> list[dict]:
        try:
            rows = [row for row in self.ask(line, patience) if isinstance(row, dict)]
        except Silence:
            raise UserError(f"{self.port}: the dongle does not answer to '{line}'; run the same command again", FAILED) from None
        for row in rows:
            if "error" in row:
                raise UserError(f"{self.port}: {row['error']}", FAILED)
        return rows

    def _introduce(self) -> dict:
        for _ in range(_HELLOS):
            line = f"hello {random.randrange(1 << 30)}"  # a number of its own: what an earlier program asked for may still be coming
            try:
                for row in self.ask(line, _HELLO_S):
                    if isinstance(row, dict) and "version" in row and "boot" in row:
                        hello = row
                return hello
            except (Silence, UnboundLocalError):
                if ">>>" in " ".join(self._heard):
                    break  # nobody starts the firmware
        heard = " ".join(self._heard)
        if ">>>" in heard:
            why = "MicroPython's prompt answers, the firmware does not run: restart the dongle (a Ctrl-C in a serial monitor stops it)"
        elif " info " in heard or " warning " in heard or " error " in heard:
            why = "a dongle runs there, and its firmware has no console: deploy the present one"
        elif heard:
            why = "what speaks there is no meterbridge"
        else:
            why = "nothing answers: is this the dongle's port, and is it on?"
        trouble = NoDongle(f"{self.port}: {why}", FAILED)
        trouble.heard = tuple(self._heard)
        raise trouble

    # the port ---------------------------------------------------------------------------------------------------------

    def _send(self, text: str) -> None:
        self._guard(lambda: self._serial.write(text.encode("ascii")))

    def _line(self, until: float) -> str | None:
        """The next line, None when it does not come in time."""
        while b"\n" not in self._pending:
            if time.monotonic() > until:
                return None
            self._pending = self._pending[-_LONGEST:] + self._guard(lambda: self._serial.read(max(1, self._serial.in_waiting)))
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _guard(self, action: Callable):
        import serial

        try:
            return action()
        except (serial.SerialException, OSError, TypeError) as error:  # pyserial's own when the port has been closed underneath
            raise UserError(f"{self.port}: the connection broke; plug the dongle in and run the same command again", FAILED) from error


def _open(port: str):
    try:
        import serial
    except ImportError as error:
        raise UserError("pyserial is not installed: run make setup, or pip install -r requirements.txt", MISSING) from error
    try:
        opened = serial.serial_for_url(port, _BAUD, timeout=0.2, write_timeout=5, do_not_open=True)
        # On most boards DTR and RTS work the reset line and the boot pin, where they differ; as long as both are the same nothing happens.
        # Linux and macOS raise both when a port is opened, and pyserial leaves them so; to lower them one after the other would reset the
        # chip. Windows leaves both low, and there they must stay low.
        if os.name == "nt":
            opened.dtr = opened.rts = False
        opened.exclusive = True
        opened.open()
        return opened
    except (OSError, ValueError) as error:
        raise UserError(why_not(port), FAILED) from error


def _row(text: str) -> dict | str | None:
    if text.startswith("+"):
        return text
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _piece(row: dict | str | None) -> bytes | None:
    """The bytes of a row of a file, None when they are not as they were sent."""
    if not isinstance(row, dict) or not isinstance(row.get("at"), int) or not isinstance(row.get("data"), str):
        return None
    try:
        data = base64.b64decode(row["data"], validate=True)
        return data if data and binascii.crc32(data, row["at"]) == row.get("crc") else None
    except (ValueError, OverflowError):
        return None


def _gaps(pieces: dict[int, bytes], size: int) -> list[tuple[int, int]]:
    """(from, to) of what is missing; pieces that overlap others are dropped."""
    found, at = [], 0
    for begin in sorted(pieces):
        if begin < at:
            del pieces[begin]
            continue
        if begin > at:
            found.append((at, begin))
        at = begin + len(pieces[begin])
    if at < size:
        found.append((at, size))
    return found
