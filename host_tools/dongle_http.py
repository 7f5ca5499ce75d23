"""A dongle that runs, over the home network: its address and token in; who it is, copies of its files, what it forgot out. As `dongle_console`, by HTTP."""

import argparse
import getpass
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from host_tools.dongle_console import Silence
from host_tools.errors import FAILED, USAGE, UserError

TOKEN = "METERBRIDGE_TOKEN"  # of the environment
_PORT = 80
_ANSWER_S = 20.0  # it may wait for a telegram of the meter first, and be busy with TLS
_TRIES = 5  # for an answer that breaks off, with no byte gained in between
_PAUSE_S = 0.5
_LONGEST_TOKEN = 64
_PIECE = 16384


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of commands that reach a dongle by the network."""
    parser.add_argument("--host", metavar="ADDRESS", help="instead of a port: the dongle's address or name in your network, such as 192.168.1.20 or meterbridge-a1b2c3.local")
    parser.add_argument("--token-file", metavar="FILE", help=f"file with the dongle's token; else {TOKEN} of the environment is taken, or it is asked for")


def connect(args: argparse.Namespace) -> "Dongle":
    """The dongle that the command's words name."""
    return Dongle(args.host, read_token(args.token_file))


def read_token(path: str | None) -> str:
    """The token from a file, the environment or who sits there. UserError when there is none."""
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: {getattr(error, 'strerror', None) or 'is no text'}", USAGE) from error
    elif os.environ.get(TOKEN):
        text = os.environ[TOKEN]
    elif sys.stdin.isatty():
        text = getpass.getpass("token of the dongle (not shown): ")
    else:
        raise UserError(f"the dongle's token is needed: give --token-file FILE, or put it in {TOKEN}", USAGE)
    text = text.strip()
    if not text or len(text) > _LONGEST_TOKEN or not text.isascii() or not text.isprintable():
        raise UserError(f"{path or TOKEN}: this is no token: it has 26 letters and digits, such as ABCD-EFGH-...", USAGE)
    return text


def address_of(host: str) -> tuple[str, int]:
    """(name or address, port) of what was given for a dongle. UserError when that cannot be one."""
    name, colon, port = host.removeprefix("http://").rstrip("/").partition(":")
    if not name or colon and not (port.isdigit() and 0 < int(port) < 65536) or set(name) & set("/@ "):
        raise UserError(f"--host {host}: give an address or a name, such as 192.168.1.20 or meterbridge-a1b2c3.local", USAGE)
    return name, int(port or _PORT)


