"""A web server that takes the dongle's JSON batches: POSTs in, counts of readings and repeats out, a callback per batch.

For trying out and for tests: it keeps counts, not readings. A repeat is a reading whose (device, boot, seq) came before,
as delivery is at least once.
"""

import http.server
import json
import threading
from collections import deque
from collections.abc import Callable

from host_tools.broker import port_taken

HOST = "127.0.0.1"
_BODY = 1 << 20  # bytes; the dongle's own requests stay below 10 kB
_KNOWN = 100_000  # readings remembered: more than a day at one a second, in a few MB
_IDLE_S = 120.0  # an idle connection's time; the dongle keeps its own between requests


class BadBatch(Exception):
    """A body that is no batch of readings; the text goes back to the sender."""


def batch_keys(body: bytes) -> list[tuple[str, int, int]]:
    """(device, boot, seq) of each reading of a batch, in its order. BadBatch for anything else."""
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadBatch(f"not JSON: {error}") from error
    if not isinstance(batch, dict) or not isinstance(batch.get("readings"), list):
        raise BadBatch('no list "readings" in an object')
    keys = []
    for reading in batch["readings"]:
        if not isinstance(reading, dict) or not all(type(reading.get(name)) is int for name in ("boot", "seq")):
            raise BadBatch('a reading without the whole numbers "boot" and "seq"')
        keys.append((str(batch.get("device", "")), reading["boot"], reading["seq"]))
    return keys


class HttpReceiver:
    """Listens on 127.0.0.1. `on_batch(new readings, newest sequence number or None)` is called for each batch, by the server's threads.

    `readings`: new ones so far; `repeats`: those that came again; `batches`: requests accepted; `refused`: the others.
    While `failing` is a status such as 500, that is every answer.
    """

    def __init__(self, port: int = 0, on_batch: Callable[[int, int | None], None] | None = None):
        self.port = port
        self.on_batch = on_batch
        self.readings = self.repeats = self.batches = self.refused = 0
        self.failing = 0
        self._known: set = set()
        self._order: deque = deque()
        self._lock = threading.Lock()
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where to post, for the setting `http_url`."""
        return f"http://{HOST}:{self.port}/readings"

    def start(self) -> "HttpReceiver":
        """Begin to listen; port 0 becomes a free one. UserError when the port is in use."""
        try:
            self._server = _Server((HOST, self.port), self)
        except OSError as error:
            raise port_taken(self.port, "--http-port") from error
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="http", daemon=True).start()
        return self

    def stop(self) -> None:
        """Free the port; does nothing when it was not started."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, body: bytes) -> None:
        """Count a batch. BadBatch when it is none; then nothing of it counts."""
        keys = batch_keys(body)
        with self._lock:
            before = self.readings
            for key in keys:
                self._count(key)
            self.batches += 1
            new = self.readings - before
        if self.on_batch:
            self.on_batch(new, max((seq for _, _, seq in keys), default=None))

    def _count(self, key: tuple) -> None:
        if key in self._known:
            self.repeats += 1
            return
        self.readings += 1
        self._known.add(key)
        self._order.append(key)
        if len(self._order) > _KNOWN:
            self._known.discard(self._order.popleft())

    def holes(self) -> int:
        """Numbers between the first and the newest reading of each start that did not come."""
        with self._lock:
            numbers: dict = {}
            for device, boot, seq in self._known:
                numbers.setdefault((device, boot), []).append(seq)
        return sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in numbers.values())

    def refuse(self) -> None:
        """Count a request that was none."""
        with self._lock:
            self.refused += 1

    def __enter__(self) -> "HttpReceiver":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], receiver: HttpReceiver):
        self.receiver = receiver
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    wbufsize = -1

    def do_POST(self) -> None:
        """One batch: 204, or a 4xx that says why not."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            return self._refuse(411, "a Content-Length is needed")
        if int(length) > _BODY:
            return self._refuse(413, "more than 1 MB")
        try:
            body = self.rfile.read(int(length))
            if self.server.receiver.failing:
                return self._refuse(self.server.receiver.failing, "this server fails at present")
            self.server.receiver.take(body)
        except BadBatch as error:
            return self._refuse(400, str(error))
        self.send_response(204)
        self.end_headers()

    def _refuse(self, status: int, why: str) -> None:
        self.server.receiver.refuse()
        body = why.encode()
        self.close_connection = self.close_connection or status in (411, 413)  # the body was not read
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal: the caller shows what it wants."""
