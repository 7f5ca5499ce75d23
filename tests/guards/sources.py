"""The project's own sources, parsed once, for the guards."""

import ast
import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
BRIDGE = FIRMWARE / "bridge"
HARDWARE = {"machine", "network", "esp32", "espnow", "neopixel"}


@functools.cache
def tracked() -> tuple:
    """All files under version control that exist (in an unpacked archive: all files of the project's folders)."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return tuple(ROOT / name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file())
    folders = ("firmware", "boards", "host_tools", "tests", "bench", "docs")
    return tuple(p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file())


def python_files(folder: pathlib.Path) -> list:
    return [path for path in tracked() if path.suffix == ".py" and folder in path.parents]


@functools.cache
def tree(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: pathlib.Path) -> set:
    """Full dotted names of the modules that `path` imports, wherever the import stands."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by full name"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "bridge"}
    return names
