"""Real HTTP servers for tests: answers to give come in, what was asked comes out. All waits are for events.

    with HttpServer(answers=[Answer(500), Answer(stall=True)]) as server:    # then 204 for ever
        server.url; server.wait(lambda s: len(s.requests) >= 3)

    with VictoriaMetrics(folder) as database: database.url, database.export("meter_power_w")
"""

import contextlib
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from host_tools.simulation.child import guarded

HOST = "127.0.0.1"
PATIENCE_S = 20
CHUNK = b"x" * 65536


@dataclass
class Answer:
    """What one request gets. `body`: sent with its length, or in chunks when `chunked`. `endless`: this many bytes are sent, no more
    than the client takes. `stall`: nothing is said until the client or the test gives up. `drop`: closed without an answer
    ("unread": before the body is read). `raw`: these bytes instead of an answer. `close`: after it. `slow_s`: thinks so long first."""

    status: int = 204
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    chunked: bool = False
    endless: int = 0
    stall: bool = False
    drop: str = ""
    raw: bytes = b""
    close: bool = False
    slow_s: float = 0


@dataclass
class Request:
    """One request as it came: `connection` counts from 1, `at` is monotonic, `status` is what it got (0: nothing)."""

    path: str
    headers: dict
    body: bytes
    connection: int
    at: float
    status: int = 0

    def json(self) -> dict:
        return json.loads(self.body)


