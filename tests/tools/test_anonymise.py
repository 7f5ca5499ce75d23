"""`meterbridge anonymise`: nothing that names a meter or its owner remains, in no form; what decodes gives the same numbers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from host_tools import runtime
from host_tools.anonymising.names import Names
from host_tools.meters import METERS, make

NOON = 1_750_000_000
KINDS = [name for name, kind in METERS.items() if kind.protocol in ("p1", "sml", "d0")]
SHORTEST_ID = 6  # characters of an id that are looked for; counts and states have up to five
FOLDER = runtime.ROOT / "tests" / "telegrams"


def call(*words, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([sys.executable, "-m", "host_tools", *map(str, words)], cwd=runtime.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def capture(name: str, path: Path) -> Path:
    if METERS[name].protocol == "d0":  # some of which send when they are asked
        path.write_bytes((FOLDER / "d0" / f"{name}.bin").read_bytes())
        return path
    meter = make(name)
    path.write_bytes(b"".join(meter.telegram(NOON + number * 60) for number in range(3)))
    return path


def decoded(path: Path) -> list:
    """Registers of each telegram."""
    rows = [json.loads(line, parse_float=str) for line in call("decode", "--json", path).stdout.splitlines()]
    return [row["registers"] for row in rows if "registers" in row]


def numbers(telegrams: list) -> list:
    return [[(row["obis"], row["value"], row["unit"], row.get("time")) for row in rows if "unit" in row] for rows in telegrams]


def words(telegrams: list) -> set[bytes]:
    """What stands in registers without a unit and may name somebody: as text, and what pairs of digits stand for."""
    found = set()
    for rows in telegrams:
        for row in rows:
            value = row["value"]
            short = len(value) < SHORTEST_ID or re.fullmatch(r"\d{12}[SW]?|[\d.:T+-]+Z?", value) and ("time" in row or "T" in value)
            if "unit" in row or short or re.search(r":(96\.5\.|98\.1\.|99\.97\.|97\.97\.|1\.0\.0)", row["obis"]) or re.fullmatch(r"[-+]?\d+\.\d+|(\d\d[:-]){2}\d\d", value):
                continue
            found.add(value.encode())
            if re.fullmatch("([0-9A-Fa-f]{2})+", value):
                found.add(bytes.fromhex(value))
    return {word for word in found if len(word) >= SHORTEST_ID}


def forms(word: bytes) -> list[bytes]:
    """As it is, backwards, in hex of either case."""
    return [form for one in (word, word[::-1]) for form in (one, one.hex().encode(), one.hex().upper().encode())]


@pytest.mark.parametrize("name", KINDS)
def test_numbers_stay_and_names_go(name, tmp_path):
    source = capture(name, tmp_path / "meter.bin")
    done = call("anonymise", source, "-o", tmp_path / "shared.bin")
    before, after = decoded(source), decoded(tmp_path / "shared.bin")
    assert len(before) == 3 and numbers(after) == numbers(before)
    made = (tmp_path / "shared.bin").read_bytes()
    assert len(made) == len(source.read_bytes())
    known = words(before)
    assert known or name in ("p1-se", "p1-si")  # which name themselves on their first line only
    for word in known:
        assert not [form for form in forms(word) if form in made], word
        assert not [form for form in forms(word) if form in (tmp_path / "shared.bin").name.encode()]
    assert not known or "->" in done.stdout


def test_the_same_meter_has_the_same_new_id_throughout_and_with_the_same_secret(tmp_path):
    source = capture("p1-nl", tmp_path / "meter.bin")
    outs = []
    for number, secret in enumerate((["--secret", "blue"], ["--secret", "blue"], ["--secret", "red"], [])):
        out = tmp_path / f"{number}.bin"
        call("anonymise", source, "-o", out, *secret)
        outs.append(out.read_bytes())
        ids = [[row["value"] for row in rows if row["obis"] == "0-0:96.1.1"] for rows in decoded(out)]
        assert ids[0] and ids.count(ids[0]) == len(ids)
    assert outs[0] == outs[1] and len(set(outs)) == 3


def test_what_is_not_understood_is_left_out(tmp_path):
    source = capture("p1-nl", tmp_path / "meter.bin")
    telegrams = source.read_bytes()
    secret = b"Jan Jansen, Dorpsstraat 1"
    damaged = telegrams.replace(b"1-0:1.8.1", b"1-0:1.8.9", 1)
    source.write_bytes(secret + damaged + secret + b"\r\n" + b"/XXX5cut\r\n\r\n0-0:96.1.1(4A616E)\r\n" + telegrams + secret)
    call("anonymise", source, "-o", tmp_path / "shared.bin")
    made = (tmp_path / "shared.bin").read_bytes()
    assert secret not in made and b"4A616E" not in made and b"cut" not in made
    assert len(decoded(tmp_path / "shared.bin")) == 5


def test_damaged_captures(tmp_path):
    for path in sorted(FOLDER.glob("*/*-damaged.bin")):
        expected = json.loads((FOLDER / "expected" / path.parent.name / f"{path.stem}.json").read_text())
        call("anonymise", path, "-o", tmp_path / path.name)
        assert len(decoded(tmp_path / path.name)) == len(expected["telegrams"]), path.name


def test_refusals_write_nothing(tmp_path):
    noise = tmp_path / "noise.bin"
    noise.write_bytes(b"my name is Jansen" * 20)
    out = tmp_path / "out.bin"
    assert "no whole" in call("anonymise", noise, "-o", out, code=1).stderr
    assert "no such file" in call("anonymise", tmp_path / "missing.bin", "-o", out, code=2).stderr
    assert not out.exists()
    source = capture("sml", tmp_path / "meter.bin")
    kept = source.read_bytes()
    assert "already" in call("anonymise", source, "-o", source, "--force", code=2).stderr
    assert source.read_bytes() == kept
    out.write_bytes(b"mine")
    assert "already" in call("anonymise", source, "-o", out, code=2).stderr
    assert out.read_bytes() == b"mine"


def test_replacements_keep_length_and_kind():
    names = Names(b"secret")
    for word in (b"ABC-def 123", b"0012345", b"\x01\x02\xfe", b"E0044007"):
        made = names.octets(word)
        assert made != word and len(made) == len(word) and names.octets(word) == made
        for old, new in zip(word, made):
            assert old != new or not chr(old).isalnum() and old < 128
            assert chr(old).isdigit() == chr(new).isdigit() or old > 127 or old < 32
    assert names.text("4142") != "4142" and len(bytes.fromhex(names.text("4142")).decode()) == 2
    serial = bytes.fromhex("0a01445a470002887fab")
    other = names.serial(serial)
    assert other[:6] == serial[:6] and int.from_bytes(other[6:], "big") // 1_000_000 == int.from_bytes(serial[6:], "big") // 1_000_000
