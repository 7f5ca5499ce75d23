"""Counts instructions of a script on MicroPython with valgrind: the script and a repetition count in, instructions per repetition out.

The same script runs for N and for 3N repetitions; the difference divided by 2N is the cost of one, whatever else the machine
does. One x86-64 instruction of this MicroPython is about 12.3 ns on an ESP32 at 160 MHz (range 8 to 16 ns).
"""

import pathlib
import re
import shutil
import subprocess
import tempfile

from host_tools import runtime
from host_tools.errors import MISSING, UserError

ESP32_NS = 12.3
HERE = pathlib.Path(__file__).resolve().parent


def instructions(script: str, repetitions: int, *arguments: str, firmware: pathlib.Path | None = None) -> float:
    """Mean instructions of one repetition of bench/on_micropython/`script`, called as: script <repetitions> <arguments>.

    `firmware`: a folder with what `build` made of it, where modules are loaded again and again; else the sources are used.
    """
    one = _count(script, repetitions, arguments, firmware)
    three = _count(script, 3 * repetitions, arguments, firmware)
    return (three - one) / (2 * repetitions)


def esp32_ms(count: float) -> float:
    """Milliseconds that so many instructions take on an ESP32 at 160 MHz."""
    return count * ESP32_NS / 1e6


def _count(script: str, repetitions: int, arguments: tuple, firmware: pathlib.Path | None) -> int:
    if not shutil.which("valgrind"):
        raise UserError("instruction counts need valgrind: apt install valgrind", MISSING)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--",
            runtime.find_micropython(), "-X", "heapsize=512k", str(HERE / "on_micropython" / script), str(repetitions), *arguments,
        ]  # fmt: skip
        extra = {"MICROPYPATH": f"{HERE / 'on_micropython'}:{firmware}:.frozen"} if firmware else {}
        environment = runtime.environment(HERE / "on_micropython", extra=extra)
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not found:
            raise UserError(f"{script} did not run under valgrind: {(done.stdout + done.stderr)[-300:]}", 1)
        return int(found[1])
