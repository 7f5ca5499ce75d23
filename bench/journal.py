"""Figures of the journal in RAM: bytes per reading and hours held, of simulated meters over hours of a household's day."""

import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from bench import callgrind, samples
from host_tools import meters, runtime
from host_tools.errors import FAILED, UserError

DEFAULT_BYTES = 14 * 1024  # the setting journal_kb
RAM_64 = 64 * 1024
MORNING = 1_750_045_500  # 05:45 local time on a June day: night, breakfast, sun and clouds follow
# name: (simulated meter, protocol, seconds between readings, readings)
CASES = {"p1_10s": ("p1-nl", "p1", 10, 4000), "p1_1s": ("p1-nl", "p1", 1, 8000), "sml_1s": ("sml", "sml", 1, 8000)}


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (meter, protocol, step, count) in CASES.items():
            path = pathlib.Path(folder) / name
            source = meters.make(meter)
            telegrams = [source.telegram(MORNING + number * step) for number in range(count)]
            samples.store(path, telegrams, source.keys)
            held, each = fill(protocol, path, DEFAULT_BYTES)
            yield f"journal.bytes_per_reading.{name}", round(each, 2), "byte"
            yield f"journal.hours_default.{name}", round(held * step / 3600, 2), "h"
            if name == "p1_1s":
                yield "journal.bytes_per_reading", round(each, 2), "byte"
                yield "journal.hours_64kb_ram", round(RAM_64 / each / 3600, 2), "h"


def fill(protocol: str, path: pathlib.Path, capacity: int) -> tuple[int, float]:
    """(readings held in the end, bytes per reading) of a journal of `capacity` bytes that took all telegrams of `path`."""
    command = [
        runtime.find_micropython(), "-X", "heapsize=64m", str(callgrind.HERE / "on_micropython" / "journal.py"), protocol, str(path), str(capacity),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(callgrind.HERE / "on_micropython"))
    if done.returncode:
        raise UserError(f"journal.py failed: {(done.stdout + done.stderr)[-300:]}", FAILED)
    held, each = done.stdout.split()
    return int(held), float(each)
