"""`meterbridge configure --host` and `unlock --host` against the whole firmware: set, shown, exported, refused, undone; what a crash of settings leaves to undo."""

import http.client
import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from host_tools import build, cli, pin_session
from host_tools.errors import FAILED, OK, USAGE
from host_tools.simulation.dongle import TOKEN
from host_tools.simulation.virtual_board import VirtualBoard
from tests.sim import test_http_door, test_safe_mode
from tests.sim.cellar import Cellar

PATIENCE_S = 20
SECRETS = {"wifi_password": "secret-of-wifi", "mqtt_password": "secret-of-mqtt", "http_token": "secret-of-http"}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory, built):
    with test_http_door.Home(tmp_path_factory.mktemp("home"), built, **SECRETS) as home:
        yield home
        assert not home.dongle.crashes, list(home.dongle.log)[-20:]


@pytest.fixture
def call(monkeypatch, capsys):
    """Calls a command for a dongle; (standard output, standard error)."""

    def call(dongle, *words, code=OK, token=TOKEN, command="configure"):
        monkeypatch.setenv("METERBRIDGE_TOKEN", token)
        found = cli.main([command, "--host", f"127.0.0.1:{dongle.http_port}", *map(str, words)])
        out, error = capsys.readouterr()
        assert found == code and TOKEN not in out + error, (found, out, error)
        return out, error

    return call


def has(home) -> dict:
    return json.loads((home.dongle.flash / "config.json").read_text(encoding="utf-8"))


def back(home, since: int) -> None:
    home.dongle.wait_for("wifi: connected", PATIENCE_S, since)


def test_set_shown_exported_imported(home, call, tmp_path):
    out, error = call(home.dongle, "--show")
    assert "wifi_password   set\n" in out and 'wifi_ssid       "home"' in out and "meter_key" not in out and "is not" not in out + error
    before, since = has(home), home.dongle.mark()
    (tmp_path / "word.txt").write_text("another secret\n")
    words = ("--set", f"mqtt_password=@{tmp_path / 'word.txt'}", "--set", "device_name=K\u00fcche", "--unset", "http_token")
    assert "device_name: " in call(home.dongle, *words, "--dry-run")[0] and has(home) == before
    out, error = call(home.dongle, *words)
    assert "mqtt_password: set -> set (anew)" in out and "http_token: set -> not set" in out and "saved; the dongle starts again" in out and "another secret" not in out + error
    back(home, since)
    assert has(home) == {**{name: value for name, value in before.items() if name != "http_token"}, "mqtt_password": "another secret", "device_name": "K\u00fcche"}
    assert "set already" in call(home.dongle, "--set", "device_name=K\u00fcche")[0]

    since = home.dongle.mark()
    assert "wifi_password: set -> set (anew)" in call(home.dongle, "--qr", "WIFI:S:home;T:WPA;P:secret-of-wifi;;")[0]
    back(home, since)
    kept = tmp_path / "kept.json"
    _, error = call(home.dongle, "--export", kept)
    document = json.loads(kept.read_text(encoding="utf-8"))
    assert document["left_out"] == ["mqtt_password", "wifi_password"] and "left out, secrets: wifi_password, mqtt_password" in error and "secret" not in kept.read_text()
    assert document["settings"]["device_name"] == "K\u00fcche" and document["device"] == test_http_door.NAME
    since = home.dongle.mark()
    (tmp_path / "more.json").write_text('{"device_name": "Attic", "meter_poll_s": 20}')
    call(home.dongle, "--config", tmp_path / "more.json")
    back(home, since)
    since, now = home.dongle.mark(), has(home)
    assert now["meter_poll_s"] == 20
    out, _ = call(home.dongle, "--import", kept)
    assert out.splitlines()[:2] == ['  device_name: "Attic" -> "K\u00fcche"', "  meter_poll_s: 20 -> 30"]
    back(home, since)
    assert {name: has(home).get(name) for name in SECRETS} == {"wifi_password": "secret-of-wifi", "mqtt_password": "another secret", "http_token": None}
    assert not (home.dongle.flash / "starts").exists() or (home.dongle.flash / "starts").read_text().startswith("1 "), "a start that was asked for is none that failed"


