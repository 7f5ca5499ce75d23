"""`meterbridge anonymise`: nothing that names a meter or its owner remains, in no form; what decodes gives the same numbers."""

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_tools import runtime
from host_tools.anonymising import amis as amis_text
from host_tools.anonymising.choose import anonymised
from host_tools.anonymising.names import Names
from host_tools.anonymising.vault import KEY, Vault
from host_tools.commands.anonymise import LARGEST
from host_tools.meters import METERS, make
from host_tools.splitting import apdu, hdlc, mbus

NOON = 1_750_000_000
KINDS = [name for name, kind in METERS.items() if kind.protocol in ("p1", "sml", "d0")]
LINKED = sorted(path.relative_to(runtime.ROOT / "tests" / "telegrams") for folder in ("dlms", "p1_encrypted") for path in (runtime.ROOT / "tests" / "telegrams" / folder).glob("*.bin"))
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


def keys(path: Path) -> list[str]:
    """The options that open what the JSON file beside a capture tells the keys of."""
    beside = path.with_suffix(".json")
    told = json.loads(beside.read_text()) if beside.exists() else {}
    pairs = (("--key", told.get("key")), ("--auth-key", told.get("authentication_key")))
    return [word for option, key in pairs if key for word in (option, key)]


def telegrams(path: Path) -> list[dict]:
    rows = [json.loads(line, parse_float=str) for line in call("decode", "--json", *keys(path), path).stdout.splitlines()]
    return [row for row in rows if "registers" in row]


def decoded(path: Path) -> list:
    """Registers of each telegram."""
    return [row["registers"] for row in telegrams(path)]


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


def inside(path: Path) -> bytes:
    """All that a capture holds, what is encrypted in it as well: as it is on the line, and what stands in it."""
    data, (key, auth_key) = path.read_bytes(), (*keys(path)[1::2], "", "")[:2]
    vault, held = Vault(bytes.fromhex(key) or None, bytes.fromhex(auth_key) or None), data
    for find in (hdlc.telegrams, mbus.telegrams, apdu.telegrams):
        for telegram in find(data):
            octets = telegram.octets(data)
            held += octets + (vault.plain(octets) or b"" if octets[:1] == b"\xdb" else b"")
    return held


@pytest.mark.parametrize("name", LINKED, ids=str)
def test_frames_and_what_is_encrypted_in_them(name, tmp_path):
    source, out = FOLDER / name, tmp_path / "shared.bin"
    done = call("anonymise", source, *keys(source), "-o", out)
    before, after = telegrams(source), telegrams(out)
    assert len(before) == len(after) == 3 and numbers([row["registers"] for row in after]) == numbers([row["registers"] for row in before])
    assert [row.get("security") for row in after] == [row.get("security") for row in before]
    for old, new in zip(before, after):
        assert {key: value for key, value in old["reading"].items() if "id" not in key} == {key: value for key, value in new["reading"].items() if "id" not in key}
    data, made, held = source.read_bytes(), out.read_bytes(), inside(out)
    assert len(made) == len(data)
    named = {bytes.fromhex(word) if re.fullmatch("([0-9a-f]{2})+", word) else word.encode() for rows in before for row in rows["registers"] for word in [row["value"]]
             if "unit" not in row and re.search(r":(96\.1|42\.0|0\.0)\.", row["obis"])}  # fmt: skip
    named |= {data[found.start() + 5 : found.start() + 10] for found in re.finditer(rb"(?s)\xdb\x08[A-Z]{3}.{5}", data)}
    for word in named:
        assert len(word) < 4 or not [form for form in forms(word) if form.lower() in held.lower()], word
    assert (tmp_path / "shared.json").exists() == bool(keys(source)) == ("published keys" in done.stdout)
    for key in keys(source)[1::2]:
        assert key.lower() not in (done.stdout + done.stderr).lower() and bytes.fromhex(key) not in made
    if keys(source):
        assert keys(out)[1] == KEY and len(call("decode", "--json", out, code=1).stderr.splitlines()) == 1


