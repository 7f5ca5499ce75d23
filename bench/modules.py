"""Figures of the code itself: RAM on 32-bit MicroPython by module of the compiled firmware, in the order of their import."""

import subprocess
from collections.abc import Iterator

from bench import callgrind, micropython32
from host_tools import build, runtime
from host_tools.errors import FAILED, UserError

# What a dongle with P1 and MQTT over TLS has in memory, as the build makes it; the rest behind it.
FIRST = (
    "asyncio", "bridge.root", "bridge.base", "bridge.framing_p1", "bridge.decoding_p1", "bridge.push_tls", "bridge.push_mqtt_sink",
    "bridge.push_homeassistant",
)  # fmt: skip
AFTER = (
    "bridge.framing_sml", "bridge.decoding_sml", "bridge.framing_hdlc", "bridge.decoding_dlms", "bridge.decoding_security", "bridge.framing_d0",
    "bridge.decoding_d0", "bridge.push_http_sink", "bridge.push_influx", "bridge.config_settings", "bridge.wifi_ntp", "bridge.app",
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
