"""`meterbridge flash` with real esptool against a simulated chip: what it writes, what it refuses, a bad line, a cable that is pulled, no internet."""

import hashlib
import http.server
import json
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from host_tools import chip as chip_module
from host_tools import boards, cli, first_status, images, runtime
from host_tools.commands import flash
from host_tools.errors import UserError
from host_tools.simulation.bare_board import BareBoard, Faults
from tests.tools.bare_rig import IMAGE_AT, image, in_flash, wire_reset


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads and kept settings in a folder of the test; only what is written to the flash, not what then runs from it."""
    monkeypatch.setattr(runtime, "cache", lambda: tmp_path)
    monkeypatch.setattr(flash.Flashing, "_files", lambda self, board: None)
    monkeypatch.setattr(flash.Flashing, "_look", lambda self: None)
    monkeypatch.setattr(chip_module, "_SILENCE_S", 0.3)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    def call(board: BareBoard, *words: object, data: bytes | None = None) -> tuple[int, str, str]:
        wire_reset(board, monkeypatch)
        monkeypatch.setattr(BareBoard, "press_reset", lambda self: None)
        if data is not None:
            (tmp_path / "given.bin").write_bytes(data)
            words = (*words, "--image", tmp_path / "given.bin")
        code = cli.main(["flash", "--port", board.port, "--wait", "0", "--yes", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.mark.parametrize("stub", [True, False], ids=["stub", "no stub"])
@pytest.mark.parametrize("chip", ["esp32", "esp32c3", "esp32s3"])
def test_a_bare_chip_gets_the_image(chip: str, stub: bool, tmp_path: Path, call) -> None:
    data = image(chip)
    with BareBoard(tmp_path / "board", chip, stub=stub) as board:
        code, out, err = call(board, data=data)
        assert (code, err) == (0, "") and in_flash(board, data, chip)
        assert f"{chip.upper()}, 4 MB of flash, mb-234567; empty" in out and f"generic-{chip}" in out
        assert "writing 100 %" in out and "right as the chip reads it" in out


WRONG = {
    "of another chip": (lambda: image("esp32c3"), "is an image for an ESP32C3, and this is an ESP32"),
    "for a larger flash": (lambda: image("esp32", flash_mb=8), "needs a flash of 8 MB, and this chip has 4 MB"),
    "larger than the flash": (lambda: image("esp32", kilobytes=4096), "needs a flash of 4.06 MB, and this chip has 4 MB"),
    "a web page": (lambda: b"<!DOCTYPE html>" + bytes(9000), "is a web page: download the .bin file itself"),
    "something else": (lambda: b"PK\3\4" + bytes(9000), "is no image for an ESP32"),
    "nothing": (lambda: b"", "is empty"),
    "an application alone": (lambda: image("esp32")[0x10000 - 0x1000 :], "has no partition table"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_image_that_cannot_be_is_refused_and_nothing_is_written(what: str, tmp_path: Path, call) -> None:
    make, why = WRONG[what]
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, _, err = call(board, data=make())
        assert code == 2 and why in err and len(err.splitlines()) == 1
        assert board.flash.programs == board.flash.erases == 0


def test_a_board_with_another_chip_is_refused(tmp_path: Path, call) -> None:
    with BareBoard(tmp_path / "board", "esp32c3") as board:
        code, _, err = call(board, "--board", "generic-esp32", data=image("esp32c3"))
        assert code == 2 and "this is an ESP32C3, but generic-esp32 has an ESP32; with this chip there are" in err
        assert board.flash.programs == 0


def test_an_image_with_another_hash_is_refused(tmp_path: Path, call) -> None:
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, _, err = call(board, "--sha256", "0" * 64, data=image("esp32"))
        assert code == 2 and "not the one that was given; nothing was changed" in err
        assert board.flash.programs == 0


@pytest.mark.parametrize("fault", [Faults(damage=30_011), Faults(loss=30_011)], ids=["wrong bytes", "lost bytes"])
def test_a_bad_line_costs_time_and_no_byte(fault: Faults, tmp_path: Path, call) -> None:
    data = image("esp32")
    with BareBoard(tmp_path / "board", "esp32", faults=fault) as board:
        code, out, err = call(board, data=data)
        assert code == 0, err
        assert in_flash(board, data, "esp32") and board.data_bytes > fault.damage + fault.loss


def test_pulled_out_in_the_middle_then_again(tmp_path: Path, call) -> None:
    data = image("esp32")
    with BareBoard(tmp_path / "board", "esp32", faults=Faults(unplug_after=30_000)) as board:
        code, _, err = call(board, data=data)
        assert code == 1 and "the board was pulled out while writing. Plug it in and run the same command again, it continues" in err
        assert not in_flash(board, data, "esp32")
        board.enter_loader()
        board.plug()
        assert call(board, data=data)[0] == 0
        assert in_flash(board, data, "esp32")


def test_a_chip_that_is_not_in_its_loader(tmp_path: Path, call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chip_module, "_ATTEMPTS", 1)
    with BareBoard(tmp_path / "board", "esp32", faults=Faults(silent=True)) as board:
        code, _, err = call(board, data=image("esp32"))
        assert code == 1 and "no ESP32 answers. Is it this port? If it is, hold the board's BOOT button" in err


def test_something_else_in_the_flash_is_erased_only_if_the_owner_agrees(tmp_path: Path, call, monkeypatch: pytest.MonkeyPatch) -> None:
    other, data = image("esp32", project=b"tasmota32", version=b"14.3.0"), image("esp32", seed=2)
    with BareBoard(tmp_path / "board", "esp32") as board:
        board.flash.program(IMAGE_AT["esp32"], other)
        board.flash.program(0x300000, b"its settings")
        (tmp_path / "new.bin").write_bytes(data)
        words = ["flash", "--port", board.port, "--board", "generic-esp32", "--wait", "0", "--image", str(tmp_path / "new.bin")]
        wire_reset(board, monkeypatch)
        assert cli.main(words) == 2, "nobody to ask"
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        asked = []
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
        assert cli.main(words) == 1
        assert asked == ["In this board is tasmota32 14.3.0, not meterbridge. Erase it? [y/N] "] and in_flash(board, other, "esp32")
        assert call(board, "--board", "generic-esp32", data=data)[0] == 0
        assert in_flash(board, data, "esp32") and board.flash.read(0x300000, 4) == b"\xff" * 4


# where images come from ------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server with the image, and a table that pins it."""
    served = tmp_path / "site"
    served.mkdir()
    data = image("esp32")
    (served / "ESP32_GENERIC-20260406-v1.28.0.bin").write_bytes(data)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=served)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        table = images.pins() | {"url": f"http://127.0.0.1:{server.server_port}/{{image}}-{{date}}-v{{version}}.bin", "sha256": {"ESP32_GENERIC": hashlib.sha256(data).hexdigest()}}
        monkeypatch.setattr(images, "pins", lambda path=None: json.loads(path.read_text()) if path else table)
        yield table
        server.shutdown()


