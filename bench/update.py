"""What an update costs: time of its signature by the instruction scale, heap that taking it needs on 32-bit MicroPython, sizes in bytes."""

import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from bench import callgrind, micropython32
from host_tools import build, bundle, runtime

STEP = 512  # bytes, to which the heap is found


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        key = bundle.new_key(folder / "update.key")
        version, files = bundle.firmware()
        (folder / "it.update").write_bytes(bundle.make(version, files, key))
        yield "update.bundle", (folder / "it.update").stat().st_size, "byte"
        yield "update.files", len(files), "files"
        blocks = sum(1 + len(data) // 4096 for data in files.values())
        yield "update.slot.flash_at_most", blocks * 4, "KB"
        cost = callgrind.instructions("verify.py", 2, str(folder / "update.pub"), str(folder / "it.update"))
        yield "update.signature.esp32_ms", round(callgrind.esp32_ms(cost), 1), "ms"
        micropython = micropython32.need()
        parts = folder / "parts"
        build.build("generic-esp32", parts, own_names=True)
        yield "update.heap", _smallest(micropython, parts, folder, str(folder / "it.update")) - _smallest(micropython, parts, folder, "nothing"), "byte"


def _smallest(micropython: str, parts: pathlib.Path, folder: pathlib.Path, what: str) -> int:
    """Bytes of the smallest heap in which it can be done."""
    low, high = 8 * 1024, 256 * 1024
    while high - low > STEP:
        middle = (low + high) // 2
        low, high = (low, middle) if _runs(micropython, parts, folder, what, middle) else (middle, high)
    return high


def _runs(micropython: str, parts: pathlib.Path, folder: pathlib.Path, what: str, heap: int) -> bool:
    shutil.rmtree(folder / "b", ignore_errors=True)
    (folder / "slot").write_text("a")
    command = [micropython, "-X", f"heapsize={heap}", str(callgrind.HERE / "on_micropython" / "take_update.py"), what]
    environment = runtime.environment(extra={"MICROPYPATH": f"{parts}:.frozen"})
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode == 0
