"""`meterbridge deploy` with real mpremote against a virtual board: whole, again, changed, refused, broken off half-way, full."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from host_tools import build, cli, device, runtime
from host_tools.simulation.virtual_board import VirtualBoard

BOARD = "sim"
SECRET = "rather-secret-99"
CONFIG = {"wifi_ssid": "home", "wifi_password": SECRET, "mqtt_url": ""}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path / "board") as board:
        yield board


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def deploy(*words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "host_tools", "deploy", *map(str, words)]
    return subprocess.run(command, cwd=runtime.ROOT, capture_output=True, text=True, timeout=60)


def refused(run: subprocess.CompletedProcess, code: int) -> str:
    """The one line on standard error of a command that was refused."""
    assert run.returncode == code, run.stdout + run.stderr
    assert len(run.stderr.strip().splitlines()) == 1 and "Traceback" not in run.stderr, run.stderr
    return run.stderr


def on_board(board: VirtualBoard) -> dict[str, bytes]:
    skip = ("boots", "boot_count", "starts", "access.json")  # what the firmware itself may write
    found = {path.relative_to(board.flash).as_posix(): path.read_bytes() for path in board.flash.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(skip) and not name.endswith((".good", ".new"))}


def expected() -> dict[str, bytes]:
    files = {file.name: file.path.read_bytes() for file in build.build(BOARD)}
    return {("a/" if name.startswith("bridge/") else "") + name: data for name, data in files.items()} | {"slot": b"a"}


def test_whole_firmware_then_nothing_then_what_changed(board: VirtualBoard, config: Path) -> None:
    first = deploy("--port", board.port, "--board", BOARD, "--config", config)
    assert first.returncode == 0, first.stdout + first.stderr
    wanted = expected()
    there = on_board(board)
    assert json.loads(there.pop("config.json")) == CONFIG
    assert there == wanted
    assert f"{len(wanted) + 1} copied, 0 removed, 0 unchanged" in first.stdout
    assert "100 % " in first.stdout and SECRET not in first.stdout + first.stderr
    board.wait_reset(1)
    board.wait_for("listening")  # the firmware's own words: it runs

    second = deploy("--port", board.port, "--board", BOARD, "--config", config)
    assert f"0 copied, 0 removed, {len(wanted) + 1} unchanged" in second.stdout, second.stdout + second.stderr
    board.wait_reset(2)

    (board.flash / "a" / "bridge" / "base.mpy").write_bytes(b"damaged")
    (board.flash / "a" / "bridge" / "base.py").write_text("# would be found before the .mpy")
    (board.flash / "own.txt").write_text("the owner's")
    dry = deploy("--port", board.port, "--board", BOARD, "--dry-run")
    assert dry.returncode == 0
    assert "would copy a/bridge/base.mpy" in dry.stdout and "would remove a/bridge/base.py" in dry.stdout
    assert "1 to copy, 1 to remove; nothing was changed" in dry.stdout
    assert (board.flash / "a" / "bridge" / "base.mpy").read_bytes() == b"damaged"

    third = deploy("--port", board.port, "--board", BOARD)
    assert f"1 copied, 1 removed, {len(wanted) - 1} unchanged" in third.stdout, third.stdout + third.stderr
    there = on_board(board)
    assert json.loads(there.pop("config.json")) == CONFIG
    assert there.pop("own.txt") == b"the owner's"
    assert there == wanted
    board.wait_reset(4)


def test_a_version_without_slots_is_replaced(board: VirtualBoard, config: Path) -> None:
    old = board.flash / "bridge" / "core"
    old.mkdir(parents=True)
    (old / "log.mpy").write_bytes(b"old")
    (board.flash / "starts").write_text("3 ! ImportError")
    (board.flash / "slot").write_text("b a 1")
    run = deploy("--port", board.port, "--board", BOARD, "--config", config)
    assert run.returncode == 0 and "removed bridge/core/log.mpy" in run.stdout, run.stdout + run.stderr
    board.wait_for("listening")
    there = on_board(board)
    assert there.pop("config.json") and there == expected() and not (board.flash / "bridge").exists()


def test_broken_off_half_way_then_again(board: VirtualBoard, config: Path) -> None:
    command = [sys.executable, "-m", "host_tools", "deploy", "--port", board.port, "--board", BOARD, "--config", str(config)]
    with subprocess.Popen(command, cwd=runtime.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout:
            if "[20/" in line:
                process.kill()
                break
    half = on_board(board)
    assert 15 < len(half) < 40 and "main.py" not in half
    again = deploy("--port", board.port, "--board", BOARD, "--config", config)
    assert again.returncode == 0, again.stdout + again.stderr
    there = on_board(board)
    assert there.pop("config.json") and there == expected()
    copied = int(again.stdout.split(" copied,")[0].split()[-1])
    assert copied <= len(there) + 1 - 19


def test_board_that_resets_half_way(board: VirtualBoard) -> None:
    command = [sys.executable, "-m", "host_tools", "deploy", "--port", board.port, "--board", BOARD]
    with subprocess.Popen(command, cwd=runtime.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "[20/" in line:
                board.press_reset()
                break
        rest, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the connection broke" in error and "it continues" in error
    assert "main.py" not in on_board(board)
    assert deploy("--port", board.port, "--board", BOARD).returncode == 0
    assert on_board(board) == expected()


def test_flash_that_is_too_small(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "small", flash_kb=64) as board:
        run = deploy("--port", board.port, "--board", BOARD)
    assert run.returncode == 1
    assert "the board's flash is full (" in run.stderr and "Traceback" not in run.stderr


WRONG = [
    (("--board", "moon", "--port", "/dev/null"), 2, "no board named 'moon'; there are:"),
    (("--port", "/dev/null"), 2, "--board is missing; there are:"),
    (("--board", BOARD), 2, "--port is missing; this computer has:"),
    (("--board", BOARD, "--port", "/dev/ttyNOSUCH9"), 1, "/dev/ttyNOSUCH9: there is no such port"),
    (("--board", BOARD, "--port", "/dev/null"), 1, "/dev/null: cannot be opened"),
    (("--board", BOARD, "--port", "/dev/null", "--config", "/no/such.json"), 2, "/no/such.json: no such file"),
]


@pytest.mark.parametrize("words, code, expected_text", WRONG, ids=[text for _, _, text in WRONG])
def test_wrong_words_are_one_clear_line(words: tuple, code: int, expected_text: str) -> None:
    assert expected_text in refused(deploy(*words), code)


BAD_SETTINGS = [
    (b"", "is empty"),
    (b"\x00\xff\x10", "is not JSON"),
    (b"[1]", "is not a JSON object"),
    (b" " * 9000, "is longer than"),
    (json.dumps({"meter_timeout_s": "soon"}).encode(), "meter_timeout_s"),
    (json.dumps({"colour": "red"}).encode(), "colour is not a setting"),
    (json.dumps({"mqtt_url": "ftp://x", "wifi_password": SECRET}).encode(), "mqtt_url"),
]


@pytest.mark.parametrize("data, text", BAD_SETTINGS, ids=[text for _, text in BAD_SETTINGS])
def test_settings_that_the_firmware_would_refuse_never_reach_a_board(data: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    message = refused(deploy("--board", BOARD, "--port", "/dev/null", "--config", path), 2)
    assert text in message and SECRET not in message


def test_certificate_beside_the_settings_goes_along(board: VirtualBoard, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**CONFIG, "mqtt_ca": "ca.der", "http_ca": "other.der"}))
    (tmp_path / "ca.der").write_bytes(b"\x30\x82certificate")
    run = deploy("--port", board.port, "--board", BOARD, "--config", path)
    assert run.returncode == 0, run.stderr
    assert on_board(board)["ca.der"] == b"\x30\x82certificate"
    assert "other.der is not beside" in run.stderr


def test_port_in_use(board: VirtualBoard) -> None:
    with serial.Serial(board.port, exclusive=True):
        assert "in use by another program" in refused(deploy("--port", board.port, "--board", BOARD), 1)


def test_nobody_answers(board: VirtualBoard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(device, "_ANSWER_S", 1)
    board.muted = True
    assert cli.main(["deploy", "--port", board.port, "--board", BOARD]) == 1
    assert "no MicroPython answers" in capfd.readouterr().err


def test_another_chip_is_refused(board: VirtualBoard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    shown = "print(repr(('micropython', 'Generic ESP32C3 module with ESP32C3', 6)))"
    monkeypatch.setattr(device, "_PLAIN", shown)
    monkeypatch.setattr(device, "_PREPARE", shown)
    assert cli.main(["deploy", "--port", board.port, "--board", "generic-esp32"]) == 2
    assert "this is an ESP32C3, but generic-esp32 has an ESP32" in capfd.readouterr().err
    assert on_board(board) == {}


def test_real_mpremote_finds_a_board(board: VirtualBoard, tmp_path: Path) -> None:
    def mpremote(*words: str) -> str:
        command = [str(Path(sys.executable).with_name("mpremote")), "connect", board.port, *words]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ, "TERM": "dumb"})
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    (tmp_path / "main.py").write_text("print('main runs')\n")
    mpremote("fs", "cp", str(tmp_path / "main.py"), ":main.py")
    assert mpremote("eval", "6*7").strip() == "42"
    assert "main runs" not in board.output
    mpremote("reset")
    board.wait_for("main runs")
    assert board.resets == 1 and board.soft_resets >= 2
