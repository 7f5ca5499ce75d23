"""Figures of the receiving path: instructions per telegram and stage, the ESP32's milliseconds, bytes of garbage."""

import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from bench import callgrind, micropython32, samples
from host_tools import runtime
from host_tools.errors import UserError

STAGES = ("framing", "decoding", "reading", "store")  # each includes those before it
REPETITIONS = 64


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure; for speed and for garbage."""
    with tempfile.TemporaryDirectory() as folder:
        for protocol, (meter, name) in samples.SAMPLES.items():
            path = samples.write(meter, pathlib.Path(folder) / protocol)
            yield f"decode.{name}.bytes", len(path.read_bytes()) // samples.COUNT, "byte"
            before = 0.0
            for stage in STAGES:
                total = callgrind.instructions("stages.py", REPETITIONS, protocol, str(path), stage)
                yield f"decode.{name}.{stage}.instructions", round(total - before), "x86-64 instructions"
                before = total
            yield f"decode.{name}.esp32_ms", round(callgrind.esp32_ms(before), 2), "ms"
            yield f"decode.{name}.garbage", garbage(protocol, path), "byte"


def garbage(protocol: str, path: pathlib.Path, repetitions: int = 160) -> float:
    """Bytes allocated per telegram from framing to store, on 32-bit MicroPython. Raises micropython32.Missing."""
    command = [micropython32.need(), "-X", "heapsize=4m", str(callgrind.HERE / "on_micropython" / "garbage.py"), protocol, str(path), str(repetitions)]
    done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(callgrind.HERE / "on_micropython"))
    if done.returncode:
        raise UserError(f"garbage.py failed: {(done.stdout + done.stderr)[-300:]}", 1)
    return round(float(done.stdout), 1)
