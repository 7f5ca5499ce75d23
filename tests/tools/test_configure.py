"""`meterbridge configure` against a board's real prompt: set, shown, exported, imported, undone; what is refused, and that nothing is changed then."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tools import device, runtime
from host_tools.errors import UserError
from host_tools.settings import backup, qr_text, table
from host_tools.settings.examples import example
from host_tools.simulation.child import guarded
from host_tools.simulation.virtual_board import VirtualBoard

SECRET = "rather secret \U0001f511 \u00e4\u00f6 "
PASSPHRASE = "correct horse"
SET = {"wifi_ssid": " my; net ", "wifi_password": SECRET, "mqtt_url": "mqtt://192.168.1.10", "mqtt_password": "broker's \"own\" \\", "journal_kb": 8}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path_factory.mktemp("board")) as board:
        (board.flash / "main.py").write_text("import time\nprint('running')\nwhile True:\n    time.sleep_ms(20)\n")  # it has to be stopped
        yield board


def ready(board: VirtualBoard) -> None:
    """Waits until the board runs again after a reset: one that is just starting does not hear a Ctrl-C."""
    with board._news:
        assert board._news.wait_for(lambda: b"".join(board._output).rstrip().endswith(b"running"), 20), board.output[-2000:]


def configure(board: VirtualBoard | None, *words: object, given: str = "", code: int = 0) -> tuple[str, str]:
    """(standard output, standard error)."""
    if board:
        ready(board)
    port = ("--port", board.port) if board else ()
    command = [sys.executable, "-m", "host_tools", "configure", *port, *map(str, words)]
    run = subprocess.run(command, cwd=runtime.ROOT, input=given.encode(), capture_output=True, timeout=60)
    out, error = run.stdout.decode(), run.stderr.decode()
    assert run.returncode == code and "Traceback" not in error, out + error
    return out, error


def has(board: VirtualBoard) -> dict:
    return json.loads((board.flash / "config.json").read_text(encoding="utf-8"))


def give(board: VirtualBoard, values: dict | bytes) -> None:
    data = values if isinstance(values, bytes) else json.dumps(values, ensure_ascii=False).encode()
    (board.flash / "config.json").write_bytes(data)
    (board.flash / "config.json.good").unlink(missing_ok=True)


def as_the_dongle_reads(board: VirtualBoard) -> dict:
    """The values by the firmware on MicroPython, where JSON and Unicode are its own."""
    code = "import json\nfrom bridge.config.settings import load\nfound = load('config.json')\nprint(json.dumps([found.values, found.problems]))"
    run = subprocess.run([runtime.find_micropython(), "-c", code], env=runtime.environment(), cwd=board.flash, capture_output=True, timeout=20)
    values, problems = json.loads(run.stdout)
    assert problems == []
    return values


def test_from_a_file_from_words_and_from_a_qr_code(board: VirtualBoard, tmp_path: Path) -> None:
    give(board, {"device_name": "Cellar", "meter_poll_s": 20})
    resets = board.resets
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**SET, "mqtt_ca": "ca.der", "mqtt_tls_verify": True}))
    (tmp_path / "ca.der").write_bytes(b"\x30\x82certificate")
    out, error = configure(board, "--config", path)
    assert has(board) == {"device_name": "Cellar", "meter_poll_s": 20, **SET, "mqtt_ca": "ca.der"}  # no default is written
    assert as_the_dongle_reads(board).items() >= SET.items()
    assert (board.flash / "ca.der").read_bytes() == b"\x30\x82certificate"
    assert "wifi_password: not set -> set" in out and SECRET.strip() not in out + error and "own" not in out + error
    board.wait_reset(resets + 1)

    words = ("--set", "mqtt_password", "--set", "http_token=-", "--set", f"meter_key=@{tmp_path / 'key.txt'}", "--set", "mqtt_tls_verify=false", "--unset", "meter_poll_s")
    (tmp_path / "key.txt").write_text("0011 2233 4455 6677 8899 AABB CCDD EEFF\n")
    out, _ = configure(board, *words, given="another \n-x\n")
    changed = {"mqtt_password": "another ", "http_token": "-x", "meter_key": "00112233445566778899aabbccddeeff", "mqtt_tls_verify": False}
    assert has(board) == {"device_name": "Cellar", **SET, "mqtt_ca": "ca.der", **changed}
    assert "mqtt_password: set -> set (another)" in out and "meter_poll_s: 20 -> 30" in out

    configure(board, "--qr", "-", given='WIFI:T:WPA;S:caf\u00e9\\;\\"1\\";P:a\\\\b\\:c  d ;H:true;;\n')
    assert has(board)["wifi_ssid"] == 'caf\u00e9;"1"' and has(board)["wifi_password"] == "a\\b:c  d "
    out, _ = configure(board, "--show")
    assert 'wifi_ssid        "caf\u00e9;\\"1\\""' in out and "mqtt_password    set" in out and "another" not in out
    before = has(board)
    assert "set already; nothing was changed" in configure(board, "--set", "mqtt_ca=ca.der")[0]
    assert "-> " in configure(board, "--set", "mqtt_ca=other.der", "--dry-run")[0] and has(board) == before


WRONG = [
    (("--set", "mqtt_url=http://a"), "mqtt_url does not start with mqtt:// or mqtts://; a good example: mqtt://192.168.1.10"),
    (("--set", "mqtt_keepalive_s=soon"), "mqtt_keepalive_s is not a whole number; a good example: 30"),
    (("--set", "meter_line=fast"), "a good example: 115200 8N1 inverted"),
    (("--set", "mqtt_ulr=a"), "mqtt_ulr is not a setting; did you mean mqtt_url?"),
    (("--unset", "mqtt_ulr"), "did you mean mqtt_url?"),
    (("--set", "mqtt_url"), "the value is missing; a good example: --set 'mqtt_url=mqtt://192.168.1.10'"),
    (("--set", "mqtt_password=visible"), "it is asked for"),
    (("--set", "mqtt_password", "--set", "http_token"), "http_token: standard input ended before it came"),
    (("--set", "wifi_password=-"), "wifi_password has 5 bytes, and a Wi-Fi password has 8 to 63"),
    (("--qr", "WIFI:T:WPA;P:abcdefgh;;"), "names no network"),
    (("--qr", ""), "--qr is empty"),
    (("--config", "/no/such"), "/no/such: no such file"),
    (("--import", "/no/such"), "/no/such: no such file"),
    (("--import", "README.md"), "README.md is damaged or no export of settings"),
    (("--export", "README.md"), "README.md is there already"),
    (("--export", "-", "--plain-secrets"), "give --export a file"),
    (("--show", "--set", "journal_kb=1"), "do not go together"),
    (("--with-secrets", "--show"), "go with --export FILE"),
    ((), "There is no terminal to ask at"),
]


@pytest.mark.parametrize("words, text", WRONG, ids=[text[:40] for _, text in WRONG])
def test_what_is_wrong_is_told_before_a_dongle_is_touched(words: tuple, text: str) -> None:
    command = [sys.executable, "-m", "host_tools", "configure", "--port", "/dev/null", *words]
    run = subprocess.run(command, cwd=runtime.ROOT, input="short\n", capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and text in run.stderr and "visible" not in run.stderr and "/dev/null" not in run.stderr, run.stderr


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"mqtt_url": 5, "wifi_password": "x" * 100, "colour": "red", "log_level": "loud", "device_name": "\ud800"}))
    _, error = configure(None, "--config", path, code=2)
    lines = error.splitlines()
    assert len(lines) == 5 and all(str(path) in line for line in lines) and "xxx" not in error
    assert [name for name in ("mqtt_url", "wifi_password", "colour", "log_level", "device_name") if f"{path}: {name} " not in error] == []


def test_every_setting_has_a_good_example_that_can_be_used() -> None:
    for name in table.rows():
        assert example(name), name
        good, problems = table.checked({name: table.from_words(name, example(name))})
        assert not problems and name in good, problems


def test_export_without_secrets_and_back(board: VirtualBoard, tmp_path: Path) -> None:
    give(board, SET)
    path = tmp_path / "kept.json"
    _, error = configure(board, "--export", path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["format"] == "meterbridge settings 1" and document["device"] == "mb-234567"
    assert document["left_out"] == ["mqtt_password", "wifi_password"] and "left out, secrets: wifi_password, mqtt_password" in error
    assert not set(document["settings"]) & set(table.secrets()) and set(document["settings"]) | set(table.secrets()) == set(table.rows())
    give(board, {"wifi_password": "its own one", "mqtt_topic": "cellar/meter", "mqtt_password": "its own"})
    out, error = configure(board, "--import", path)
    assert has(board) == {**SET, "wifi_password": "its own one", "mqtt_password": "its own"}
    assert 'mqtt_topic: "cellar/meter" -> ""' in out and "the dongle keeps what it has of: mqtt_password, wifi_password" in error
    assert json.loads(configure(board, "--export", "-")[0])["settings"] == document["settings"]


def test_export_with_secrets_and_back(board: VirtualBoard, tmp_path: Path) -> None:
    give(board, SET)
    path, plain = tmp_path / "kept.json", tmp_path / "plain.json"
    configure(board, "--export", path, "--with-secrets", given=PASSPHRASE + "\n")
    text = path.read_text(encoding="utf-8")
    assert "rather" not in text and "broker's" not in text and path.stat().st_mode & 0o077 == 0
    _, error = configure(board, "--export", plain, "--plain-secrets")
    document = json.loads(plain.read_text(encoding="utf-8"))
    assert "PLAIN TEXT" in error and "plain text" in document["warning"] and document["plain_secrets"] == {name: SET[name] for name in ("wifi_password", "mqtt_password")}
    for file, given in ((path, PASSPHRASE + "\n"), (plain, "")):
        give(board, {"mqtt_topic": "cellar/meter"})
        out, error = configure(board, "--import", file, given=given)
        assert has(board) == SET and "rather" not in out + error
    give(board, {"journal_kb": 9})
    (tmp_path / "pass").write_text(PASSPHRASE + "\r\n")
    assert "not its passphrase; nothing was changed" in configure(board, "--import", path, given="wrong horse\n", code=1)[1]
    assert has(board) == {"journal_kb": 9}
    configure(board, "--import", path, "--passphrase-file", tmp_path / "pass")
    assert has(board) == SET
    assert "at least 8" in configure(board, "--export", tmp_path / "x", "--with-secrets", given="short\n", code=2)[1]


def test_undo(board: VirtualBoard) -> None:
    give(board, {"journal_kb": 9, "mqtt_url": "mqtt://wrong"})
    assert "keeps no settings" in configure(board, "--undo", code=1)[1]
    (board.flash / "config.json.good").write_text(json.dumps(SET, ensure_ascii=False), encoding="utf-8")
    assert 'mqtt_url: "mqtt://wrong" -> "mqtt://192.168.1.10"' in configure(board, "--undo")[0]
    assert has(board) == SET


def test_a_damaged_file_on_the_dongle_is_replaced(board: VirtualBoard) -> None:
    give(board, b"\x00\xff" * 9000)
    out, error = configure(board, "--set", "journal_kb=8")
    assert "config.json on the dongle is damaged" in error and has(board) == {"journal_kb": 8}
    give(board, b"{")
    (board.flash / "config.json.good").write_text('{"journal_kb": 7}')
    assert "its last good copy is used" in configure(board, "--set", "journal_kb=7")[1] and has(board) == {"journal_kb": 7}
    give(board, {"a_later_one": "its secret", "meter_poll_s": "no"})
    out, error = configure(board, "--show")
    assert "its secret" not in out + error and "meter_poll_s is not a whole number" in error
    configure(board, "--set", "journal_kb=8")
    assert has(board) == {"a_later_one": "its secret", "meter_poll_s": "no", "journal_kb": 8}


def test_too_much_for_the_dongle_is_refused(board: VirtualBoard) -> None:
    long = {"a_later_one": "y" * 8100}
    give(board, long)
    assert "shorten the longest" in configure(board, "--set", "mqtt_topic=" + "t" * 100, code=2)[1]
    assert has(board) == long


def test_what_arrives_damaged_does_not_take_the_files_place(board: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    give(board, SET)
    ready(board)
    monkeypatch.setattr(device.Device, "hashes", lambda self, roots: {root: (9, "0" * 64) for root in roots})
    with device.Device(board.port) as found, pytest.raises(UserError, match="did not arrive as it was sent.*keeps the old one"):
        found.replace("config.json", b"{}")
    assert has(board) == SET


def typed(board: VirtualBoard, answers: list[str]) -> tuple[str, int]:
    """What a terminal shows while a person answers each question; the exit code."""
    ready(board)
    command = guarded([sys.executable, "-m", "host_tools", "configure", "--port", board.port], terminal=True)
    near, far = os.openpty()
    process = subprocess.Popen(command, cwd=runtime.ROOT, stdin=far, stdout=far, stderr=far, start_new_session=True)
    os.close(far)
    watch = threading.Timer(60, process.kill)
    watch.start()
    seen, unanswered = "", ""
    left = list(answers)
    try:
        while data := os.read(near, 4096):
            seen += data.decode()
            unanswered += data.decode()
            if left and unanswered.endswith(("]: ", "] ")):
                unanswered = ""
                ready(board)  # as long as a person takes
                os.write(near, left.pop(0).encode())
    except OSError:  # the other end has closed
        pass
    finally:
        watch.cancel()
        os.close(near)
    assert not left, seen
    return seen, process.wait()


def test_the_dialogue(board: VirtualBoard) -> None:
    give(board, {"wifi_ssid": "old", "wifi_password": "old password", "http_url": "https://example.org/a"})
    answers = ["caf\u00e9\n", "short\n", SECRET + "\n", "0011\n", "00112233445566778899aabbccddeeff\n", "\n", "192.168.1.10\n", "meter\n", "its password\n", "-\n", "\n"]
    seen, code = typed(board, answers)
    assert code == 0, seen
    assert has(board) == {"wifi_ssid": "caf\u00e9", "wifi_password": SECRET, "meter_key": "00112233445566778899aabbccddeeff", "mqtt_url": "mqtt://192.168.1.10",
                          "mqtt_user": "meter", "mqtt_password": "its password"}  # fmt: skip
    assert "has 5 bytes" in seen and "has 4 hex digits, not 32" in seen and "Wi-Fi network (its name, or the text of its QR code) [old]" in seen
    assert "rather" not in seen and "its password\r" not in seen and "old password" not in seen and "http_url: \"\"" in seen
    before = has(board)
    seen, code = typed(board, ["WIFI:S:new;T:WPA;P:new password;;\n", "\n", "\n", "\x03"])
    assert code == 130 and "nothing was changed" in seen and has(board) == before


QR = [
    ("WIFI:S:home;T:WPA;P:pass word;;", ("home", "pass word")),
    ("wifi:T:nopass;S:guests;;", ("guests", "")),
    ("WIFI:S:home;P:12345678", ("home", "12345678")),
    ("\ufeffWIFI:P:  two ;T:SAE;S: s ;H:;R:1;;\r\n", (" s ", "  two ")),
    (r"WIFI:S:\"a\";T:WPA;P:\\\;\,\:\";;", ('"a"', '\\;,:"')),
    ('WIFI:S:"ABCD";T:WPA;P:"12345678";;', ("ABCD", "12345678")),
    ("WIFI:S:a:b;T:WPA;P:c:d:efghi;;", ("a:b", "c:d:efghi")),
]


@pytest.mark.parametrize("text, wanted", QR, ids=[text for text, _ in QR])
def test_wifi_qr_text(text: str, wanted: tuple) -> None:
    assert qr_text.parse(text) == {"wifi_ssid": wanted[0], "wifi_password": wanted[1]}
    assert qr_text.parse(qr_text.wifi_text(*wanted)) == qr_text.parse(text)


BAD_QR = [("", "good example"), ("https://example.org", "good example"), ("WIFI:", "no network"), ("WIFI:S:a;T:WEP;P:b;;", "WEP"), ("WIFI:S:a;T:WPA2-EAP;P:b;;", "log-in"),
          ("WIFI:S:a;T:WPA;;", "no password"), ("WIFI:S:a;P:b;c;P:d;;", "twice"), ("WIFI:S:a\\", "backslash"), ("METERBRIDGE:{", "damaged"), ("METERBRIDGE:[1]", "damaged"),
          ("METERBRIDGE:" + "[" * 8000, "damaged"), ("WIFI:" + "S:a;" * 9000, "more than")]  # fmt: skip


@pytest.mark.parametrize("text, said", BAD_QR, ids=[text[:20] for text, _ in BAD_QR])
def test_bad_qr_text(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        qr_text.parse(text)


def test_own_qr_text() -> None:
    assert qr_text.parse(qr_text.own_text(SET)) == SET


def test_a_backup_that_was_touched_is_never_used() -> None:
    """Each part of the file damaged in turn: a clear message, and never another setting than those that were kept."""
    text = backup.to_text(SET, "mb-1", backup.SEALED, PASSPHRASE)
    document = backup.read(text.encode(), "kept")
    assert backup.values(document, "kept", PASSPHRASE).items() >= SET.items()
    sealed = document["sealed_secrets"]
    for part, value in (("salt", "AAAA"), ("data", sealed["data"][:-8]), ("data", "no base64"), ("nonce", sealed["salt"]), ("n", 1 << 40), ("n", 3), ("n", "1"), ("r", None), ("cipher", "rot13")):
        with pytest.raises(UserError, match="nothing was changed"):
            backup.values({**document, "sealed_secrets": {**sealed, part: value}}, "kept", PASSPHRASE)
    with pytest.raises(UserError, match="changed since it was made"):
        backup.values({**document, "settings": {**document["settings"], "mqtt_url": "mqtt://thief.example"}}, "kept", PASSPHRASE)
    for data, said in ((b"", "damaged"), (text.encode()[:-9], "damaged"), (b"[1]", "damaged"), (b"[" * 5000, "damaged"), (b'{"wifi_ssid": "x"}', "--config"),
                       (text.replace("settings 1", "settings 2").encode(), "newer meterbridge"), (b" " * (1 << 21), "damaged"),
                       (b'{"format": "meterbridge settings 1", "settings": 5}', "damaged")):  # fmt: skip
        with pytest.raises(UserError, match=said + ".*nothing was changed"):
            backup.read(data, "kept")
    with pytest.raises(UserError, match="colour is not a setting"):
        backup.values({"settings": {"colour": "red"}}, "kept")
