"""Figures of the whole firmware at work: heap in use after 1,000 readings, on 32-bit and on 64-bit MicroPython, and the smallest heap that does.

The compiled firmware (as it is deployed) runs with a simulated meter whose line is faster than life, and pushes to a real
broker. "In use" is what MicroPython's collector leaves, less what the simulator's stand-ins for the chip's modules take, which
are measured apart (heap.fakes): on a chip they are in flash and in the system's memory. Each heap is larger by as much.
"""

import json
import pathlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

from bench import callgrind, micropython32
from host_tools import build, meters, mqtt_watch, runtime
from host_tools.certificates import Authority
from host_tools.errors import FAILED, UserError
from host_tools.ntp_server import NtpServer
from host_tools.simulation.dongle import Dongle
from host_tools.wire import PtyWire
from tests.brokers import make_broker

READINGS = 1000
SPEED = 40  # times faster than life: 1,000 readings of a meter that sends each second in 25 s
TIMEOUT_S = 240
HEAP_32, HEAP_64 = "152k", "304k"  # the same number of blocks: a 64-bit MicroPython has twice as large ones
SMALLEST_READINGS = 200
SMALLEST_LIMIT_S = 25
STEP = 1024  # what the smallest heap is told in
# name in the design's list: simulated meter, the owner's meter_protocol, TLS
CASES = {"p1_tls": ("p1-nl", "p1", True), "sml": ("sml", "sml", False), "dlms": ("at-steiermark-e450", "hdlc", False)}


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    for bits, micropython, heap in ((32, micropython32.need(), HEAP_32), (64, runtime.find_micropython(), HEAP_64)):
        suffix = "" if bits == 32 else ".64bit"
        fakes = heap_of_fakes(micropython)
        yield f"heap.fakes{suffix}", fakes, "byte"
        for name, case in CASES.items():
            memory = heap_after(*case, micropython, heap, bits)
            yield f"heap.running.{name}{suffix}", memory["heap_live"] - fakes, "byte"
            yield f"heap.running.{name}{suffix}.with_fakes", memory["heap_live"], "byte"
    yield "heap.smallest.p1_tls", smallest(*CASES["p1_tls"], micropython32.need()), "byte"


def heap_of_fakes(micropython: str) -> int:
    """Bytes that the simulator's stand-ins take in the firmware's heap."""
    build.build("sim")
    path = f"{build.BUILD / 'sim'}:.frozen"
    with tempfile.TemporaryDirectory() as folder:
        command = [micropython, str(callgrind.HERE / "on_micropython" / "fakes.py"), folder]
        done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(extra={"MICROPYPATH": path}))
    if done.returncode:
        raise UserError(f"fakes.py failed: {(done.stdout + done.stderr)[-300:]}", FAILED)
    return int(done.stdout.split()[-1])  # the new flash says a line of its own


def smallest(meter: str, protocol: str, secure: bool, micropython: str) -> int:
    """Bytes of the smallest heap (to a KB, the stand-ins not counted) in which SMALLEST_READINGS readings arrive and no task dies."""
    low, high = 40, 260  # KB: it does not start in the one, it runs in the other
    while high - low > 1:
        middle = (low + high) // 2
        try:
            memory = heap_after(meter, protocol, secure, micropython, f"{middle}k", 32, SMALLEST_READINGS, SMALLEST_LIMIT_S)
            runs = not memory["restarts"]
        except (UserError, TimeoutError):
            runs = False
        low, high = (low, middle) if runs else (middle, high)
    return high * STEP


def heap_after(
    meter: str, protocol: str, secure: bool, micropython: str, heap: str, bits: int = 32, readings: int = READINGS, limit_s: int = TIMEOUT_S
) -> dict:
    """The status document's memory section once `readings` readings were acknowledged by the broker, and "restarts" of tasks.

    `heap` as for -X heapsize, in KB ("112k"), for the firmware alone. Raises UserError.
    """
    size = int(heap[:-1]) * 1024 + heap_of_fakes(micropython)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        authority = Authority(folder)
        options = dict(zip(("certificate", "key"), authority.issue("broker", "127.0.0.1"))) if secure else {}
        path = ":".join([str(build.BUILD / "sim"), str(runtime.BOARDS / "sim"), ".frozen"])
        if bits == 32:
            path = f"{runtime.ROOT / 'bench' / 'ssl32'}:{path}"
        ntp = NtpServer().start()
        source = meters.make(meter)
        line_file = folder / "line.json"
        with make_broker("amqtt", folder, **options) as broker, PtyWire(source.line, SPEED, str(line_file)) as wire:
            settings = {
                "wifi_ssid": "home", "ntp_server": ntp.address, "mqtt_url": broker.url, "meter_line": str(source.line),
                "meter_protocol": protocol,
                "mqtt_ca": str(authority.der) if secure else "", "status_interval_s": 1,
                **{f"meter_{kind}": key for kind, key in source.keys.items()},
            }  # fmt: skip
            dongle = Dongle(
                folder, wire.path, settings, line_file, heap=str(size), micropython=micropython,
                main=build.BUILD / "sim" / "main.py", env={"MICROPYPATH": path}, restart_crashed=False,
            )  # fmt: skip
            with dongle:
                memory = _observe(dongle, source, wire, broker.url, str(authority.pem) if secure else None, readings, limit_s)
        ntp.stop()
    return memory


def _observe(dongle, source, wire, url: str, ca: str | None, readings: int, limit_s: int) -> dict:
    found: dict = {}
    done = threading.Event()

    def message(topic: str, payload: bytes, _retained: bool) -> None:
        if topic.endswith("/status"):
            status = json.loads(payload)
            acknowledged = status["sinks"]["mqtt"]["acknowledged"]
            if acknowledged is not None and acknowledged >= readings and status["memory"]["heap_live"]:
                found.update(status["memory"], restarts=sum(task["restarts"] for task in status["tasks"].values()))
                done.set()

    watch = mqtt_watch.MqttWatch(mqtt_watch.parse(url), ["meterbridge/+/status"], message, ca).open()
    dongle.wait_for("listening at", 20)
    started, at = time.monotonic(), time.time()
    for number in range(int(limit_s / source.cadence_s * SPEED)):
        if done.is_set() or not dongle.running:
            break
        wire.write(source.telegram(at + number * source.cadence_s))
        wire.wait(started + (number + 1) * source.cadence_s / SPEED)
    watch.close()
    if not found:
        raise UserError("the firmware did not get so far:\n" + "\n".join(list(dongle.log)[-15:]), FAILED)
    return found


if __name__ == "__main__":
    for figure in figures():
        print(*figure, flush=True)
