"""The receiving task: bytes of the meter's stream in, chunks in one preallocated buffer out, with the time they came (ticks_ms).

It awaits nothing but the stream. While the line is silent it is alive all the same; a task beside it says so, unless bytes
are waiting that nobody fetches.
"""

import asyncio
import time

from micropython import const

_CHUNK = const(512)  # 44 ms at 115200 baud; more only takes longer to hand on in one go
_GATHER_MS = const(10)  # pause after a chunk: bytes come in handfuls, and each wait for the stream costs the asyncio loop memory
_BEAT_MS = const(1000)
_STUCK_BEATS = const(3)  # so often may bytes be waiting while the reader believes the line is silent


class Reader:
    """`stream`: a UART or what reads like one; `feed(chunk, tick)` takes each chunk (valid only during the call); `beat()`: still alive."""

    def __init__(self, stream, feed, beat):
        self._stream = stream
        self._feed = feed
        self._beat = beat
        self._buffer = memoryview(bytearray(_CHUNK))
        self._silent = False  # waiting for the stream
        self._moved = False  # something was read since the last beat
        self.received_bytes = 0
        self.chunks = 0

    async def run(self) -> None:
        """Reads until the stream ends (a UART never does). OSError when the stream fails."""
        watch = asyncio.create_task(self._watch())
        try:
            await self._read()
        finally:
            watch.cancel()

    async def _read(self) -> None:
        stream = asyncio.StreamReader(self._stream)
        buffer = self._buffer
        while True:
            self._silent = True
            n = await stream.readinto(buffer)
            self._silent = False
            if n == 0:
                return
            if n:
                self._moved = True
                self.received_bytes += n
                self.chunks += 1
                self._feed(buffer[:n], time.ticks_ms())
            await asyncio.sleep_ms(0 if n == _CHUNK else _GATHER_MS)

    async def _watch(self) -> None:
        waiting = getattr(self._stream, "any", None)
        stuck = 0
        while True:
            if self._moved:
                stuck = 0
            elif self._silent and waiting and waiting():
                stuck += 1
            elif self._silent:
                stuck = 0
            else:
                stuck += 1
            self._moved = False
            if stuck < _STUCK_BEATS:
                self._beat()
            await asyncio.sleep_ms(_BEAT_MS)
