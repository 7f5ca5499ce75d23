"""Real and made captures, through the firmware's pipeline on MicroPython and on CPython: exactly the expected telegrams, however the bytes arrive.

The pipeline is told nothing but the keys. Nothing comes out of damaged telegrams, and all of the good ones behind them.
"""

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
FOLDERS = (HERE, runtime.FIRMWARE, runtime.ROOT / "host_tools" / "on_micropython")
KINDS = ("p1", "sml", "d0", "dlms", "p1_encrypted")
FRAMINGS = {"llc": "dlms", "apdu-stream": "dlms"}  # of the captures' own descriptions, to the protocol that reads them
TEXT_KINDS = ("p1", "d0", "p1_encrypted", "sml")  # whose texts are compared as well; DLMS's are written in several ways
SAMPLES = 1  # places of each capture that are damaged in each way: over all captures, well spread
UNITS = {"m³": "m3", "°": "deg", "none": "", "count": ""}


def captures(root: Path) -> list[tuple[str, Path, Path]]:
    """(kind, capture, expected values) of a folder laid out as the shared corpus."""
    found = []
    for kind in KINDS:
        for expected in sorted((root / "expected" / kind).glob("*.json")):
            for ending in (".bin", ".txt"):
                capture = root / kind / (expected.stem + ending)
                if capture.exists():
                    found.append((kind, capture, expected))
    return found


ALL = captures(SHARED) + captures(OWN)


def told(capture: Path) -> dict:
    """What the file beside a capture says: its keys and framing."""
    beside = capture.with_suffix(".json")
    return json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}


def micropython() -> tuple[list[str], dict]:
    path = ":".join([*map(str, FOLDERS), ".frozen"])
    return [str(runtime.find_micropython()), "-X", "heapsize=32m"], {"MICROPYPATH": path}


def cpython() -> tuple[list[str], dict]:
    path = os.pathsep.join([*map(str, FOLDERS), str(runtime.ROOT / "host_tools" / "cpython_shim")])
    return [sys.executable], {"PYTHONPATH": path}


PYTHONS = {"micropython": micropython, "cpython": cpython}


@functools.cache
def decoded() -> dict[str, dict[str, dict]]:
    """Of each Python: capture to what came out of it. Both run at a time, each with all captures in one process."""
    names = ""
    for _, capture, _ in ALL:
        beside = told(capture)
        names += f"{capture}\t{beside.get('key') or ''}\t{beside.get('authentication_key') or ''}\n"
    started = {}
    for name, make in PYTHONS.items():
        command, environment = make()
        started[name] = subprocess.Popen(
            [*command, str(HERE / "stream.py"), str(SAMPLES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=dict(os.environ, **environment),
        )  # fmt: skip
    for process in started.values():
        process.stdin.write(names)
        process.stdin.close()
        process.stdin = None
    found = {}
    for name, process in started.items():
        text = process.communicate(timeout=600)[0]
        assert process.returncode == 0, (name, text[-2000:])
        rows = [json.loads(line) for line in text.splitlines()]
        found[name] = {row["file"]: row for row in rows}
    return found


def wanted(expected: dict, kind: str) -> list[dict | None]:
    """Per telegram: OBIS code to (value, unit, time), numbers as Decimal; None where nobody knows what its values mean."""
    out = []
    for telegram, about in zip(expected["telegrams"], expected["meta"]):
        row = {}
        for code, entry in (telegram or about.get("positional_values") or {}).items():
            value = entry.get("quirk_value", entry["value"])
            if number(entry.get("type") or "num"):
                value = Decimal(value)
            elif kind not in TEXT_KINDS or entry["type"] == "list":
                continue
            row[code.removesuffix("*255")] = (value, entry.get("unit"), entry.get("timestamp"))
        out.append(row or None)
    return out


def number(kind: str) -> bool:
    return kind in ("num", "int", "uint") or kind[0] in "iuf" and kind[1:].isdigit()


def stamp(text: str | None) -> str | None:
    """A TST as ISO 8601, where it is a date."""
    if text is None or int(text[2:4]) > 12 or int(text[4:6]) > 31 or not int(text[2:4]):
        return text
    pairs = [text[i : i + 2] for i in range(0, 12, 2)]
    return "20{}-{}-{}T{}:{}:{}".format(*pairs) + {"S": "+02:00", "W": "+01:00", "": ""}[text[12:]]


def unit(name: str | None) -> str:
    name = (name or "").lower()
    return UNITS.get(name, name)


def compare(row: list, want: dict) -> None:
    got = {}
    for code, value, name, time in row:
        got.setdefault(code, []).append((value, name, time))
    for code, (value, name, time) in want.items():
        assert code in got, f"{code} is missing"
        if isinstance(value, Decimal):
            said = [one for one in got[code] if decimal(one[0]) == value and (not one[1] or not name or unit(one[1]) == unit(name))]
        else:
            said = [one for one in got[code] if not value or one[0] == value or decimal(one[0]) == decimal(value) is not None]
        assert said, f"{code}: {got[code]}, want {value} {name}"
        assert said[0][2] == stamp(time) or time is None, code


def decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def test_captures_are_there():
    if ALL and SHARED.is_dir():
        return
    message = f"no captures in {SHARED} (the shared corpus): real telegrams are not tested here"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0]}/{case[1].name}")
def test_capture(case, python):
    kind, capture, expected = case
    found = decoded()[python][str(capture)]
    assert found["differs"] == []
    want = wanted(json.loads(expected.read_text(encoding="utf-8")), kind)
    certain = [telegram for telegram in want if telegram is not None]
    telegrams = found["telegrams"]
    assert len(certain) <= len(telegrams) <= len(want), (found["protocol"], found["refused"])
    for row, telegram in zip(telegrams, want if len(telegrams) == len(want) else certain):
        compare(row, telegram or {})


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0]}/{case[1].name}")
def test_protocol_is_found_by_listening(case):
    kind, capture, _ = case
    found = decoded()["micropython"][str(capture)]
    if found["telegrams"]:
        framing = told(capture).get("framing", kind)
        assert found["protocol"] == FRAMINGS.get(framing, framing)


@pytest.mark.parametrize("case", [case for case in ALL if told(case[1]).get("key")], ids=lambda case: f"{case[0]}/{case[1].name}")
def test_encrypted_telegrams_say_how_much_is_proved(case):
    capture = case[1]
    found = decoded()["micropython"][str(capture)]
    if told(capture).get("authentication_key"):
        assert set(found["security"]) <= {"authenticated"} or "_0x20" in capture.name, "a telegram with a tag was not verified"
    else:
        assert set(found["security"]) <= {"unauthenticated"}


@pytest.mark.parametrize("python", PYTHONS)
def test_damaged_telegrams_give_nothing_and_cost_no_good_one(python):
    found = decoded()[python]
    assert {file: row["damage"] for file, row in found.items() if row["damage"]} == {}
    assert sum(row["tried"] for row in found.values()) > 5 * len(captures(OWN)) * SAMPLES


@pytest.mark.skipif(not ALL, reason="no captures")
def test_both_pythons_say_the_same():
    found = decoded()
    assert found["micropython"] == found["cpython"]