def test_what_is_refused_changes_nothing(home, call, tmp_path, capsys, monkeypatch):
    before, starts = has(home), len(home.dongle.causes)
    assert "the token is wrong" in call(home.dongle, "--set", "device_name=x", code=FAILED, token="WRONG")[1]
    for words, code, text in (
        (("--with-secrets", "--export", tmp_path / "x"), USAGE, "use the cable"),
        (("--plain-secrets", "--export", tmp_path / "x"), USAGE, "use the cable"),
        (("--port", "/dev/null", "--show"), USAGE, "--port or --host, not both"),
        (("--set", "mqtt_url=ftp://x"), USAGE, "a good example: mqtt://192.168.1.10"),
        ((), USAGE, "There is no terminal to ask at"),
    ):  # fmt: skip
        assert text in call(home.dongle, *words, code=code)[1]
    (tmp_path / "word.txt").write_text("set\n")
    assert "cannot be 'set' over the network" in call(home.dongle, "--set", f"mqtt_password=@{tmp_path / 'word.txt'}", code=USAGE)[1]
    (tmp_path / "with.json").write_text('{"mqtt_ca": "ca.der"}')
    (tmp_path / "ca.der").write_bytes(b"0")
    assert "ca.der goes to a dongle by its serial port alone" in call(home.dongle, "--config", tmp_path / "with.json", code=USAGE)[1]
    monkeypatch.setattr("host_tools.settings.table.must_be_good", lambda values, where: values)  # a dongle whose table is another
    refused = call(home.dongle, "--set", "mqtt_keepalive_s=601", code=FAILED)[1]
    assert "mqtt_keepalive_s is not in " in refused and "using" not in refused
    assert cli.main(["configure", "--host", "127.0.0.1:1", "--show"]) == FAILED and "nothing answers there" in capsys.readouterr().err
    assert cli.main(["configure", "--host", "a b", "--show"]) == USAGE
    assert has(home) == before and len(home.dongle.causes) == starts and not (tmp_path / "x").exists()


def test_what_a_damaged_file_or_none_that_ran_well_leads_to(home, call):
    assert "it has to run for two minutes first" in call(home.dongle, "--undo", code=FAILED)[1]
    config = home.dongle.flash / "config.json"
    kept = config.read_bytes()
    (home.dongle.flash / "config.json.good").write_bytes(kept)
    config.write_bytes(kept.replace(b"{", b'{"colour": 1, "http_batch": 0, ', 1))  # what another version of the firmware left, say
    since = home.dongle.mark()
    home.dongle.power_cycle()
    back(home, since)
    assert "the dongle says: http_batch is not in 1..40, using 40" in call(home.dongle, "--show")[1]
    since = home.dongle.mark()
    call(home.dongle, "--set", "device_name=Cellar")
    back(home, since)
    assert has(home) == {**json.loads(kept), "device_name": "Cellar"}
    since = home.dongle.mark()
    out, error = call(home.dongle, "--undo", "--dry-run")
    assert "nothing was changed" in out and "come back as they were too" in error and has(home)["device_name"] == "Cellar"
    call(home.dongle, "--undo")
    back(home, since)
    assert config.read_bytes() and has(home) == json.loads(kept)


def test_by_answers_and_the_token_is_asked_for_once(home, call, monkeypatch):
    asked, answers = [], iter(["", "192.168.1.77", "", "", "", ""])

    def secret(prompt):
        asked.append(prompt)
        return TOKEN if "token" in prompt and "dongle" in prompt else ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", secret)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers, ""))
    since = home.dongle.mark()
    out, _ = call(home.dongle, token="")
    assert "mqtt_url: " in out and "saved" in out and len([prompt for prompt in asked if "token of the dongle" in prompt]) == 1, (out, asked)
    back(home, since)
    assert has(home)["mqtt_url"] == "mqtt://192.168.1.77" and has(home)["wifi_password"] == "secret-of-wifi"


