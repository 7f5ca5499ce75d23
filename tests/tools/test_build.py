"""The compiled firmware: everything is in it, what holds machine code stays source, and MicroPython loads all of it."""

import json
import subprocess
from pathlib import Path

import pytest

from host_tools import boards, build, runtime
from host_tools.errors import UserError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[build.Built]]:
    out = tmp_path_factory.mktemp("build")
    return out, build.build("seeed-xiao-c3", out)


def place(module: str) -> str:
    """The file, without its suffix, that holds a module of the source."""
    group = next((group for group, members in build.JOINED.items() if module in members), module)
    root, _, rest = group.partition(".")
    return f"{root}/{rest.replace('.', '_')}" if rest else root


def test_every_source_is_there_once(built: tuple) -> None:
    out, files = built
    modules = {build.module(path.relative_to(runtime.FIRMWARE)) for path in runtime.FIRMWARE.rglob("*.py") if path.read_text()}
    assert {module for members in build.JOINED.values() for module in members} < modules
    pages = {f"bridge/pages/{path.name}.gz" for path in (runtime.FIRMWARE / "bridge" / "serve" / "pages").iterdir()}
    assert {file.name for file in files if file.name.endswith(".gz")} == pages
    assert {file.name.rsplit(".", 1)[0] for file in files if file.name not in pages} == {place(module) for module in modules} | {"board", "bridge/__init__"}
    for file in files:
        assert (out / file.name).read_bytes() == file.path.read_bytes()
        assert file.size == len(file.path.read_bytes()) or file.name.endswith("__init__.py")
    assert json.loads((out / "board.json").read_text())["name"] == "seeed-xiao-c3"


def test_what_must_stay_source_does(built: tuple) -> None:
    names = {file.name for file in built[1]}
    assert {"boot.py", "main.py"} <= names
    for path in runtime.FIRMWARE.rglob("*.py"):
        name = path.relative_to(runtime.FIRMWARE)
        if path.read_text() and len(name.parts) > 1:
            assert (f"{place(build.module(name))}.py" in names) == ("@micropython.viper" in path.read_text()), name


def test_what_became_of_the_names_is_written_down(built: tuple) -> None:
    told = json.loads((built[0] / build.NAMES).read_text())
    assert "Journal" in " or ".join(told["bridge.base"].values()).split(" or ")


def test_compiled_files_are_of_the_promised_version(built: tuple) -> None:
    for file in built[1]:
        if file.name.endswith(".mpy"):
            head = file.path.read_bytes()[:3]
            assert head[0:1] == b"M" and head[1] == build.MPY_VERSION
            assert head[2] >> 2 == 0, f"{file.name} holds machine code"


def test_micropython_imports_every_module(built: tuple) -> None:
    out, files = built
    modules = [f.name.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__") for f in files if f.name.startswith("bridge/") and not f.name.endswith(".gz")]
    code = "import sys\nfor name in %r:\n    __import__(name)\nprint('all')" % sorted(modules)
    environment = runtime.environment(extra={"MICROPYPATH": f"{runtime.BOARDS / 'sim'}:{out}:.frozen"})
    run = subprocess.run([runtime.find_micropython(), "-c", code], env=environment, cwd=out, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout) == (0, "all\n"), run.stdout + run.stderr


def test_a_second_build_removes_what_is_no_longer_there(built: tuple) -> None:
    out, files = built
    (out / "bridge" / "old.mpy").write_bytes(b"M")
    assert build.build("seeed-xiao-c3", out) == files
    assert not (out / "bridge" / "old.mpy").exists()


def test_trouble_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no board named 'moon'; there are: .*generic-esp32"):
        build.build("moon", tmp_path)
    firmware = tmp_path / "firmware"
    (firmware / "bridge").mkdir(parents=True)
    (firmware / "bridge" / "broken.py").write_text("def f(:\n")
    monkeypatch.setattr(runtime, "FIRMWARE", firmware)
    with pytest.raises(UserError, match="bridge/broken.py does not compile: SyntaxError"):
        build.build("generic-esp32", tmp_path / "out")
    broken = {**boards.load("generic-esp32"), "button": 99}
    monkeypatch.setattr(boards, "load", lambda name: broken)
    with pytest.raises(UserError, match="board.json: button: this chip has no GPIO 99"):
        build.build("generic-esp32", tmp_path / "out")
