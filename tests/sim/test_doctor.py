"""The doctor at the whole firmware in trouble, by serial port and by network: what is broken on purpose is what it finds, each with what to do."""

import errno
import json
import shutil
import socket
import time

import pytest

from host_tools import build, cli, dongle_console, meters, runtime
from host_tools.doctor import examine, findings_of, gather, network_ear
from host_tools.dongle_console import Console
from host_tools.errors import FAILED, OK
from host_tools.meters.play import Live, Player
from host_tools.ntp_server import NtpServer
from host_tools.simulation.dongle import TOKEN, Dongle
from host_tools.simulation.serial_console import SerialConsole
from host_tools.simulation.virtual_board import VirtualBoard
from host_tools.wire import PtyWire
from tests.http_servers import Answer, HttpServer

PATIENCE_S = 20
NOBODY = "127.0.0.1:9"
WIFI = {"wifi_ssid": "home", "wifi_password": "secret word", "ntp_server": NOBODY}


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


class Patient:
    """A dongle with its meter and its cable; use it in `with`."""

    def __init__(self, folder, firmware, meter="p1-nl", heap="512k", flash_kb=2048, **settings):
        self.meter = meters.make(meter)
        line_file = folder / "line.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.wire = PtyWire(self.meter.line, line_file=str(line_file))
        self.cable = SerialConsole()
        path = f"{firmware}:{runtime.BOARDS / 'sim'}:.frozen"
        told = {"meter_line": str(self.meter.line), "meter_protocol": self.meter.protocol, **settings}
        self.dongle = Dongle(folder / "dongle", self.wire.path, told, line_file, heap=heap, main=firmware / "main.py", env={"MICROPYPATH": path},
                             console=self.cable, flash_kb=flash_kb)  # fmt: skip
        self.player = Player(Live(self.meter), self.wire, lambda telegram: None)
        self.speaks = False

    def __enter__(self):
        self.dongle.start()
        self.dongle.wait_for("listening at", PATIENCE_S)
        return self

    def speak(self) -> None:
        self.player.start()
        self.speaks = True

    def silence(self) -> None:
        if self.speaks:
            self.player.stop()
            self.speaks = False

    def __exit__(self, *_):
        self.silence()
        self.dongle.stop()
        self.wire.close()
        self.cable.close()

    def look(self, way: str = "serial") -> dict:
        """Findings by code."""
        if way == "serial":
            facts = gather.by_serial(self.cable.path, 0, cli.version(), print)
        else:
            facts = gather.by_network(f"127.0.0.1:{self.dongle.http_port}", TOKEN, 0, cli.version(), print)
        return {one.code: one for one in findings_of(examine(facts))}

    def find(self, *codes: str, way: str = "serial") -> dict:
        """Looks until all of these are found."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = self.look(way)
            if set(codes) <= set(found):
                assert all(one.advice and one.text for one in found.values())
                return found
            assert time.monotonic() < end, (set(codes) - set(found), found, list(self.dongle.log)[-15:])


@pytest.fixture(scope="module")
def starved(tmp_path_factory, firmware):
    """One with little memory left, which it looks at each ten seconds: that passes while others are looked at."""
    patient = Patient(tmp_path_factory.mktemp("starved"), firmware, **WIFI)
    patient.dongle.wifi = {"heap_left": 30 * 1024}  # from its start on
    with patient:
        yield patient


def test_one_trouble_after_the_other(tmp_path, firmware, starved, capsys):
    with HttpServer([], default=Answer(401)) as server, HttpServer([], default=Answer(503)) as failing:
        settings = {**WIFI, "mqtt_url": f"mqtt://{NOBODY}", "http_url": server.url, "http_interval_s": 0, "influx_url": failing.url, "no_such": 1, "meter_timeout_s": 5}
        with Patient(tmp_path, firmware, **settings) as patient:
            patient.dongle.set_wifi(rssi=-84)
            patient.speak()
            found = patient.find("sinks.refused", "sinks.login", "sinks.server_error", "wifi.weak", "config.problem", "clock.meter")
            assert "503" in found["sinks.server_error"].text
            assert found["sinks.refused"].text.startswith("mqtt: nobody listens") and "nor from this computer: connection refused" in found["sinks.refused"].text
            assert "http_token" in found["sinks.login"].text and "-84 dBm" in found["wifi.weak"].text and "no_such" in found["config.problem"].text
            assert not {"contact.no_port", "line.silence", "power.often", "flash.none", "memory.full"} & set(found)
            with Console(patient.cable.path) as console:
                told = gather._settings(console)
            assert told["wifi_password"] == "set" and told["http_url"] == server.url
            over_network = patient.find("sinks.refused", "sinks.login", "wifi.weak", way="network")
            assert set(over_network) - {"clock.off"} == set(found) - {"clock.off"}, "both ways tell the same"

            patient.dongle.storage.fail(errno.ENOSPC)
            patient.cable.type("save")
            assert "flash is full" not in patient.find("flash.full")["flash.full"].advice
            patient.dongle.storage.fail(0)

            patient.silence()
            for number in range(12):
                data = bytearray(patient.meter.telegram(int(time.time()) + number))
                data[len(data) // 2] ^= 1
                patient.wire.write(bytes(data))
            broken = patient.find("line.broken", "line.late")
            assert "of the telegrams arrive damaged" in broken["line.broken"].text

            patient.dongle.set_wifi(up=True, password="changed word", rssi=-57)
            patient.dongle.set_wifi(up=False)
            patient.find("wifi.absent", "sinks.waits")
            patient.dongle.set_wifi(up=True)
            found = patient.find("wifi.password", "sinks.waits")
            assert not [code for code in found if code.startswith("sinks.") and code != "sinks.waits"], "one cause, one finding"
            assert findings_of(examine({"way": "serial", "status": {}})) == []
            assert cli.main(["doctor", "--port", patient.cable.path]) == FAILED
            said = capsys.readouterr().out
            assert "secret word" not in said and "changed word" not in said and " things to do" in said.splitlines()[-1]


def test_starts_that_follow_each_other(tmp_path, firmware):
    with Patient(tmp_path, firmware, **WIFI) as patient:
        patient.speak()
        for start in range(1, 4):
            with Console(patient.cable.path) as console:
                console.save()
                assert "log/log" in console.files()
            patient.dongle.power_cycle()
            patient.dongle.wait_for(f"start {start + 1} ", PATIENCE_S)
        found = patient.find("power.often", "sinks.none")
        assert " times within a day" in found["power.often"].text


def test_a_meter_that_is_locked_and_a_dongle_without_flash_clock_and_wifi(tmp_path, firmware):
    with Patient(tmp_path, firmware, "sml-locked", flash_kb=0, mqtt_url=f"mqtt://{NOBODY}") as patient:
        found = patient.find("wifi.none", "flash.none", "clock.waits", "line.silence", "sinks.waits")
        assert "wifi_ssid" in found["wifi.none"].advice and "head" in found["line.silence"].advice
        patient.speak()
        patient.find("pin.missing")
        patient.silence()
        before = patient.dongle.mark()
        patient.dongle.stop()
        patient.dongle.settings = None
        (patient.dongle.flash / "config.json").write_text("{ half")
        patient.dongle.start()
        patient.dongle.wait_for("listening at", PATIENCE_S, before)
        patient.find("config.problem")


def test_all_is_well(tmp_path, firmware, capsys):
    server, ntp = HttpServer(), NtpServer().start()
    with server, Patient(tmp_path, firmware, **{**WIFI, "ntp_server": ntp.address, "http_url": server.url, "http_interval_s": 0}) as patient:
        patient.speak()
        patient.dongle.wait_for("clock set", PATIENCE_S)
        server.wait(lambda s: len(s.requests) >= 2, PATIENCE_S)
        assert cli.main(["doctor", "--port", patient.cable.path, "--for", "2"]) == OK
        said = capsys.readouterr().out
        assert said.splitlines()[-1] == "all is well" and "BAD" not in said and "\x1b" not in said, said
        assert max(map(len, said.splitlines())) <= 80
        assert cli.main(["doctor", "--host", f"127.0.0.1:{patient.dongle.http_port}", "--token-file", str(token(tmp_path)), "--json"]) == OK
        document = json.loads(capsys.readouterr().out)
        assert document["to_do"] == 0 and document["verdict"] == "all is well" and document["areas"]["clock"]["state"] == "ok"
        assert cli.main(["doctor", "--host", f"127.0.0.1:{patient.dongle.http_port}", "--token-file", str(token(tmp_path, "WRONG")), "--json"]) == FAILED
        assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "contact.token"
    ntp.stop()


def token(folder, text: str = TOKEN):
    path = folder / "token.txt"
    path.write_text(text)
    return path


def test_addresses_where_no_dongle_answers(monkeypatch):
    def codes(host: str) -> list[str]:
        facts = gather.by_network(host, TOKEN, 0, "0.1.0", print)
        return [one.code for one in findings_of(examine(facts))]

    assert codes(NOBODY) == ["contact.other_device"]
    assert codes("no-such-name.invalid") == ["contact.no_name"]
    with HttpServer() as server:
        assert codes(server.url.split("/")[2]) == ["contact.stranger_http"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(network_ear, "_ANSWER_S", 0.2)
        assert codes("127.0.0.1:%d" % silent.getsockname()[1])[0] in ("contact.no_port", "contact.no_host")


def test_a_board_at_its_prompt_and_one_without_firmware(tmp_path, monkeypatch):
    monkeypatch.setattr(dongle_console, "_HELLO_S", 1)
    for place, files, code in (("stopped", {"main.py": ""}, "contact.prompt"), ("bare", {}, "contact.no_firmware")):
        with VirtualBoard(tmp_path / place) as board:
            for name, text in files.items():
                (board.flash / name).write_text(text)
            facts = gather.by_serial(board.port, 0, "0.1.0", print)
            assert [one.code for one in findings_of(examine(facts))] == [code], board.output[-500:]


def test_safe_mode(tmp_path, firmware):
    with VirtualBoard(tmp_path / "board") as board:
        board.wait_for(">>>", PATIENCE_S)
        slot = board.flash / "a"
        shutil.copytree(firmware / "bridge", slot / "bridge")
        for name in ("boot.py", "main.py"):
            shutil.copyfile(runtime.FIRMWARE / name, board.flash / name)
        shutil.copyfile(runtime.BOARDS / "sim" / "board.json", board.flash / "board.json")
        (board.flash / "slot").write_text("a")
        (board.flash / "starts").write_text("3 ! ImportError no module named 'bridge.push'")
        with open(board.port, "wb", buffering=0) as port:
            port.write(b"import machine; machine.reset()\r")
        board.wait_for("SAFE MODE", PATIENCE_S)
        facts = gather.by_serial(board.port, 0, "0.1.0", print)
        found = {one.code: one for one in findings_of(examine(facts))}
        assert set(found) == {"firmware.safe_mode"} and "no module named 'bridge.push'" in found["firmware.safe_mode"].text


def test_little_memory(starved):
    found = starved.find("memory.full")
    assert "% of the memory is in use" in found["memory.full"].text
