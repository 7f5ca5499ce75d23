"""Where the project's parts lie on this computer; which MicroPython runs them, with how much heap (bytes) and in which environment.

In a working copy they lie where they are edited, and what is built lies beside them. In an installed package they are its data, and
what is built goes to the user's cache folder.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from host_tools.errors import FAILED, MISSING, UserError

TOOLS = Path(__file__).resolve().parent
_COPY = TOOLS.parent
IS_COPY = (_COPY / "pyproject.toml").is_file() and (_COPY / "firmware" / "main.py").is_file()
ROOT = _COPY if IS_COPY else TOOLS / "shipped"  # setup.py puts firmware/ and boards/ there
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"

ENV_NAME = "MICROPYTHON"
ESP32_WORD = 4  # bytes
_HELP = (
    "the simulation needs MicroPython, whose Python package exists for Linux on x86-64 and macOS on arm64 only "
    "(none for Linux on arm64, none for Windows). Build MicroPython's unix port, 1.24 or newer, and set "
    f"{ENV_NAME}=/path/to/micropython"
)


def find_micropython() -> str:
    """Returns the path of a MicroPython unix port: the environment's MICROPYTHON, else the Python package's command.

    Raises UserError (MISSING) with what to do when there is none.
    """
    named = os.environ.get(ENV_NAME, "")
    if named:
        found = shutil.which(named)
        if found:
            return os.path.abspath(found)
        raise UserError(f"{ENV_NAME}={named} is not a program that can be run: set it to the path of a MicroPython unix build", MISSING)
    return packaged("micropython") or _missing()


def has_micropython() -> bool:
    """Whether `find_micropython` would find one, or complain about the one that was named."""
    return bool(os.environ.get(ENV_NAME)) or packaged("micropython") is not None


def must_simulate() -> None:
    """Raises UserError (MISSING) where no dongle can be simulated: it needs pseudo terminals and MicroPython."""
    if sys.platform == "win32" or not importlib.util.find_spec("termios"):
        raise UserError("the simulation needs Linux or macOS (on Windows: WSL); all that works with a real dongle works here", MISSING)
    find_micropython()


def cache() -> Path:
    """The folder for what is made from the sources and can be made again: the working copy's, or the user's own where that cannot be written to."""
    if IS_COPY and os.access(ROOT, os.W_OK):
        return ROOT
    from platformdirs import user_cache_path

    return user_cache_path("meterbridge", appauthor=False)


def packaged(command: str) -> str | None:
    """The path of a command that a Python package brought: beside this interpreter first, then on PATH."""
    beside = os.pathsep.join((os.path.dirname(sys.executable), os.path.join(sys.prefix, "bin")))
    return shutil.which(command, path=beside) or shutil.which(command)


def micropython_path(*first: Path | str, board: str = "sim") -> str:
    """MICROPYPATH: folders given, the board's fakes, the firmware, and `.frozen` (without which asyncio is gone)."""
    return ":".join([*(str(folder) for folder in first), str(BOARDS / board), str(FIRMWARE), ".frozen"])


def environment(*first: Path | str, board: str = "sim", extra: dict | None = None) -> dict:
    """The environment of a run on MicroPython: this process's own, with MICROPYPATH set and `extra` on top."""
    return {**os.environ, "MICROPYPATH": micropython_path(*first, board=board), **(extra or {})}


def _missing() -> str:
    raise UserError(_HELP, MISSING)


def firmware_importable() -> None:
    """Lets this Python import the firmware's pure packages (`bridge.config`, `bridge.reading`, ...)."""
    for folder in (TOOLS / "cpython_shim", FIRMWARE):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def word_bytes(micropython: str) -> int:
    """Bytes of a machine word of this MicroPython. Its heap's blocks are four words: with twice the word, as much needs twice the bytes."""
    asked = subprocess.run([micropython, "-c", "import sys; print(sys.maxsize > 1 << 31)"], capture_output=True, text=True)
    if asked.returncode:
        raise UserError(f"{micropython} does not run: {asked.stderr.strip()[-200:] or asked.returncode}", FAILED)
    return 8 if asked.stdout.strip() == "True" else ESP32_WORD


def heap_bytes(words: str) -> int:
    """Bytes of a heap size as MicroPython's -X heapsize takes it: "112k", "1m", "65536"."""
    scale = {"k": 1024, "m": 1024 * 1024}.get(words[-1:].lower(), 1)
    figure = words[:-1] if scale > 1 else words
    if not figure.isdecimal() or int(figure) * scale < 32 * 1024:
        raise UserError(f"--heap {words}: write a size such as 112k, of at least 32k")
    return int(figure) * scale
