"""The dongle's HTTP server, or microdot, with a status document of 6 KB: which of them and a port in; bytes of heap in use out, a line of JSON.

    micropython serving.py own|microdot PORT COUNT       answers COUNT requests, the first of them alone
"""

import asyncio
import gc
import json
import sys
import time


class Console:
    """What the server is given."""

    def __init__(self):
        self.most = 0

    def document(self):
        yield b'{"a":"'
        for number in range(60):
            if number == 30:
                gc.collect()
                self.most = max(self.most, gc.mem_alloc())
            yield b"x" * 100
        yield b'"}'


def used() -> int:
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def own(console, port: int):
    from hashlib import sha256

    from bridge.serve.door import Door

    door = Door(port, sha256(b"TOKEN").digest(), console, None, "config.json", "mb", None)
    asyncio.create_task(door.run())
    return lambda: door.answered


class Quiet:
    """In place of gc: garbage is counted, not collected."""

    @staticmethod
    def collect() -> None:
        pass


class Steps:
    """An iterator as microdot knows one."""

    def __init__(self, pieces):
        self.pieces = pieces

    def __next__(self):
        return next(self.pieces)


def microdot(console, port: int):
    from microdot import Microdot

    app = Microdot()
    answered = [0]

    @app.get("/api/status")
    async def status(request):
        answered[0] += 1
        return Steps(console.document()), 200, {"Content-Type": "application/json"}

    asyncio.create_task(app.start_server("127.0.0.1", port))
    return lambda: answered[0]


async def main(which: str, port: int, count: int) -> None:
    import socket

    socket.getaddrinfo("127.0.0.1", 80), asyncio.StreamReader, asyncio.wait_for_ms, asyncio.start_server, asyncio.Lock  # frozen on a chip as well
    console = Console()
    before = used()
    answered = (own if which == "own" else microdot)(console, port)
    await asyncio.sleep_ms(200)
    told = {"waiting": used() - before}
    print("ready")
    while answered() < 1:
        await asyncio.sleep_ms(5)
    told["serving"] = console.most - before
    console.most = 0
    await asyncio.sleep_ms(4000)
    told["waiting_again"] = used() - before
    while answered() < 2:
        await asyncio.sleep_ms(5)
    gc.collect()
    gc.disable()
    if which == "own":
        sys.modules["bridge.core.unload"].gc = Quiet
    began = gc.mem_alloc()
    since = time.ticks_ms()
    garbage = Console.document
    Console.document = lambda self: iter((b"x" * 100,) * 60)
    while answered() < count:
        await asyncio.sleep_ms(1 if answered() < count - 1 else 0)
    took = time.ticks_diff(time.ticks_ms(), since)
    Console.document = garbage
    told["garbage"] = (gc.mem_alloc() - began) // (count - 2)
    told["per_s"] = (count - 2) * 1000 // took
    gc.enable()
    print(json.dumps(told))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
