"""What the dongle's HTTP server costs: heap on 32-bit MicroPython while nobody asks, while a status of 6 KB is sent and after it; garbage; requests/s.

    python -m bench.serving [FOLDER]       with a folder that has microdot/microdot.py: the same of microdot, for comparison
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import callgrind, micropython32
from host_tools import build, runtime
from host_tools.simulation.wiring import free_port

REQUESTS = 102
HEAP = "16m"  # garbage is counted, not collected


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    with tempfile.TemporaryDirectory() as name:
        build.build("generic-esp32", Path(name), own_names=True)
        for what, value in measure("own", f"{name}:.frozen").items():
            yield f"serving.{what}", value, "requests/s" if what == "per_s" else "byte"


def measure(which: str, path: str) -> dict:
    """The figures of one server, found on `path`."""
    port = free_port()
    command = [micropython32.need(), "-X", f"heapsize={HEAP}", str(callgrind.HERE / "on_micropython" / "serving.py"), which, str(port), str(REQUESTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=runtime.environment(extra={"MICROPYPATH": path})) as run:
        while (line := run.stdout.readline().strip()) != "ready":
            if run.poll() is not None:
                raise SystemExit(f"{which} did not start: {line}")
        try:
            ask(port)
            time.sleep(5)
            for _ in range(REQUESTS):
                ask(port)
        except OSError:
            pass  # it has counted enough
        return json.loads(run.stdout.read().strip().splitlines()[-1])


def ask(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/api/status", headers={"Authorization": "Bearer TOKEN"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200 or len(body) < 6000:
        raise OSError(f"status {answer.status}, {len(body)} bytes")
    connection.close()


def compared(folder: Path) -> dict:
    """Microdot's, compiled as the firmware is."""
    with tempfile.TemporaryDirectory() as name:
        source = folder / "microdot" / "microdot.py"
        subprocess.run([build.compiler(), "-O3", "-s", "microdot", "-o", f"{name}/microdot.mpy", str(source)], check=True)
        return measure("microdot", f"{name}:.frozen")


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
    if sys.argv[1:]:
        print("microdot", compared(Path(sys.argv[1])))
