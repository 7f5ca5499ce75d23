"""Safe mode, the button and factory reset of a whole dongle whose firmware lies in a slot; updates that it looks for by itself."""

import http.server
import json
import threading
import time
from pathlib import Path

import pytest
import serial
from cryptography.hazmat.primitives.asymmetric import rsa

from host_tools import build, bundle, meters, runtime
from host_tools.simulation.dongle import Dongle
from host_tools.simulation.serial_console import SerialConsole
from host_tools.simulation.wiring import replace_file
from host_tools.wire import PtyWire

PATIENCE_S = 20
BUTTON = 4


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out, own_names=True)  # so that a module can be put in another's place
    return out


class Home:
    """A dongle with its firmware in slot a, a button, and somebody at the serial port; `meter` says a telegram."""

    def __init__(self, folder: Path, built: Path, **settings):
        self.source = meters.make("p1-nl")
        self.wire = PtyWire(self.source.line, 20, str(folder / "line.json"))
        self.port = SerialConsole()
        told = {"wifi_ssid": "home", "wifi_password": "rather secret", "meter_line": str(self.source.line), "meter_protocol": "p1", "ntp_server": "127.0.0.1:9"}
        path = f"{built}:{runtime.BOARDS / 'sim'}:.frozen"
        self.dongle = Dongle(folder / "dongle", self.wire.path, told | settings, folder / "line.json", main=built / "main.py", heap="480k",
                             env={"MICROPYPATH": path}, console=self.port)  # fmt: skip
        self.flash = self.dongle.flash
        self.dongle._prepare()
        for file in (built / "bridge").rglob("*"):
            if file.is_file():
                self.write(f"a/{file.relative_to(built)}", file.read_bytes())
        self.write("slot", b"a")
        board = json.loads((self.flash / "board.json").read_text())
        self.write("board.json", json.dumps({**board, "button": BUTTON}).encode())
        self.press(False)

    def write(self, name: str, data: bytes) -> None:
        (self.flash / name).parent.mkdir(parents=True, exist_ok=True)
        (self.flash / name).write_bytes(data)

    def source_of(self, module: str, text: str) -> None:
        """Puts a source in the place of a module."""
        (self.flash / "a" / "bridge" / f"{module}.mpy").unlink()
        self.write(f"a/bridge/{module}.py", text.encode())

    def press(self, down: bool) -> None:
        replace_file(self.dongle.folder / "pins.json", json.dumps({str(BUTTON): int(not down)}))

    def meter(self, count: int = 1) -> None:
        for _ in range(count):
            self.wire.write(self.source.telegram(time.time()))

    def type(self, line: str) -> list[dict]:
        """The rows that are answered to a line."""
        with serial.Serial(self.port.path, timeout=0.2) as port:
            port.write(f"\n{line}\n".encode())
            text, until = "", time.monotonic() + PATIENCE_S
            while '{"done"' not in text:
                assert time.monotonic() < until, text
                text += port.read(max(1, port.in_waiting)).decode()
        return [json.loads(row.partition("\x1e")[2]) for row in text.split("\n") if "\x1e" in row]

    def say(self, line: str) -> None:
        """Types what has no answer."""
        with serial.Serial(self.port.path) as port:
            port.write(f"\n{line}\n".encode())

    def __enter__(self) -> "Home":
        self.dongle.start()
        return self

    def __exit__(self, *_) -> None:
        self.dongle.stop()
        self.wire.close()
        self.port.close()


