"""Figures of the code itself: RAM on 32-bit MicroPython by module of the compiled firmware, in the order of their import."""

import subprocess
from collections.abc import Iterator

from bench import callgrind, micropython32
from host_tools import build, runtime
from host_tools.errors import FAILED, UserError

# What a dongle with P1 and MQTT over TLS has in memory, as the build makes it; the rest behind it.
FIRST = (
    "asyncio", "bridge.core.unload", "bridge.base", "bridge.framing.p1", "bridge.decoding.p1", "bridge.push.tls", "bridge.push.mqtt_sink",
    "bridge.push.homeassistant",
)  # fmt: skip
AFTER = (
    "bridge.framing.sml", "bridge.decoding.sml", "bridge.framing.hdlc", "bridge.decoding.dlms", "bridge.decoding.security", "bridge.framing.d0",
    "bridge.decoding.d0", "bridge.push.http_sink", "bridge.push.influx", "bridge.config.settings", "bridge.wifi.ntp", "bridge.app",
)  # fmt: skip


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each module, then the sum of what the first group takes."""
    build.build("sim")
    path = ":".join(str(folder) for folder in (build.BUILD / "sim", runtime.BOARDS / "sim", runtime.ROOT / "bench" / "ssl32")) + ":.frozen"
    command = [micropython32.need(), "-X", "heapsize=600k", str(callgrind.HERE / "on_micropython" / "modules.py"), *FIRST, *AFTER]
    done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(extra={"MICROPYPATH": path}))
    if done.returncode:
        raise UserError(f"modules.py failed: {(done.stdout + done.stderr)[-300:]}", FAILED)
    rows = [line.split() for line in done.stdout.splitlines()]
    for name, size in rows:
        yield f"code.{name}", int(size), "byte"
    yield "code.p1_mqtt_tls", sum(int(size) for name, size in rows[: len(FIRST)]), "byte"


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
