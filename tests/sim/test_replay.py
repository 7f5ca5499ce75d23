"""Captures of every protocol are split where their telegrams begin, and played on the line, in the pace and with the keys that they had."""

import json
import random
import subprocess
import sys

import pytest

from host_tools import replay, run_source
from host_tools.errors import UserError
from host_tools.meters import METERS
from host_tools.meters.amis import CALL
from host_tools.meters.kinds import Meter
from host_tools.meters.line import Line
from host_tools.runtime import ROOT

NOON = 1_750_000_000
FOLDER = ROOT / "tests" / "telegrams"
LINES = {"hdlc": "2400 8E1", "mbus": "2400 8E1", "amis": "9600 8E1", "dlms": "115200 8N1 inverted", "d0": "9600 7E1", "sml": "9600 8N1"}
CAPTURES = sorted(path.relative_to(FOLDER) for path in FOLDER.glob("*/*.bin"))


def recorded(name: str, count: int) -> list[bytes]:
    meter = METERS[name](1)
    return [Meter.telegram(meter, NOON + number * meter.cadence_s) for number in range(count)]


@pytest.mark.parametrize("name", CAPTURES, ids=str)
def test_every_capture_is_told_and_split(name):
    data = (FOLDER / name).read_bytes()
    capture = replay.read(str(FOLDER / name))
    expected = json.loads((FOLDER / "expected" / name).with_suffix(".json").read_text())
    beside = (FOLDER / name).with_suffix(".json")
    told = json.loads(beside.read_text())["framing"] if beside.exists() else name.parts[0]
    assert capture.protocol == {"apdu-stream": "dlms"}.get(told, told)
    assert len(capture.pieces) >= len(expected["telegrams"]) and (len(capture.pieces) == 3 or "damaged" in name.stem)
    assert b"".join(telegram.data for telegram in capture.telegrams()) == data
    assert capture.protocol == "p1" or str(capture.line) == LINES[capture.protocol]


@pytest.mark.parametrize("name", [name for name, kind in METERS.items() if kind.protocol in ("hdlc", "mbus", "dlms", "amis")])
def test_noise_and_damage_are_played_as_they_are(name):
    draw, telegrams = random.Random(5), recorded(name, 6)
    noise = [bytes(draw.choice(b"\x00\x01\x80\xffab(\r") for _ in range(draw.randrange(60))) for _ in range(7)]
    cut = telegrams[4]
    telegrams[4] = cut[: len(cut) - 40 if len(cut) > 60 else 20]
    data = b"".join(a + b for a, b in zip(noise, [*telegrams, b""], strict=True))
    capture = replay.split(data)
    assert b"".join(telegram.data for telegram in capture.telegrams()) == data
    assert [piece.data[piece.telegram_at :] for piece in capture.pieces] == telegrams[:4] + telegrams[5:]


def test_an_amis_meters_question_goes_before_its_telegram():
    first, second = recorded("at-netzooe-amis", 2)
    assert [(piece.data, piece.telegram_at) for piece in replay.split(CALL + first + second).pieces] == [(CALL + first, len(CALL)), (second, 0)]


@pytest.mark.parametrize("name, cadence", [("ch-am550", 5), ("no-kaifa", 2), ("at-kng-am550", 10), ("at-netznoe-kaifa", 5), ("lu-smarty", 10)])
def test_the_telegrams_own_times_are_the_pace(name, cadence):
    meter = METERS[name](1)
    keys = tuple(bytes.fromhex(meter.keys.get(one, "")) or None for one in ("key", "auth_key"))
    data = b"".join(recorded(name, 3))
    capture = replay.split(data, keys=keys)
    assert capture.paced_by_meter and capture.dues == [0, cadence, 2 * cadence] and (capture.pieces[0].time - NOON) % 3600 == 0
    for wrong in ((None, None), (bytes(16), None)):
        assert replay.split(data, keys=wrong).paced_by_meter == (not meter.keys)


def write(folder, data: bytes, rows: list, head: dict):
    path = folder / "meter.bin"
    path.write_bytes(data)
    path.with_suffix(".times.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [head, *rows]))
    return path


def test_a_recordings_times_and_line_come_first(tmp_path):
    first, second, third = recorded("at-netznoe-kaifa", 3)
    rows = [{"at": 1.5, "bytes": 100}, {"at": 1.9, "bytes": len(first) - 100}, {"at": 6.25, "bytes": len(second)}, {"at": 12, "bytes": len(third)}]
    head = {"port": "ttyUSB0", "line": "2400 8N1", "started": "2025-06-15T12:00:00+00:00"}
    data = first + second + third
    path = write(tmp_path, data, rows, head)
    capture = replay.read(str(path))
    assert capture.recorded and capture.dues == [0, 4.75, 10.5] and str(capture.line) == "2400 8N1" and "recorded" in capture.pace
    for wrong in (rows[:-1], [{"at": 1, "bytes": len(data)}, {"at": 0, "bytes": 0}], [{"bytes": len(data)}], [{"at": "x", "bytes": len(data)}], [7]):
        assert not replay.read(str(write(tmp_path, data, wrong, head))).recorded
    path.with_suffix(".times.jsonl").write_bytes(b"\xff\xfe nothing")
    assert str(replay.read(str(path)).line) == "2400 8E1"
    assert replay.read(str(write(tmp_path, data, rows, head | {"line": None}))).line == Line.parse("2400 8E1")


def test_a_run_takes_keys_from_the_call_or_the_file_beside(tmp_path):
    source = FOLDER / "p1_encrypted" / "lu-smarty.bin"
    told = json.loads(source.with_suffix(".json").read_text())
    beside = run_source.of_capture(str(source))
    assert beside.keys == {"key": told["key"].lower(), "auth_key": told["authentication_key"].lower()} and not beside.endless
    given = run_source.of_capture(str(source), 2.0, (bytes(16), None), "9600 8N1")
    assert given.keys == {"key": "00" * 16} and str(given.line) == "9600 8N1"
    copy = tmp_path / "copy.bin"
    copy.write_bytes(source.read_bytes())
    for text in ("", "[]", "{", '{"key": "abc"}', '{"key": 7}', '{"key": "00"}', "null"):
        copy.with_suffix(".json").write_text(text)
        assert run_source.of_capture(str(copy)).keys == {}


@pytest.mark.parametrize("data", [b"\x7e\xa0" * 2000, b"\x68\x01\x01\x68\x53\xff\x00" * 900, b"\xdb\x08ABC" * 3000, b"\x0f" * 30000, b"\x1b" * 30000, b"/" * 30000, b"\x02" * 30000])
def test_hostile_bytes_are_no_capture(data):
    with pytest.raises(UserError, match="no whole telegram"):
        replay.split(data)


@pytest.mark.parametrize("words, says", [
    (("replay", "x.bin", "--key", "zz"), "--key"), (("replay", "x.bin", "--auth-key", "00" * 16), "give both"), (("replay", "x.bin"), "no file"),
    (("run", "--key", "00" * 16), "go with --capture"), (("run", "--capture", "x.bin", "--line", "fast"), "no file"),
])  # fmt: skip
def test_trouble_is_one_line(words, says):
    done = subprocess.run([sys.executable, "-m", "host_tools", *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and says in done.stderr
