"""Real and made captures, decoded on MicroPython and on CPython: exactly the expected telegrams, however the bytes arrive."""

import functools
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from host_tools import runtime

HERE = Path(__file__).parent
SHARED = runtime.ROOT.parent / "shared" / "corpus" / "open"
OWN = runtime.ROOT / "tests" / "telegrams"
PROTOCOLS = ("p1", "sml")
FOLDERS = (HERE, runtime.FIRMWARE, runtime.ROOT / "host_tools" / "on_micropython")


def captures(root: Path) -> list[tuple[str, Path, Path]]:
    """(protocol, capture, expected values) of a folder laid out as the shared corpus."""
    found = []
    for protocol in PROTOCOLS:
        for expected in sorted((root / "expected" / protocol).glob("*.json")):
            for ending in (".bin", ".txt"):
                capture = root / protocol / (expected.stem + ending)
                if capture.exists():
                    found.append((protocol, capture, expected))
    return found


ALL = captures(SHARED) + captures(OWN)


def micropython() -> tuple[list[str], dict]:
    path = ":".join([*map(str, FOLDERS), ".frozen"])
    return [str(runtime.find_micropython()), "-X", "heapsize=32m"], {"MICROPYPATH": path}


def cpython() -> tuple[list[str], dict]:
    path = os.pathsep.join([*map(str, FOLDERS), str(runtime.ROOT / "host_tools" / "cpython_shim")])
    return [sys.executable], {"PYTHONPATH": path}


@functools.cache
def decoded(make) -> dict[str, dict]:
    """Capture to what came out of it, of all captures in one process."""
    command, environment = make()
    names = "".join(f"{protocol}\t{capture}\n" for protocol, capture, _ in ALL)
    done = subprocess.run(
        [*command, str(HERE / "stream.py")], input=names, capture_output=True, text=True, timeout=600, env=dict(os.environ, **environment)
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["file"]: row for row in rows}


def wanted(expected: dict) -> list[dict]:
    """Per telegram: OBIS code to (value, unit, time); numbers as Decimal."""
    out = []
    for telegram in expected["telegrams"]:
        row = {}
        for code, entry in telegram.items():
            value = entry.get("quirk_value", entry["value"])
            if entry["type"] in ("num", "int", "uint"):
                value = Decimal(value)
            row[code.removesuffix("*255")] = (value, entry.get("unit"), entry.get("timestamp"))
        out.append(row)
    return out


def stamp(text: str | None) -> str | None:
    """A TST as ISO 8601, where it is a date."""
    if text is None or int(text[2:4]) > 12 or int(text[4:6]) > 31 or not int(text[2:4]):
        return text
    pairs = [text[i : i + 2] for i in range(0, 12, 2)]
    return "20{}-{}-{}T{}:{}:{}".format(*pairs) + {"S": "+02:00", "W": "+01:00", "": ""}[text[12:]]


def compare(row: dict, want: dict) -> None:
    got = {}
    for code, value, unit, time in row:
        got.setdefault(code, (value, unit, time))
    for code, (value, unit, time) in want.items():
        assert code in got, f"{code} is missing"
        number, name, at = got[code]
        if isinstance(value, Decimal):
            assert Decimal(number) == value, code
            assert (name or "").lower() == (unit or "").lower(), code
        elif value:
            assert number == value, code
        assert at == stamp(time) or time is None, code


def test_captures_are_there():
    if ALL and SHARED.is_dir():
        return
    message = f"no captures in {SHARED} (the shared corpus): real telegrams are not tested here"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.mark.parametrize("make", (micropython, cpython), ids=("micropython", "cpython"))
@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0]}/{case[1].name}")
def test_capture(case, make):
    _, capture, expected = case
    found = decoded(make)[str(capture)]
    assert found["differs"] == []
    want = wanted(json.loads(expected.read_text(encoding="utf-8")))
    assert len(found["telegrams"]) == len(want), found["summary"]
    for row, telegram in zip(found["telegrams"], want):
        compare(row, telegram)


@pytest.mark.skipif(not ALL, reason="no captures")
def test_both_pythons_say_the_same():
    assert decoded(micropython) == decoded(cpython)
