"""From a bare chip to the first reading in one run of `meterbridge flash`, on virtual hardware: real esptool, mpremote, MicroPython, firmware and broker.

The image is none that a real chip runs: what the simulated one starts, once an image is in its flash, is the virtual board.
"""

import hashlib
import json
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from host_tools import build, cli, meters, runtime
from host_tools.simulation.bare_board import BareBoard
from host_tools.wire import PtyWire
from tests.brokers import make_broker
from tests.tools.bare_rig import image, in_flash, wire_reset

SECRET = "rather-secret-99"


class Meter:
    """A Dutch meter that speaks on and on at the end of a line."""

    def __init__(self, folder: Path):
        self.meter = meters.make("p1-nl")
        self.line_file = folder / "line.json"
        self.wire = PtyWire(self.meter.line, 20, str(self.line_file))
        self.wire.stale_s = 30
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.wire.close()

    def _speak(self) -> None:
        while not self._over.wait(0.25):
            self.wire.write(self.meter.telegram(int(time.time())), self._over)


def test_a_bare_chip_a_second_run_and_one_that_erases_and_is_pulled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(runtime, "cache", lambda: tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(runtime, "FIRMWARE", shutil.copytree(runtime.FIRMWARE, tmp_path / "firmware"))  # the second run compares with the first
    data = image("esp32", kilobytes=200)
    (tmp_path / "image.bin").write_bytes(data)
    wifi = tmp_path / "wifi.json"
    wifi.write_text(json.dumps({"ssid": "home", "password": SECRET, "up": True}))
    with make_broker("amqtt", tmp_path) as broker, Meter(tmp_path) as meter:
        config = {"wifi_ssid": "home", "wifi_password": SECRET, "mqtt_url": broker.url, "ntp_server": "127.0.0.1:9", "meter_line": str(meter.meter.line), "journal_flash_kb": 0}
        (tmp_path / "config.json").write_text(json.dumps(config))
        wired = {"uart": meter.wire.path, "line": str(meter.line_file), "wifi": str(wifi)}
        with BareBoard(tmp_path / "board", "esp32", wired=wired) as board:
            wire_reset(board, monkeypatch)

            def flash(*words: str, wanted: int = 0) -> str:
                code = cli.main(["flash", "--port", board.port, "--board", "sim", "--image", str(tmp_path / "image.bin"), "--wait", "60", *words])
                out, err = capsys.readouterr()
                assert code == wanted, out + err + (board.board.output if board.board else "")
                assert SECRET not in out + err
                return out + err

            out = flash("--config", str(tmp_path / "config.json"))
            assert in_flash(board, data, "esp32")
            assert re.search(r"P1 meter found \(115200 8N1 inverted\), \d+ readings?, MQTT connected\ndone\.\n$", out), out
            token = re.search(r"on the network:  ([A-Z2-7-]+)\n", out).group(1).replace("-", "")
            password = re.search(r"meterbridge-234567   password  (\S+)\n", out).group(1)
            kept = json.loads((board.board.flash / "access.json").read_text())
            assert len(token) == 26 and kept == {"ap_password": password, "token": hashlib.sha256(token.encode()).hexdigest()}
            assert out.count("█") > 100, "a QR code"

            erases = board.flash.erases
            out = flash()
            assert "MicroPython v1.28.0 is there already" in out and "\n0 copied, 0 removed," in out and "token" not in out
            assert board.flash.erases == erases and "MQTT connected\ndone." in out

            (board.board.flash / "notes.txt").write_text("gone with the rest")
            board.faults.unplug_after = board.data_bytes + 50_000
            out = flash("--erase", "--yes", wanted=1)
            assert "until they are back: config.json, " in out and "pulled out while writing" in out and list((tmp_path / ".cache").rglob("*.json"))
            board.plug()
            out = flash("--yes")
            assert "put back: config.json" in out and "put back: access.json" in out and "token" not in out
            assert "MQTT connected\ndone." in out and board.flash.erases >= erases + 1024
            assert json.loads((board.board.flash / "access.json").read_text()) == kept
            assert not (board.board.flash / "notes.txt").exists() and not list((tmp_path / ".cache").rglob("*.json"))
