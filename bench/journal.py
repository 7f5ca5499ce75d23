"""Figures of the journal in RAM: bytes per reading and hours held of a household's day.

Hours are those at the worst moment of the day, when its busiest hours fill the ring and the oldest block has just given way; "mean" is
what the ring holds of an average hour. "four": time, import, export and net power alone, which
the budgets speak of; the others are simulated meters with all that they send.
"""

import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from bench import callgrind, days, samples
from host_tools import meters, runtime
from host_tools.errors import FAILED, UserError

KB = 1024
RAM_12, RAM_64 = 12 * KB, 64 * KB
WHOLE = 4096 * KB  # nothing gives way
# name: (simulated meter, protocol, seconds between readings, readings)
CASES = {"p1_10s": ("p1-nl", "p1", 10, 8640), "p1_1s": ("p1-nl", "p1", 1, 20_000), "sml_1s": ("sml", "sml", 1, 20_000)}


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for step in (1, 10):
            path = days.write(folder / f"four_{step}s", step)
            each = fill("four", path, WHOLE)[1]
            yield f"journal.bytes_per_reading{'' if step == 1 else '.10s'}", round(each, 2), "byte"
            yield f"journal.hours_12kb_ram_{step}s", hours("four", path, RAM_12, step), "h"
            yield f"journal.hours_12kb_ram_{step}s.mean", round(RAM_12 / each * step / 3600, 2), "h"
            if step == 1:
                yield "journal.hours_64kb_ram", hours("four", path, RAM_64, step), "h"
        for case, (meter, protocol, step, count) in CASES.items():
            path = folder / case
            source = meters.make(meter)
            telegrams = [source.telegram(days.MORNING + number * step) for number in range(count)]
            samples.store(path, telegrams, source.keys)
            each = fill(protocol, path, WHOLE)[1]
            yield f"journal.bytes_per_reading.{case}", round(each, 2), "byte"
            yield f"journal.hours_12kb_ram.{case}", hours(protocol, path, RAM_12, step), "h"
            yield f"journal.hours_12kb_ram.{case}.mean", round(RAM_12 / each * step / 3600, 2), "h"


def hours(protocol: str, path: pathlib.Path, capacity: int, step_s: int) -> float:
    """Hours that a journal of `capacity` bytes holds at the worst moment of the readings in `path`."""
    return round(fill(protocol, path, capacity)[0] * step_s / 3600, 2)


def fill(protocol: str, path: pathlib.Path, capacity: int) -> tuple[int, float]:
    """(fewest readings held, bytes per reading) of a journal of `capacity` bytes that took all readings of `path`."""
    held, each = runs("journal.py", protocol, str(path), str(capacity))
    return int(held), float(each)


def runs(script: str, *words: str) -> list[str]:
    """The words that bench/on_micropython/`script` prints. Raises UserError when it fails."""
    command = [runtime.find_micropython(), "-X", "heapsize=64m", str(callgrind.HERE / "on_micropython" / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(callgrind.HERE / "on_micropython"))
    if done.returncode:
        raise UserError(f"{script} failed: {(done.stdout + done.stderr)[-300:]}", FAILED)
    return done.stdout.split()