class Dongle:
    """The dongle at `host` ("name", "address" or either with ":port"); a context manager. `hello`: its id, version, board and boot."""

    def __init__(self, host: str, token: str):
        self.port = host  # what messages call it
        self._address = address_of(host)
        self._headers = {"Authorization": f"Bearer {token}"}
        device = self.status().get("device")
        if not isinstance(device, dict) or "version" not in device:
            raise UserError(f"{host}: what answers there is no meterbridge", FAILED)
        self.hello = device

    def __enter__(self) -> "Dongle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is kept open."""

    def status(self) -> dict:
        """The status document."""
        return self._json("GET", "/api/status")

    def settings(self, good: bool = False) -> dict:
        """The settings, of secrets whether they are set; `good`: those with which it last ran well."""
        return self._json("GET", "/api/settings" + "?good=1" * good)

    def change(self, values: dict) -> None:
        """Saves settings, None: back to the default. They count from the next start on."""
        self._json("PUT", "/api/settings", values)

    def put_back(self) -> None:
        """Saves the settings with which it last ran well."""
        self._json("POST", "/api/settings?good=1", {})

    def restart(self) -> None:
        """Starts it anew."""
        self._json("POST", "/api/restart", {})

    def room(self) -> dict:
        """{"size", "free"} of its flash in bytes; empty for a firmware that does not tell."""
        return {name: value for name, value in self._json("GET", "/api/files").items() if name in ("size", "free")}

    def files(self) -> dict[str, int]:
        """Size of each file that can be copied, by path."""
        return {row["path"]: row["size"] for row in self._json("GET", "/api/files").get("files", [])}

    def save(self) -> None:
        """Puts on flash what is in the dongle's RAM alone."""
        self._json("POST", "/api/save", {})

    def erase(self, what: str) -> dict[str, tuple[int, int]]:
        """Forgets; (files, bytes) of each kind that it forgot."""
        return {kind: (row["files"], row["bytes"]) for kind, row in self._json("POST", "/api/erase", {"what": what})["erased"].items()}

    def copy(self, path: str, size: int, progress: Callable[[int], None] | None = None) -> bytes | None:
        """The first `size` bytes of a file, gone on with where it broke off; None when the file has gone."""
        data = bytearray()
        tries = 0
        while len(data) < size:
            before = len(data)
            try:
                if not self._go_on(path, data, size, progress):
                    return None
            except (OSError, http.client.HTTPException) as error:
                trouble = error
            tries = 0 if len(data) > before else tries + 1
            if tries == _TRIES:
                raise UserError(f"{self.port}: {path} breaks off at byte {len(data)} each time", FAILED) from trouble
        return bytes(data)

    def _go_on(self, path: str, data: bytearray, size: int, progress: Callable[[int], None] | None) -> bool:
        with self._ask("GET", f"/api/files/{quote(path)}?from={len(data)}") as answer:
            if answer.status == 404:
                return False
            self._judge(answer)
            while len(data) < size and (piece := answer.read(min(_PIECE, size - len(data)))):
                data += piece
                if progress:
                    progress(len(piece))
        return True

    def ram(self) -> list[dict]:
        """Blocks of the journal that are in the dongle's RAM: number of the first reading (`block`), `count`, ids of the `meters`, `data` in base64."""
        for _ in range(_TRIES):
            rows = [json.loads(line) for line in self._text("GET", "/api/ram").splitlines() if line.endswith("}")]
            if rows and rows[-1] == {"done": True}:
                return rows[:-1]
        raise UserError(f"{self.port}: the readings in RAM break off each time", FAILED)

    def ask(self, line: str) -> Iterator[dict]:
        """The row that answers to a line of the console that begins with "unlock". But for the status it is sent once: Silence when no answer comes."""
        what, *more = line.split()[1:]
        try:
            if what == "status":
                yield self._json("POST", "/api/unlock", {"command": what})
                return
            with self._ask("POST", "/api/unlock", {"pin": what, "again": more == ["again"]} if what.isdigit() else {"command": what}) as answer:
                self._judge(answer)
                yield json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            raise Silence from None
        except UserError as error:
            yield {"error": str(error).removeprefix(f"{self.port}: ")}

    # one question -----------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, body: dict | None = None) -> dict:
        for _ in range(_TRIES):
            try:
                found = json.loads(self._text(method, path, body))
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
        raise UserError(f"{self.port}: what answers there is no meterbridge, or its answer breaks off each time", FAILED)

    def _text(self, method: str, path: str, body: dict | None = None) -> str:
        trouble: Exception | None = None
        for _ in range(_TRIES):
            try:
                with self._ask(method, path, body) as answer:
                    self._judge(answer)
                    return answer.read().decode("utf-8", "replace")
            except (ConnectionRefusedError, TimeoutError) as error:
                raise UserError(f"{self.port}: nothing answers there: is the dongle on and in this network?", FAILED) from error
            except socket.gaierror as error:
                raise UserError(f"{self.port}: no such name in this network: try the dongle's address", FAILED) from error
            except (OSError, http.client.HTTPException) as error:
                trouble = error
            time.sleep(_PAUSE_S)
        raise UserError(f"{self.port}: cannot be reached: {getattr(trouble, 'strerror', None) or trouble}", FAILED) from trouble

    def _ask(self, method: str, path: str, body: dict | None = None) -> "_Answer":
        return _Answer(self._address, method, path, body, self._headers)

    def _judge(self, answer: "_Answer") -> None:
        """Raises what the owner should know of an answer that is none."""
        if answer.status in (200, 202):
            return
        text = answer.read(4096).decode("utf-8", "replace")
        try:
            words = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            if answer.status in (408, 503):  # it has no room at this moment
                raise http.client.BadStatusLine(f"status {answer.status}: it is busy") from None
            raise UserError(f"{self.port}: what answers there is no meterbridge (status {answer.status})", FAILED) from None
        raise UserError(f"{self.port}: {words}", FAILED)


class _Answer:
    """One request's answer; a context manager that closes the connection."""

    def __init__(self, address: tuple[str, int], method: str, path: str, body: dict | None, headers: dict[str, str]):
        self._connection = http.client.HTTPConnection(*address, timeout=_ANSWER_S)
        try:
            kind = {"Content-Type": "application/json"} if body is not None else {}
            self._connection.request(method, path, None if body is None else json.dumps(body), headers | kind)
            self._answer = self._connection.getresponse()
        except BaseException:
            self._connection.close()
            raise
        self.status = self._answer.status

    def read(self, count: int | None = None) -> bytes:
        return self._answer.read(count) if count is not None else self._answer.read()

    def __enter__(self) -> "_Answer":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
