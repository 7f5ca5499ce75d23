"""Runs HttpClient on MicroPython: one JSON command per line in (the methods of Driver), one JSON answer per line out."""

import asyncio
import gc
import time

from commands import serve

from bridge.core.errors import BridgeError
from bridge.push import http_url, tls
from bridge.push.http_client import HttpClient
from bridge.push.http_refusals import printable


class _Log:
    def __init__(self):
        self.lines = []

    def warning(self, area, text):
        self.lines.append(area + ": " + text)


class Driver:
    def __init__(self):
        self.client = None
        self.log = _Log()
        self.ticks = 0

    async def open(self, url, header="", token="", tls_verify=None, ca="", request_ms=None):
        context = None if tls_verify is None else tls.make_context(tls_verify, ca, self.log, "http")
        headers = http_url.authorization(token, "Bearer") + http_url.header(header)
        parsed = http_url.parse(url)
        self.client = HttpClient(parsed.host, parsed.port, parsed.request("text/plain", headers), context)
        if request_ms:
            self.client.request_ms = request_ms
        return {"log": self.log.lines}

    async def post(self, piece="x", count=1):
        """The answer, the connections so far, and how often another task ran meanwhile (it asks every 5 ms)."""
        asyncio.wait_for_ms  # its module is loaded when first used: not what a request keeps
        gc.collect()
        before, started = gc.mem_alloc(), time.ticks_ms()
        self.ticks = 0
        ticking = asyncio.create_task(self._tick())
        try:
            answer = await self.client.post([piece.encode()] * count)
        finally:
            ticking.cancel()
        result = {"status": answer.status, "text": printable(answer.text), "body": answer.body.decode(), "retry_after": answer.retry_after}
        result.update({"location": printable(answer.location), "keep": answer.keep, "connections": self.client.connections})
        result.update({"ms": time.ticks_diff(time.ticks_ms(), started), "ticks": self.ticks})
        del answer
        gc.collect()
        result["kept"] = gc.mem_alloc() - before
        return result

    async def ticked(self):
        return {"ticks": self.ticks}

    async def _tick(self):
        while True:
            self.ticks += 1
            await asyncio.sleep_ms(5)


serve(Driver, BridgeError)
