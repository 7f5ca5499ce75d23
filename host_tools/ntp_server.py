"""A tiny SNTP server (RFC 4330, UDP) on this machine: requests of the simulated dongle in, the time in seconds out."""

import socket
import struct
import threading
import time
from collections.abc import Callable

_PACKET = 48  # bytes of an NTP header without extensions
_UNIX_OFFSET = 2208988800  # seconds from 1900-01-01 (NTP) to 1970-01-01 (Unix)
_CLIENT, _SERVER = 3, 4
_STRATUM = 2
_REFERENCE = b"LOCL"
_LARGEST = 512  # bytes taken from one datagram; what is longer is no SNTP request
_WAKE = b""  # an empty datagram ends the server


class NtpServer:
    """Answers SNTP on 127.0.0.1 in a thread of its own; `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, port: int = 0):
        self._clock = clock
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.requests = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="ntp", daemon=True)

    @property
    def address(self) -> str:
        """host:port for the setting `ntp_server`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> "NtpServer":
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and free the port."""
        self._stopping = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(_WAKE, ("127.0.0.1", self.port))
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        self._socket.close()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                request, client = self._socket.recvfrom(_LARGEST)
                answer = self.answer(request)
                if answer:
                    self._socket.sendto(answer, client)
                    self.requests += 1
            except ConnectionError:  # the asker of an earlier answer has closed its port
                continue

    def answer(self, request: bytes) -> bytes | None:
        """The reply to a datagram; None when it is no client's request."""
        if len(request) < _PACKET or request[0] & 7 != _CLIENT:
            return None
        now = timestamp(self._clock())
        version = request[0] & 0x38
        head = struct.pack("!BBbbII4s", version | _SERVER, _STRATUM, 0, -20, 0, 0, _REFERENCE)
        return head + now + request[40:48] + now + now


def timestamp(unix: float) -> bytes:
    """An NTP time stamp: 32 bits of seconds since 1900 and 32 bits of fraction."""
    seconds = int(unix)
    return struct.pack("!II", (seconds + _UNIX_OFFSET) & 0xFFFFFFFF, int((unix - seconds) * (1 << 32)) & 0xFFFFFFFF)
