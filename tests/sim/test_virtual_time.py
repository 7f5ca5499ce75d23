"""Virtual time itself: waits cost nothing, time-outs come with servers that are dead and not with those that are slow, ticks wrap."""

import errno
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from host_tools import runtime
from host_tools.simulation.virtual_run import PLACE

DAY = 86400

ASK = """
import asyncio, time

async def ask(port):
    began = time.ticks_ms()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\\r\\nContent-Length: 1\\r\\n\\r\\nx")
    await writer.drain()
    try:
        answer = await asyncio.wait_for_ms(reader.readline(), 5000)
    except asyncio.TimeoutError:
        answer = b"timed out"
    writer.close()
    print(answer.decode().strip(), time.ticks_diff(time.ticks_ms(), began))

asyncio.run(ask(%d))
"""


def run(folder: Path, program: str, **told) -> tuple[list[str], float]:
    """What `program` printed on MicroPython in virtual time, and the real seconds that it took."""
    (folder / "main.py").write_text(program)
    (folder / "chip.json").write_text(json.dumps({"virtual": told}))
    path = ":".join(str(place) for place in (PLACE, runtime.BOARDS / "sim", folder, ".frozen"))
    began = time.monotonic()
    done = subprocess.run(
        [runtime.find_micropython(), str(PLACE / "start.py")], env={**os.environ, "MICROPYPATH": path, "MB_SIM": str(folder / "chip.json")},
        capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines(), time.monotonic() - began


@pytest.fixture
def server():
    """A port, and what its server does with a connection: `act` is called with it."""

    class Server:
        def __init__(self):
            self.door = socket.create_server(("127.0.0.1", 0))
            self.port = self.door.getsockname()[1]
            self.act = None
            self.taken = []
            threading.Thread(target=self._serve, daemon=True).start()

        def _serve(self):
            while True:
                try:
                    link = self.door.accept()[0]
                except OSError:
                    return
                self.taken.append(link)
                link.recv(1000)
                if self.act:
                    self.act(link)

    made = Server()
    yield made
    made.door.close()
    for link in made.taken:
        link.close()


def test_a_day_of_seconds_passes_in_a_few(tmp_path):
    program = f"""
import asyncio, time
async def main():
    for _ in range({DAY}):
        await asyncio.sleep(1)
began = time.time()
asyncio.run(main())
time.sleep(60)
print(time.ticks_ms(), time.time() - began)
"""
    said, took = run(tmp_path, program, unix_ms=1_000_000_000_000)
    assert said == [f"{DAY * 1000 + 60_000} {DAY + 60}.0"]
    assert took < 20


def test_several_tasks_wake_in_the_order_of_their_times(tmp_path):
    program = """
import asyncio, time
async def say(name, every, count):
    for _ in range(count):
        await asyncio.sleep_ms(every)
        print(name, time.ticks_ms())
async def main():
    event = asyncio.Event()
    async def wait():
        await event.wait()
        print("event", time.ticks_ms())
    asyncio.create_task(wait())
    slow = asyncio.create_task(say("a", 3_600_000, 2))
    await say("b", 2_500_000, 2)
    event.set()
    await slow
asyncio.run(main())
"""
    said, _ = run(tmp_path, program)
    assert said == ["b 2500000", "a 3600000", "b 5000000", "event 5000000", "a 7200000"]


def test_ticks_wrap_as_on_the_chip(tmp_path):
    program = """
import asyncio, time
async def main():
    before = time.ticks_ms()
    await asyncio.sleep_ms(1500)
    print(before, time.ticks_ms(), time.ticks_diff(time.ticks_ms(), before), time.ticks_diff(before, time.ticks_ms()))
    print(time.ticks_add(before, 1500) == time.ticks_ms())
asyncio.run(main())
"""
    said, _ = run(tmp_path, program, ticks=(1 << 30) - 1000)
    assert said == [f"{(1 << 30) - 1000} 500 1500 -1500", "True"]


def test_a_server_that_never_answers_costs_virtual_seconds(tmp_path, server):
    said, took = run(tmp_path, ASK % server.port, patience_ms=200)
    assert said == ["timed out 5000"]
    assert took < 5


def test_a_slow_server_is_waited_for(tmp_path, server):
    def slowly(link):
        time.sleep(0.3)
        link.sendall(b"HTTP/1.1 204 fine\r\n\r\n")

    server.act = slowly
    said, took = run(tmp_path, ASK % server.port)
    assert said == ["HTTP/1.1 204 fine 0"]
    assert took > 0.3


def test_an_answer_in_pieces_is_waited_for(tmp_path, server):
    def slowly(link):
        for piece in (b"HTTP", b"/1.1 2", b"00 fine\r\n"):
            link.sendall(piece)
            time.sleep(0.1)

    server.act = slowly
    said, _ = run(tmp_path, ASK % server.port)
    assert said == ["HTTP/1.1 200 fine 0"]


def test_nobody_at_the_port_is_known_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    program = ASK.replace("asyncio.run(ask(%d))", "try:\n    asyncio.run(ask(%d))\nexcept OSError as error:\n    print(error.errno, time.ticks_ms())")
    said, _ = run(tmp_path, program % port)
    assert said == [f"{errno.ECONNREFUSED} 0"]


def test_who_waits_for_nothing_but_a_connection_waits_really(tmp_path, server):
    def later(link):
        time.sleep(0.5)
        link.sendall(b"at last\n")

    server.act = later
    program = ASK.replace("asyncio.wait_for_ms(reader.readline(), 5000)", "reader.readline()") % server.port
    said, _ = run(tmp_path, program, patience_ms=100)
    assert said == ["at last 0"]