def test_encrypted_captures_need_their_key(tmp_path):
    out = tmp_path / "out.bin"
    for name in ("dlms/at-tinetz-kaifa", "dlms/at-steiermark-e450", "dlms/at-netzooe-amis", "p1_encrypted/lu-smarty"):
        source = FOLDER / f"{name}.bin"
        error = call("anonymise", source, "-o", out, code=1).stderr
        assert "--key" in error and "system title" in error and len(error.splitlines()) == 1
        assert "does not open" in call("anonymise", source, "--key", "11" * 16, "-o", out, code=1).stderr
    told = keys(FOLDER / "p1_encrypted" / "lu-smarty.bin")
    wrong = call("anonymise", FOLDER / "p1_encrypted" / "lu-smarty.bin", *told[:2], "--auth-key", "22" * 16, "-o", out, code=1).stderr
    assert "prove them genuine" in wrong
    assert "3 hex digits, not 32" in call("anonymise", FOLDER / "p1_encrypted" / "lu-smarty.bin", "--key", "abc", "-o", out, code=2).stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", LINKED, ids=str)
def test_damaged_frames(name):
    """Cut anywhere, or with a bit turned: nothing but whole telegrams is given, and what names a meter is in none of them."""
    source, draw = FOLDER / name, random.Random(7)
    data = source.read_bytes()
    key, auth_key = (bytes.fromhex(word) or None for word in (*keys(source)[1::2], "", "")[:2])
    lengths = {len(one) for one in anonymised(data, b"s", key, auth_key).telegrams}
    for _ in range(12):
        at = draw.randrange(len(data))
        cut = anonymised(data[:at], b"s", key, auth_key)
        assert {len(one) for one in cut.telegrams} <= lengths
        turned = bytearray(data)
        turned[at] ^= 1 << draw.randrange(8)
        result = anonymised(bytes(turned), b"s", key, auth_key)
        assert {len(one) for one in result.telegrams} <= lengths and len(result.telegrams) >= 2


def test_frames_with_what_does_not_belong_there():
    """Octets behind the values, an address that may be a serial number, a record of AMIS that is not known."""
    from host_tools.meters import hdlc as frames

    body = bytes.fromhex("0f00000000000202 0906 0000600100ff 0907") + b"1234567"
    wire = frames.single(body + b"Jansen", bytes.fromhex("cf00021ea1"))
    result = anonymised(wire, b"s", None, None)
    (made,) = result.telegrams
    assert b"Jansen" not in made and b"1234567" not in made and bytes.fromhex("1ea1") not in made and len(made) == len(wire)
    assert list(hdlc.units(made))[0].good
    record = b"\x0c\x78\x78\x56\x34\x12"
    assert amis_text.records(b"//" + record + b"\x04\x03abcd//") == b"//" + b"/" * len(record) + b"\x04\x03abcd//"
    assert amis_text.records(b"//\x0fsecret") == b"/" * 9 and len(amis_text.records(b"\x8d\x80")) == 2


@pytest.mark.parametrize("data", [
    b"", b"\x7e" * 5000, b"\x7e\xa0" * 3000, b"\x68\x0a\x0a\x68\x53" * 2000, b"\xdb\x08ABC" * 2000, b"\x0f" * 20000, (b"\x0f" + bytes(5) + b"\x01\xff") * 500,
    b"\x0f" + bytes(5) + b"\x02\x01" * 20000, b"\xe0" * 9000, b"/ISK5\r\n\r\n" * 900, b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" * 900,
    b"\xdb\x08" + b"KFM12345" + b"\x82\xff\xff" + bytes(70000), b"1.8.0(" * 3000, random.Random(3).randbytes(100_000),
])  # fmt: skip
def test_hostile_bytes_give_nothing(data):
    begun = time.monotonic()
    assert not anonymised(data, b"s", bytes(16), bytes(16)).telegrams
    assert time.monotonic() - begun < 10


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "MB" in call("anonymise", tmp_path / "huge.bin", "-o", tmp_path / "out.bin", code=2).stderr


def test_the_file_of_keys_is_not_overwritten_either(tmp_path):
    source, out = FOLDER / "dlms" / "at-kmswest.bin", tmp_path / "shared.bin"
    out.with_suffix(".json").write_text("mine")
    assert "shared.json is there already" in call("anonymise", source, *keys(source), "-o", out, code=2).stderr
    assert out.with_suffix(".json").read_text() == "mine" and not out.exists()
    call("anonymise", source, *keys(source), "-o", out, "--force")
    own = tmp_path / "own.bin"
    own.write_bytes(out.read_bytes())
    own.with_suffix(".json").write_text(out.with_suffix(".json").read_text())
    again = call("anonymise", own, *keys(own), "-o", tmp_path / "again.bin").stdout  # published keys go in as well as come out
    assert "published" in again and numbers(decoded(tmp_path / "again.bin")) == numbers(decoded(source))


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