def safe(module: str, *changes: tuple[str, str]) -> str:
    text = (runtime.FIRMWARE / "bridge" / f"{module}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_safe_mode_tells_why_answers_and_tries_again(tmp_path, built):
    home = Home(tmp_path, built)
    home.source_of("app", "raise OSError('worn flash')\n")
    home.source_of("safe", safe("safe", ("_RETRY_MS = const(600000)", "_RETRY_MS = const(2500)"), ("_TELL_MS = const(60000)", "_TELL_MS = const(500)")))
    with home:
        home.dongle.wait_for("SAFE MODE: three starts failed, the last one of: OSError worn flash", PATIENCE_S)
        assert len(home.dongle.crashes) == 3
        hello = home.type("hello")[0]
        assert hello["safe_mode"] == "OSError worn flash" and hello["version"] == "safe mode"
        status = home.type("status")[0]
        assert status["slot"] == "a" and "config.json" in status["files"] and "rather secret" not in json.dumps(status)
        assert "'access new'" in home.type("access")[0]["error"]
        token = home.type("access new")[0]["token"]
        assert len(token.replace("-", "")) == 26
        assert "if you mean it" in home.type("factory-reset")[0]["error"] and (home.flash / "config.json").exists()
        assert home.type("xyzzy") == [{"done": "xyzzy"}]
        since = home.dongle.mark()  # nobody does anything: it tries, fails, and is back
        home.dongle.wait_for("OSError: worn flash", PATIENCE_S, since)
        since = home.dongle.mark()
        home.dongle.wait_for("SAFE MODE", PATIENCE_S, since)
        assert len(home.dongle.crashes) == 4
        (home.flash / "a" / "bridge" / "app.py").unlink()
        home.write("a/bridge/app.mpy", (built / "bridge" / "app.mpy").read_bytes())
        since = home.dongle.mark()
        home.say("start")
        home.dongle.wait_for("listening at", PATIENCE_S, since)


def test_the_other_copy_where_one_is_damaged(tmp_path, built):
    home = Home(tmp_path, built)
    for file in (built / "bridge").rglob("*"):
        if file.is_file():
            home.write(f"b/{file.relative_to(built)}", file.read_bytes())
    home.source_of("app", "\x00\x01")
    home.source_of("safe", "\x00")
    with home:
        home.dongle.wait_for("safe mode from", PATIENCE_S)
        home.dongle.wait_for("SAFE MODE: three starts failed, the last one of: SyntaxError", PATIENCE_S)
        since = home.dongle.mark()
        assert home.type("status")[0]["slot"] == "b"
        home.say("start")
        home.dongle.wait_for("SAFE MODE", PATIENCE_S, since)
        assert (home.flash / "slot").read_text() == "a"


def kept(home: Home) -> list[str]:
    return sorted(path.name for path in home.flash.iterdir() if path.is_file())


def settled(home: Home) -> None:
    """Readings, their write to flash, settings: all that a factory reset takes."""
    home.dongle.wait_for("listening at", PATIENCE_S)
    home.meter(3)
    threading.Timer(0.3, home.meter).start()  # it waits for a telegram
    home.type("save")
    assert any(row.get("path", "").startswith("journal/") for row in home.type("files"))
    home.write("ca.der", b"0")
    home.write("update.pub", b"key")


def forgotten(home: Home, since: int) -> None:
    home.dongle.wait_for("factory reset: settings, secrets and readings are gone", PATIENCE_S, since)
    home.dongle.wait_for("no Wi-Fi network is set", PATIENCE_S, since)
    assert not {"config.json", "config.json.good", "ca.der", "forget"} & set(kept(home))
    assert {"access.json", "board.json", "boots", "slot", "update.pub"} <= set(kept(home)) and (home.flash / "boots").read_text() == "2"
    assert [row for row in home.type("files") if row.get("path", "").startswith("journal/")] == []


def test_factory_reset_by_the_console(tmp_path, built):
    with Home(tmp_path, built) as home:
        settled(home)
        assert "if you mean it" in home.type("factory-reset")[0]["error"] and "if you mean it" in home.type("factory-reset yes")[0]["error"]
        since = home.dongle.mark()
        home.say("factory-reset erase-everything")
        forgotten(home, since)


QUICKER = (("_SHORT = const(3000)", "_SHORT = const(600)"), ("_RESET = const(10000)", "_RESET = const(2000)"), ("_GIVE_UP = const(20000)", "_GIVE_UP = const(4000)"))


def test_factory_reset_by_the_button(tmp_path, built):
    """A button that is let go too early, or never, does nothing."""
    home = Home(tmp_path, built)
    home.source_of("hal/button_held", safe("hal/button_held", *QUICKER))
    with home:
        settled(home)
        for wait_for in ("held: ten seconds reset", "nothing is erased"):
            since = home.dongle.mark()
            home.press(True)
            home.dongle.wait_for(wait_for, PATIENCE_S, since)
            home.press(False)
            time.sleep(0.5)
        assert home.dongle.restarts == 0 and "config.json" in kept(home)
        since = home.dongle.mark()
        home.press(True)
        home.dongle.wait_for("let go now to erase", PATIENCE_S, since)
        assert home.dongle.restarts == 0
        home.press(False)
        forgotten(home, since)


def test_an_update_is_fetched_and_one_that_is_not_newer_is_left(tmp_path, built):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bundle.BITS)
    served: dict[str, bytes] = {}
    asked: list[str] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path in served else 404)
            self.end_headers()
            try:
                self.wfile.write(served.get(self.path, b"nothing here"))
            except OSError:
                pass  # the dongle has seen enough

        def log_message(self, *_):
            pass

    files = {"bridge/app.mpy": b"x" * 3000, "bridge/base.mpy": b"y" * 9000}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home = Home(tmp_path, built, update_url=f"http://127.0.0.1:{server.server_port}/it.update", journal_flash_kb=0)
        home.source_of("push/update_fetch", safe("push/update_fetch", ("_FIRST_S = const(900)", "_FIRST_S = const(1)"), ("_DAY_S = const(86400)", "_DAY_S = const(1)")))
        home.source_of("update/receiver", safe("update/receiver", ("_TELEGRAM_S = const(2)", "_TELEGRAM_S = const(0)")))  # no meter speaks
        home.write("update.pub", bundle.public(key))
        with home:
            home.dongle.wait_for("update: not taken: the server answered 404", PATIENCE_S)
            served["/it.update"] = bundle.make("0.1.0", files, key)  # what runs
            for _ in range(2):
                asked.clear()
                until = time.monotonic() + PATIENCE_S
                while not asked and time.monotonic() < until:
                    time.sleep(0.05)
                assert asked
            since = home.dongle.mark()
            served["/it.update"] = bundle.make("0.1.1", files, rsa.generate_private_key(public_exponent=65537, key_size=bundle.BITS))
            home.dongle.wait_for("not taken: the signature is not by the key", PATIENCE_S, since)
            assert not (home.flash / "b").exists() and home.dongle.restarts == 0
            served["/it.update"] = bundle.make("0.1.1", files, key)
            home.dongle.wait_for("update: 0.1.1 is tried from now on", PATIENCE_S, since)
        server.shutdown()