def test_the_pinned_image_is_downloaded_once(tmp_path: Path, call, site: dict) -> None:
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, out, err = call(board)
        assert code == 0 and "downloading 100 %" in out, err
        assert in_flash(board, image("esp32"), "esp32")
        board.flash.erase(0, board.flash.size)
        site["url"] = "http://127.0.0.1:9/{image}-{date}-v{version}.bin"
        assert call(board)[0] == 0, "without a network: it is there"


def test_what_has_another_hash_is_thrown_away(tmp_path: Path, call, site: dict) -> None:
    site["sha256"]["ESP32_GENERIC"] = "ab" * 32
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, _, err = call(board)
        assert code == 1 and "and must have " + "ab" * 32 in err and "nothing was written to the board" in err
        assert board.flash.programs == 0 and not list((tmp_path / ".cache").rglob("*.bin"))


def test_without_internet_it_says_what_to_fetch_and_where_to_put_it(tmp_path: Path, call, site: dict) -> None:
    site["url"] = "http://127.0.0.1:9/{image}-{date}-v{version}.bin"
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, _, err = call(board)
        assert code == 1 and "could not be downloaded" in err and "Get http://127.0.0.1:9/ESP32_GENERIC-20260406-v1.28.0.bin" in err
        by_hand = Path(err.partition("either put it at ")[2].partition(" or give")[0])
        by_hand.parent.mkdir(parents=True)
        by_hand.write_bytes(image("esp32"))
        assert call(board)[0] == 0