def test_settings_that_make_the_firmware_crash_are_undone(tmp_path, call, capsys):
    """They never become the good copy; in safe mode the serial port brings that back, and it runs again."""
    out = tmp_path / "firmware"
    build.build("sim", out, own_names=True)
    (tmp_path / "home").mkdir()
    home = test_safe_mode.Home(tmp_path / "home", out, device_name="Cellar")
    home.source_of("app", test_safe_mode.safe("app", ("    gc.collect()\n    archive = None", "    if settings['device_name'] == 'Boom':\n        raise OSError('no room')\n    archive = None")))
    home.source_of("core/supervisor", test_safe_mode.safe("core/supervisor", ("_CHORES = const(10)", "_CHORES = const(1)")))
    home.source_of("update/waiting", test_safe_mode.safe("update/waiting", ("_HEALTHY_S = const(100)", "_HEALTHY_S = const(1)")))
    good = home.flash / "config.json.good"
    with home:
        home.dongle.wait_for("wifi: connected", PATIENCE_S)
        assert not good.exists()
        until = time.monotonic() + PATIENCE_S
        while not good.exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        first = json.loads(good.read_text())
        since = home.dongle.mark()
        call(home.dongle, "--set", "device_name=Boom")
        home.dongle.wait_for("SAFE MODE: three starts failed, the last one of: OSError no room", PATIENCE_S, since)
        assert json.loads(good.read_text()) == first and json.loads((home.flash / "config.json").read_text())["device_name"] == "Boom"
        home.dongle.stop()
        with VirtualBoard(tmp_path / "board") as board:  # the same flash at a computer's prompt
            for name in ("config.json", "config.json.good"):
                shutil.copy(home.flash / name, board.flash / name)
            assert cli.main(["configure", "--port", board.port, "--undo"]) == OK
            assert 'device_name: "Boom" -> "Cellar"' in capsys.readouterr().out
            shutil.copy(board.flash / "config.json", home.flash / "config.json")
        since = home.dongle.mark()
        home.dongle.start()  # power that comes lets it try again
        home.dongle.wait_for("wifi: connected", PATIENCE_S, since)
        assert json.loads((home.flash / "config.json").read_text()) == first


def test_a_pin_over_the_network(tmp_path, built, call, monkeypatch):
    monkeypatch.setattr(pin_session, "_LOOK_S", 0.001)
    (tmp_path / "pin.txt").write_text("0110\n")
    with Cellar(tmp_path, built, pin="0110") as cellar:
        real, bodies = http.client.HTTPConnection.getresponse, []

        def answered(connection):
            """A second passes for the dongle while it is asked."""
            passing = threading.Thread(target=cellar.run, args=(1,))
            passing.start()
            try:
                return real(connection)
            finally:
                passing.join()

        request = http.client.HTTPConnection.request
        monkeypatch.setattr(http.client.HTTPConnection, "request", lambda self, method, path, body, headers: (bodies.append(body), request(self, method, path, body, headers)))
        monkeypatch.setattr(http.client.HTTPConnection, "getresponse", answered)
        cellar.run(20)
        assert "waits for its PIN" in call(cellar.dongle, "--status", command="unlock", code=FAILED)[0]
        out, error = call(cellar.dongle, "--pin-file", tmp_path / "pin.txt", "--yes", command="unlock")
        assert cellar.eye.unlocked and "The meter took the PIN" in out and "0110" not in out + error
        assert len([body for body in bodies if body and "0110" in body]) == 1
        cellar.run(6)
        assert call(cellar.dongle, "--next", command="unlock")[0]
        call(cellar.dongle, "--hold", "--yes", command="unlock")
        call(cellar.dongle, "--cancel", command="unlock")
        assert "the token is wrong" in call(cellar.dongle, "--status", command="unlock", token="WRONG", code=FAILED)[1]


def test_a_board_without_a_light(home, call):
    assert "takes an IR head with an LED" in call(home.dongle, "--status", command="unlock", code=FAILED)[1]
