"""Where the project's parts lie on this computer, which MicroPython runs them, and in which environment."""

import os
import shutil
import sys
from pathlib import Path

from host_tools.errors import MISSING, UserError

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"

ENV_NAME = "MICROPYTHON"
_HELP = (
    "no MicroPython for this computer: its Python package exists for Linux on x86-64 and macOS on arm64 only "
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
    for folder in (ROOT / "host_tools" / "cpython_shim", FIRMWARE):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