class HttpServer:
    """Records requests and answers them from `answers` (in order), then with `default`. `tls`: (certificate, key) PEM files.

    `limit`: a longer body gets a 413; `poison`: a body with these bytes in it a 400. stop() ends open connections too, as a server that is shut down does.
    """

    def __init__(self, answers=(), default: Answer | None = None, tls=None, port: int = 0, host: str = HOST):
        self.requests: list[Request] = []
        self.connections = 0
        self.taken = 0  # bytes of endless bodies that a client took
        self.default = default or Answer()
        self.limit = 0
        self.poison = b""
        self._open: set = set()
        self._answers = list(answers)
        self._news = threading.Condition()
        self._over = threading.Event()
        self._tls = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self._host = host
        self.port = port
        self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    def start(self) -> "HttpServer":
        """Listens (on the same port again after stop)."""
        outer = self
        self._over = threading.Event()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def get_request(self):
                connection, address = super().get_request()
                return (outer._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) if outer._tls else connection), address

            def handle_error(self, *_):
                pass  # a client that goes away is what some tests are about

        self._server = Server((self._host, self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Closes the port and every connection."""
        if self._server:
            self._over.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for connection in list(self._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def give(self, *answers: Answer) -> None:
        """Answers for the next requests."""
        with self._news:
            self._answers.extend(answers)

    def wait(self, condition, timeout: float = PATIENCE_S):
        """Returns the first true value of condition(self), which is tried after each request."""
        with self._news:
            result = self._news.wait_for(lambda: condition(self), timeout)
        assert result, f"not in {timeout} s: {[(r.path, r.status, r.body[:80]) for r in self.requests[-8:]]}"
        return result

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def setup(self):
                super().setup()
                with outer._news:
                    outer.connections += 1
                    self.number = outer.connections
                outer._open.add(self.connection)

            def finish(self):
                outer._open.discard(self.connection)
                super().finish()

            def do_POST(self):
                outer._serve(self)

            def log_message(self, *_):
                pass

        return Handler

    def _serve(self, handler) -> None:
        with self._news:
            answer = self._answers.pop(0) if self._answers else self.default
        body = b"" if answer.drop == "unread" else handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        request = Request(handler.path, dict(handler.headers.items()), body, handler.number, time.monotonic())
        if self.limit and len(body) > self.limit:
            answer = Answer(413)
        elif self.poison and self.poison in body:
            answer = Answer(400, b"cannot be")
        if answer.slow_s:
            self._over.wait(answer.slow_s)
        if answer.stall:
            self._record(request)
            self._over.wait(60)
        if answer.stall or answer.drop:
            handler.close_connection = True
        try:
            if not (answer.stall or answer.drop):
                self._answer(handler, answer, request)
        finally:
            if not answer.stall:
                self._record(request)

    def _record(self, request: Request) -> None:
        with self._news:
            self.requests.append(request)
            self._news.notify_all()

    def _answer(self, handler, answer: Answer, request: Request) -> None:
        request.status = answer.status
        if answer.raw:
            handler.wfile.write(answer.raw)
            handler.close_connection = answer.close
            handler.wfile.flush()
            return
        self._say(handler, answer)

    def _say(self, handler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 204:
            handler.send_header("Content-Length", str(answer.endless or len(answer.body)))
        if answer.close:
            handler.send_header("Connection", "close")
        handler.end_headers()
        if answer.chunked:
            for at in range(0, len(answer.body), 7):
                part = answer.body[at : at + 7]
                handler.wfile.write(b"%x;name=value\r\n%s\r\n" % (len(part), part))
            handler.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
        elif answer.endless:
            self._pour(handler, answer.endless)
        else:
            handler.wfile.write(answer.body)
        handler.wfile.flush()
        handler.close_connection = handler.close_connection or answer.close

    def _pour(self, handler, total: int) -> None:
        try:
            while total > 0:
                handler.wfile.write(CHUNK)
                handler.wfile.flush()
                total -= len(CHUNK)
                self.taken += len(CHUNK)
        except OSError:
            handler.close_connection = True

    def __enter__(self) -> "HttpServer":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()


def readings_of(requests) -> list[dict]:
    """Every reading of JSON requests that got a 2xx, in the order of arrival."""
    return [reading for request in requests if 200 <= request.status < 300 for reading in request.json()["readings"]]


def find_victoria_metrics() -> str | None:
    """The program of Debian's package victoria-metrics."""
    return shutil.which("victoria-metrics") or shutil.which("victoria-metrics", path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")


def victoria_metrics_missing() -> str:
    """Why tests with it cannot run; "" when they can. Raises when CI=true, where nothing may be missing."""
    if find_victoria_metrics():
        return ""
    if os.environ.get("CI", "").lower() == "true":
        raise RuntimeError("CI=true, and victoria-metrics is not installed (Debian package victoria-metrics)")
    return "victoria-metrics is not installed: apt install victoria-metrics"


class VictoriaMetrics:
    """The time-series database on a free port with its data in `folder`. It may be entered again: same port, same data."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._process = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> "VictoriaMetrics":
        if not self.port:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                self.port = probe.getsockname()[1]
        command = [find_victoria_metrics(), f"-httpListenAddr={HOST}:{self.port}", f"-storageDataPath={self._folder / 'data'}"]
        command += ["-retentionPeriod=100y", "-memory.allowedBytes=64MB", "-loggerOutput=stderr"]
        self._process = subprocess.Popen(
            guarded(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        self._await_ready()
        return self

    def _await_ready(self) -> None:
        seen = b""
        timer = threading.Timer(PATIENCE_S, self._process.kill)
        timer.start()
        for line in self._process.stderr:
            seen += line
            if b"started VictoriaMetrics" in line:
                break
        else:
            raise RuntimeError(f"victoria-metrics did not start: {seen[-2000:]!r}")
        timer.cancel()
        # A full pipe would stop it.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def __exit__(self, *_) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, **query: str) -> bytes:
        """What the database answers to GET."""
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=PATIENCE_S) as answer:
            return answer.read()

    def export(self, metric: str) -> tuple[dict, list[tuple[int, float]]]:
        """(labels, [(unix ms, value)] by time) of a metric; ({}, []) when there is none. Written points are made visible first."""
        self.get("/internal/force_flush")
        points: set = set()
        labels: dict = {}
        for line in self.get("/api/v1/export", **{"match[]": f'{{__name__="{metric}"}}'}).splitlines():
            series = json.loads(line)
            labels = series["metric"]
            points |= set(zip(series["timestamps"], series["values"]))
        return labels, sorted(points)