def test_an_image_whose_hash_nobody_knows_is_not_downloaded(tmp_path: Path, call, site: dict) -> None:
    site["sha256"].clear()
    with BareBoard(tmp_path / "board", "esp32") as board:
        code, _, err = call(board)
        assert code == 2 and "cannot be told from a forgery" in err and "--image FILE; or give --sha256 HASH" in err
        assert call(board, "--sha256", hashlib.sha256(image("esp32")).hexdigest().upper())[0] == 0


def test_the_maintainer_pins_an_image(tmp_path: Path, site: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(runtime, "BOARDS", tmp_path)
    (tmp_path / "images.json").write_text(json.dumps(site | {"sha256": {}}))
    assert cli.main(["flash", "--pin", "ESP32_GENERIC"]) == 0
    assert json.loads((tmp_path / "images.json").read_text())["sha256"] == {"ESP32_GENERIC": hashlib.sha256(image("esp32")).hexdigest()}
    assert cli.main(["flash", "--pin", "../x"]) == 2


def test_the_table_names_an_image_for_every_board() -> None:
    table = images.pins()
    for board in map(boards.load, boards.names()):  # of the ESP32-S2's nobody has published a hash
        assert images.choose(board, table) in table["sha256"] or board["chip"] == "esp32s2", board["name"]
    assert all(len(digest) == 64 and int(digest, 16) for digest in table["sha256"].values())


# ports and words -------------------------------------------------------------------------------------------------------


def test_which_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def plugged(**ports: int | None) -> None:
        monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [SimpleNamespace(device=name, vid=vendor) for name, vendor in ports.items()])

    plugged(ttyS0=None, ttyUSB0=0x10C4)
    assert flash.only_port() == "ttyUSB0"
    plugged(COM3=0x303A, COM7=0x1A86)
    with pytest.raises(UserError, match="several serial ports: COM3, COM7"):
        flash.only_port()
    plugged(ttyS0=None)
    with pytest.raises(UserError, match="no board is plugged in. If it is one of ttyS0, say so with --port.*driver"):
        flash.only_port()


WORDS = [
    (("--board", "moon"), 2, "no board named 'moon'"),
    (("--image", "/dev/zero"), 2, "/dev/zero is larger than any ESP32's flash"),
    (("--image", "/no/such.bin"), 2, "/no/such.bin: No such file"),
    (("--config", "/no/such.json"), 2, "/no/such.json: no such file"),
    (("--sha256", "12"), 2, "64 hexadecimal digits"),
    (("--port", "/dev/ttyNOSUCH9"), 1, "/dev/ttyNOSUCH9: there is no such port"),
]


@pytest.mark.parametrize("words, code, text", WORDS, ids=[text for _, _, text in WORDS])
def test_wrong_words_are_one_line(words: tuple, code: int, text: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["flash", "--wait", "0", *(() if "--port" in words else ("--port", "/dev/null")), *words]) == code
    err = capsys.readouterr().err
    assert text in err and len(err.splitlines()) == 1


STATUS = {"meter": {"protocol": "p1", "line": "115200 8N1 inverted", "heard": "telegrams"}, "journal": {"oldest": 1, "next": 4}}


@pytest.mark.parametrize("status, line, lacks", [
    (STATUS | {"sinks": {"mqtt": {"state": "connected", "acknowledged": 3}}}, "P1 meter found (115200 8N1 inverted), 3 readings, MQTT connected", []),
    (STATUS | {"sinks": {"mqtt": {"state": "waiting", "last_error": "refused"}}}, "P1 meter found (115200 8N1 inverted), 3 readings, MQTT waiting", ["MQTT has not taken a reading yet: refused"]),
    ({"meter": {"protocol": "searching", "heard": "silence", "advice": "Turn the head."}, "sinks": {"mqtt": {"state": "connecting"}}}, "no meter found yet, MQTT connecting", ["no bytes from the meter yet: Turn the head."]),
    ({}, "the dongle says nothing about a meter", ["no reading yet: is the cable in the meter", "no destination is set"]),
])  # fmt: skip
def test_what_is_said_of_a_status(status: dict, line: str, lacks: list) -> None:
    assert first_status.summary(status) == line
    found = first_status.missing(status)
    assert len(found) == len(lacks) and all(text.startswith(begin) for text, begin in zip(found, lacks, strict=True)), found
