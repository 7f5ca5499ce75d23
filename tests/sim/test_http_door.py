"""The whole firmware, compiled as for a board, asked over the network: by Python's http.client, by curl, by raw sockets of clients good and bad."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import serial

from host_tools import build, cli, meters, runtime
from host_tools.errors import FAILED, OK
from host_tools.meters.play import Live, Player
from host_tools.simulation.dongle import HARD_RESET, TOKEN, Dongle
from host_tools.simulation.serial_console import SerialConsole
from host_tools.simulation.virtual_run import VirtualDongle
from host_tools.wire import PtyWire

PATIENCE_S = 20
STRANGER, OTHER = "127.0.0.66", "127.0.0.67"  # addresses of this computer too, on Linux
NAME = "mb-d4e5f6"
SECRETS = {
    "wifi_password": "secret-of-wifi", "meter_key": "00112233445566778899aabbccddee77", "mqtt_password": "secret-of-mqtt", "http_token": "secret-of-http",
    "http_header": "X-Key: secret-of-header", "influx_token": "secret-of-influx", "meter_auth_key": "ffeeddccbbaa99887766554433221177",
}  # fmt: skip
ANSWERS: list[bytes] = []  # all that was ever answered


class Home:
    """A dongle whose meter speaks each second; `sent`: how many telegrams have left the meter whole."""

    def __init__(self, folder: Path, built: Path, token: str | None = TOKEN, **settings):
        self.sent = 0
        self.folder = folder
        self.port = SerialConsole()
        meter = meters.make("p1-nl")
        line = folder / "line.json"
        self.wire = PtyWire(meter.line, line_file=str(line))
        told = {"wifi_ssid": "home", "ntp_server": "127.0.0.1:9", "meter_line": str(meter.line), "meter_protocol": "p1", **settings}
        path = f"{built}:{runtime.BOARDS / 'sim'}:.frozen"
        self.dongle = Dongle(folder / "dongle", self.wire.path, told, line, heap="512k", main=built / "main.py", env={"MICROPYPATH": path},
                             console=self.port, token=token)  # fmt: skip
        self.player = Player(Live(meter), self.wire, self._sent)
        self.token = token

    def _sent(self, _) -> None:
        self.sent += 1

    def __enter__(self):
        self.dongle.start()
        self.dongle.wait_for("wifi: connected", PATIENCE_S)
        self.player.start()
        return self

    def __exit__(self, *_):
        self.player.stop()
        self.dongle.stop()
        self.wire.close()
        self.port.close()

    def ask(self, path, method="GET", body=None, token="", source="", headers=None, **more):
        """(status, headers, body) of an answer; `token`: not the dongle's own, None: none."""
        source_address = (source, 0) if source else None
        connection = http.client.HTTPConnection("127.0.0.1", self.dongle.http_port, timeout=15, source_address=source_address)
        given = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        if body is not None:
            given["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), given | (headers or {}), **more)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        ANSWERS.append(str(answer.headers).encode() + data)
        return answer.status, answer.headers, data

    def json(self, path, method="GET", body=None, status=200, **more):
        found, _, data = self.ask(path, method, body, **more)
        assert found == status, data
        return json.loads(data)

    def raw(self, data: bytes, patience: float = 10) -> bytes:
        """All that is answered to these bytes."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.dongle.http_port), patience) as link:
            try:
                link.sendall(data)
                while piece := link.recv(4096):
                    answer += piece
                    head, end, body = answer.partition(b"\r\n\r\n")
                    length = re.search(rb"Content-Length: (\d+)", head)
                    if end and length and len(body) >= int(length[1]):
                        break
            except ConnectionError:
                pass
        ANSWERS.append(answer)
        return answer

    def type(self, line: str) -> dict:
        """The row that the serial console answers to a line."""
        with serial.Serial(self.port.path, timeout=0.2) as port:
            port.write(f"\n{line}\n".encode())
            text, until = "", time.monotonic() + PATIENCE_S
            while '{"done"' not in text:
                assert time.monotonic() < until, text
                text += port.read(max(1, port.in_waiting)).decode()
        return json.loads(re.search("\x1e(.*?)\r?\n", text)[1])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory, built):
    with Home(tmp_path_factory.mktemp("home"), built, **SECRETS) as home:
        yield home
        assert not home.dongle.crashes, list(home.dongle.log)[-20:]


def test_the_status_by_two_clients(home):
    status = home.json("/api/status")
    assert status["device"]["id"] == NAME and status["network"]["port"] == 80 and status["tasks"]["network"]["restarts"] == 0
    head = home.ask("/api/status", "HEAD")
    assert head[0] == 200 and head[2] == b""
    if shutil.which("curl"):
        command = ["curl", "-sS", "-m", "15", "-u", f"me:{'-'.join(re.findall('.{1,4}', TOKEN)).lower()}", f"http://127.0.0.1:{home.dongle.http_port}/api/status"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not done.returncode and json.loads(done.stdout)["device"]["id"] == NAME, done.stderr


def test_nothing_is_told_without_the_token(home):
    for path in ("/", "/api/status", "/api/files", "/api/files/log/log", "/api/settings", "/api/ram", "/nothing", "/config.json", "/api/restart"):
        for method in ("GET", "POST", "DELETE"):
            status, headers, body = home.ask(path, method, token=None, source=OTHER)
            assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ") and list(json.loads(body)) == ["error"], path
            assert headers["Access-Control-Allow-Origin"] is None


def test_clients_that_do_not_keep_to_the_rules(home):
    ok = b"Authorization: Bearer %s\r\n\r\n" % TOKEN.encode()
    host = b"Host: 127.0.0.1\r\n"
    get, post = b"GET /api/status HTTP/1.1\r\n" + host, b"POST /api/save HTTP/1.1\r\n" + host
    cases = [
        (b"\r\n\r\n", 400), (b"hello\r\n", 400), (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\n", 400), (b"GET /\0 HTTP/1.1\r\n\r\n", 400), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 414), (get + b"X: " + b"y" * 70000 + b"\r\n\r\n", 431), (get + b"A: b\r\n" * 3000 + ok, 431),
        (get + b"Authorization: Bearer " + b"x" * 5000 + b"\r\n\r\n", 431), (b"GET /%00 HTTP/1.1\r\n" + host + ok, 400), (b"GET /%2e%2e/config.json HTTP/1.1\r\n" + host + ok, 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\n" + host + ok, 400), (b"GET /api/files/journal/..%2f..%2fconfig.json HTTP/1.1\r\n" + host + ok, 400),
        (b"GET /api/files/config.json HTTP/1.1\r\n" + host + ok, 404), (b"GET /api/files/journal%2f%2fetc/passwd HTTP/1.1\r\n" + host + ok, 404),
        (b"GET /access.json HTTP/1.1\r\n" + host + ok, 404), (b"GET /boot.py HTTP/1.1\r\n" + host + ok, 404), (b"GET /api/files/log/log?from=-1 HTTP/1.1\r\n" + host + ok, 404),
        (b"GET /api/status HTTP/1.1\r\n" + ok, 400), (b"GET /api/status HTTP/1.1\r\nHost: evil.example\r\n" + ok, 421), (b"TRACE /api/status HTTP/1.1\r\n" + host + ok, 405),
        (post + b"Content-Type: text/plain\r\nContent-Length: 2\r\n" + ok + b"{}", 415), (post + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n" + ok + b"0\r\n\r\n", 411),
        (post + b"Content-Type: application/json\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n" + ok + b"{}", 403),
        (post + b"Content-Type: application/json\r\nContent-Length: 99999\r\n" + ok + b"x" * 99999, 413), (post + b"Content-Type: application/json\r\nContent-Length: 4\r\n" + ok + b"{{{{", 400),
        (post + b"Content-Type: application/json\r\nContent-Length: 999999999999\r\n" + ok, 400), (b"GET /api/status HTTP/1.0\r\n" + ok, 200), (b"GET /api/status HTTP/1.1\r\nHost: meterbridge-d4e5f6.local\r\n" + ok, 200),
        (get + ok + get + ok, 200),
    ]  # fmt: skip
    for data, status in cases:
        answer = home.raw(data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (data[:80], status, answer[:200])
        assert len(re.findall(rb"HTTP/1\.1 \d\d\d ", answer)) == 1, "one request a connection: what is hidden behind it is not answered"
    assert home.json("/api/status")["tasks"]["network"]["restarts"] == 0


def test_who_is_slow_or_silent_keeps_nobody_out(home):
    links = [socket.create_connection(("127.0.0.1", home.dongle.http_port), 15) for _ in range(6)]
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.2):
            for link in links[:3]:
                try:
                    link.sendall(b"G")
                except OSError:
                    pass

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        begun = time.monotonic()
        assert home.ask("/api/status")[0] == 200
        assert time.monotonic() - begun < 9, "each of the six is given a second before the next"
        for link in links:
            try:
                assert link.recv(4096).startswith((b"HTTP/1.1 408", b""))
            except ConnectionError:
                pass
    finally:
        stop.set()
        thread.join()
        for link in links:
            link.close()


def test_files_as_they_lie_there(home):
    assert home.json("/api/save", "POST", {})["saved"] is True
    rows = {row["path"]: row["size"] for row in home.json("/api/files")["files"]}
    flash = {path.split("/")[0] for path in rows}
    assert {"journal", "log"} <= flash <= {"journal", "profile", "log"}
    path = min(path for path in rows if path.startswith("journal/"))
    status, headers, whole = home.ask(f"/api/files/{path}")
    assert status == 200 and int(headers["Content-Length"]) == len(whole) >= rows[path] > 20
    assert home.ask(f"/api/files/{path}?from=20")[2][: len(whole) - 20] == whole[20:]
    assert home.ask(f"/api/files/{path}?from=999999")[2] == b""
    assert home.ask(f"/api/files/{path}?from=x")[0] == 400
    ram = [json.loads(line) for line in home.ask("/api/ram")[2].splitlines()]
    assert ram[-1] == {"done": True} and ram[0]["block"] == 1 and ram[0]["count"] >= 1


def test_export_by_the_network_gives_what_the_serial_port_gives(home, tmp_path, capsys, monkeypatch):
    (tmp_path / "token").write_text(TOKEN + "\n")
    host = ["--host", f"127.0.0.1:{home.dongle.http_port}"]
    assert cli.main(["export", *host, "--token-file", str(tmp_path / "token"), "-o", str(tmp_path / "net.csv")]) == OK
    assert cli.main(["export", "--port", home.port.path, "-o", str(tmp_path / "serial.csv")]) == OK
    by_net, by_serial = [(tmp_path / name).read_text().splitlines() for name in ("net.csv", "serial.csv")]
    assert len(by_net) > 3 and by_net == by_serial[: len(by_net)]
    monkeypatch.setenv("METERBRIDGE_TOKEN", "NOT-IT")
    assert cli.main(["export", *host]) == FAILED and "the token is wrong" in capsys.readouterr().err
    monkeypatch.setenv("METERBRIDGE_TOKEN", TOKEN)
    assert home.ask("/api/status")[0] == 200
    assert cli.main(["export", "--host", "127.0.0.1:1"]) == FAILED and "nothing answers there" in capsys.readouterr().err
    assert cli.main(["erase", *host, "--what", "logs", "--yes"]) == OK and "logs: forgotten" in capsys.readouterr().out


def test_settings_are_shown_without_secrets_and_changed(home):
    shown = home.json("/api/settings")
    assert {name: shown[name] for name in SECRETS} == dict.fromkeys(SECRETS, "set")
    file = home.dongle.flash / "config.json"
    before = file.read_bytes()
    for bad, words in (({"mqtt_url": "ftp://x"}, "mqtt_url does not start with mqtt://"), ({"nonsense": 1}, "nonsense is not a setting"),
                       ({"http_batch": 0}, "http_batch is not in 1..40"), ({"meter_key": "12"}, "meter_key has 2 hex digits"), ({}, "no setting is named")):  # fmt: skip
        assert words in home.json("/api/settings", "PUT", bad, 400)["error"]
    assert home.ask("/api/settings", "POST", b"[1]")[0] == home.ask("/api/settings", "POST", b"{")[0] == 400
    assert file.read_bytes() == before
    assert home.json("/api/settings", "PUT", {**shown, "device_name": "Cellar \u00e9"})["restarting"] is False
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["device_name"] == "Cellar \u00e9" and {name: kept[name] for name in SECRETS} == SECRETS
    home.json("/api/settings", "POST", {"device_name": None})
    assert "device_name" not in json.loads(file.read_text()) and home.json("/api/settings")["device_name"] == "Meter bridge"


def test_what_is_to_be_done(home):
    assert "erase what?" in home.json("/api/erase", "POST", {}, 400)["error"]
    assert "erase what?" in home.json("/api/erase", "POST", {"what": ["all"]}, 400)["error"]
    assert list(home.json("/api/erase", "POST", {"what": "profiles"})["erased"]) == ["profiles"]
    assert "no light" in home.json("/api/unlock", "POST", {"pin": "0123"}, 409)["error"]
    assert home.ask("/api/restart")[0] == 405


def test_wrong_tokens_wait_and_the_owner_does_not(home):
    found = [home.ask("/api/status", token="WRONG", source=STRANGER)[0] for _ in range(8)]
    assert found[:3] == [401] * 3 and 429 in found[3:]
    status, headers, body = home.ask("/api/status", source=STRANGER)
    assert status == 429 and 0 < int(headers["Retry-After"]) <= 31 and "try again in" in json.loads(body)["error"]
    assert home.ask("/api/status")[0] == 200
    deadline = time.monotonic() + PATIENCE_S
    while not [line for line in home.dongle.log if f"access: refused {STRANGER}: " in line]:  # one who hides in another's noise
        assert time.monotonic() < deadline, (list(home.dongle.log)[-8:], home.json("/api/status")["network"])
        time.sleep(0.2)
        home.ask("/api/status", token="WRONG", source=STRANGER)
    assert home.json("/api/status")["network"]["refused"] >= 8
    home.json("/api/save", "POST", {})
    deadline = time.monotonic() + 5
    while b"access: refused" not in (home.ask("/api/files/log/access")[2] or b"") and time.monotonic() < deadline:
        home.json("/api/save", "POST", {})
    lines = [line for line in home.dongle.log if "access: refused" in line]
    assert len(lines) < 20 and all(re.match(r"\S+ info access: refused 127\.0\.0\.\d+: ", line) for line in lines), lines


def test_no_reading_is_lost_in_a_flood(home):
    before = home.json("/api/status")
    sent = home.sent
    over = time.monotonic() + 5
    counts = {}

    def hammer(number):
        while time.monotonic() < over:
            try:
                if number % 2:
                    status = home.ask("/api/status", token="WRONG", source=f"127.0.1.{number}")[0]
                else:
                    with socket.create_connection(("127.0.0.1", home.dongle.http_port), 5) as link:
                        link.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 2000)
                    status = 0
            except (OSError, http.client.HTTPException):
                status = -1
            counts[status] = counts.get(status, 0) + 1

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sum(counts.values()) > 50, counts
    deadline = time.monotonic() + PATIENCE_S
    while (after := home.json("/api/status"))["meter"]["frames"] - before["meter"]["frames"] < home.sent - sent - 1:
        assert time.monotonic() < deadline, (after["meter"], home.sent - sent)
        time.sleep(0.1)
    for name in ("crc_errors", "noise_bytes", "resyncs", "oversize"):
        assert after["meter"][name] == before["meter"][name], name
    assert home.sent - sent >= 4 and after["tasks"]["network"]["restarts"] == after["tasks"]["reader"]["restarts"] == 0


def test_a_new_token_counts_at_once_and_the_old_one_no_more(home):
    assert home.type("access") == {"token": "set", "ap_password": "set"}
    told = home.type("access new")
    assert told["ap_password"] == "simulated"
    assert home.ask("/api/status", source=OTHER)[0] == 401
    home.token = told["token"]
    assert home.ask("/api/status")[0] == 200
    assert told["token"].replace("-", "") not in (home.dongle.flash / "access.json").read_text()


def test_it_starts_anew_when_asked(home):
    starts = len(home.dongle.causes)
    mark = home.dongle.mark()
    assert home.json("/api/settings?restart=1", "PUT", {"device_name": "Attic"})["restarting"] is True
    home.dongle.wait_for("wifi: connected", PATIENCE_S, mark)
    assert home.dongle.causes[starts:] == [HARD_RESET]
    assert home.json("/api/settings")["device_name"] == "Attic"
    mark = home.dongle.mark()
    assert home.json("/api/restart", "POST", {}, 202) == {"restarting": True}
    home.dongle.wait_for("wifi: connected", PATIENCE_S, mark)
    assert home.ask("/api/status")[0] == 200


def test_no_answer_and_no_log_has_a_secret(home):
    said = b"".join(ANSWERS) + "\n".join(home.dongle.log).encode()
    assert len(ANSWERS) > 60
    for secret in [value.split(" ")[-1] for value in SECRETS.values()] + [TOKEN, home.token, home.token.replace("-", ""), "simulated\""]:
        assert secret.encode() not in said, secret


def test_the_first_start_makes_a_token_and_shows_it_once(tmp_path, built):
    with Home(tmp_path, built, None) as home:
        line = home.dongle.wait_for("token of this dongle", PATIENCE_S)
        home.dongle.wait_for("password of its own access point", PATIENCE_S)
        home.token = line.split()[-1]
        assert home.ask("/api/status")[0] == 200
        mark = home.dongle.mark()
        home.dongle.power_cycle()
        home.dongle.wait_for("wifi: connected", PATIENCE_S, mark)
        assert home.ask("/api/status")[0] == 200
        assert len([line for line in home.dongle.log if "token of this dongle" in line]) == 1
        assert home.token not in json.dumps(home.json("/api/status"))


def test_a_dongle_in_virtual_time_is_asked_as_well(tmp_path, built):
    meter, start, got = meters.make("p1-nl"), 1_767_261_600, []
    telegrams = ((start + second, meter.telegram(start + second)) for second in range(1, 1000))

    def ask(method="GET", path="/api/status", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", dongle.http_port, timeout=10)
        connection.request(method, path, body, headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        thread = threading.Thread(target=lambda: got.append(json.loads(connection.getresponse().read())))
        thread.start()
        threads.append(thread)

    threads = []
    with VirtualDongle(tmp_path, built, {"wifi_ssid": "home", "meter_line": str(meter.line), "meter_protocol": "p1"}, start, telegrams) as dongle:
        for second in (100, 990):
            dongle.at(start + second, ask)
        dongle.at(start + 1100, lambda: ask("POST", "/api/save", "{}"))  # a meter that has gone silent is waited for, but not for ever
        dongle.run(start + 1200)
        for thread in threads:
            thread.join(PATIENCE_S)
    assert [abs(status["uptime_s"] - second) <= 1 for status, second in zip(got, (100, 990), strict=False)] == [True, True]
    assert got[2:] == [{"saved": True, "next": 1000}]
