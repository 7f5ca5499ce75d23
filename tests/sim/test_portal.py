"""The set-up portal asked by programs good and bad: what a test finds out about networks, brokers and servers, who is let in, when it opens and closes."""

import contextlib
import json
import os
import signal
import socket
import struct
import time

import pytest
import serial

from host_tools import build
from host_tools.certificates import Authority
from host_tools.ntp_server import NtpServer
from host_tools.simulation.dongle import TOKEN
from host_tools.simulation.serial_console import SerialConsole
from tests.brokers import find_mosquitto, make_broker
from tests.http_servers import Answer, HttpServer
from tests.sim import portal_rig as rig

HOME = {"wifi_ssid": "Home sweet home", "wifi_password": rig.PASSWORD}
NEIGHBOUR = "127.0.1.1"  # an address of this computer, not in the access point's network
BROKER = "mosquitto" if find_mosquitto() else "amqtt"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.fixture(scope="module")
def box(tmp_path_factory, built):
    """One that stays as it is: nothing is saved."""
    with rig.Box(tmp_path_factory.mktemp("box"), built) as box:
        yield box
        assert not box.dongle.crashes, list(box.dongle.log)[-20:]
        log = "\n".join(box.dongle.log)
        assert rig.PASSWORD not in log and "simulated" not in log and "s3cret" not in log


def test_what_is_wrong_with_a_network(box):
    for wanted, code in (({"wifi_ssid": "Home sweet hom"}, "absent"), ({**HOME, "wifi_password": rig.PASSWORD.strip()}, "password"), (HOME, "")):
        trial = box.tried(**wanted)
        assert (trial["stage"], trial["code"]) == ("wifi", code), trial
    assert trial["address"] == rig.HOME[0] == box.state()["address"]


@pytest.mark.parametrize("password", ["12345678", "        ", '"\\\'{}[]%s\u00fc', "\U0001f600" * 15 + "abc", "p" * 63])
def test_passwords_of_all_kinds(box, password):
    box.dongle.set_wifi(points=[{"ssid": "odd", "password": password}])
    try:
        assert box.tried(wifi_ssid="odd", wifi_password=password)["code"] == ""
    finally:
        box.dongle.set_wifi(points=rig.AIR)


def test_what_is_wrong_with_a_broker(box, tmp_path):
    for name in ("other", "tls"):
        (tmp_path / name).mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    certificate, key = authority.issue("broker", "127.0.0.1")

    def tried(url: str, **more):
        trial = box.tried(**HOME, what="mqtt", mqtt_url=url, mqtt_user="me", **{"mqtt_password": "s3cret", **more})
        assert trial["stage"] == "mqtt"
        return trial["code"]

    assert tried("mqtt://nobody.invalid") == "name"
    assert tried("mqtt://127.0.0.1:9") == "refused"
    ntp = NtpServer().start()
    with make_broker(BROKER, tmp_path, user="me", password="s3cret") as broker, make_broker(BROKER, tmp_path / "tls", certificate=certificate, key=key, user="me", password="s3cret") as sealed:
        assert tried(broker.url) == ""
        assert tried(broker.url, mqtt_password="wrong") == "login"
        assert tried(broker.url.replace("mqtt:", "mqtts:"), mqtt_tls_verify=False) in ("tls", "closed", "silent")
        url = f"mqtts://127.0.0.1:{sealed.port}"
        assert tried(url) == "ca"
        for one, code in ((other, "certificate"), (authority, "")):
            status, _, data = box.ask("/portal/certificate", {"for": "mqtt", "pem": one.pem.read_text()})
            assert status == 200 and json.loads(data) == {"file": "mqtt_ca.pem"}
            assert tried(url, mqtt_ca="mqtt_ca.pem") == code
    ntp.stop()
    for bad in ({"for": "mqtt", "pem": "hello"}, {"for": "boot", "pem": ""}, {"for": "mqtt", "pem": "-----BEGIN CERTIFICATE-----\n!"}, {"pem": ["x"]}, {}):
        assert box.ask("/portal/certificate", bad)[0] == 400, bad


def test_what_is_wrong_with_a_server(box):
    with HttpServer() as server:
        for status, code in ((204, ""), (200, ""), (401, "login"), (404, "path"), (302, "moved"), (500, "status")):
            server.give(Answer(status))
            assert box.tried(**HOME, what="http", http_url=server.url)["code"] == code, status
        assert json.loads(server.requests[0].body)["readings"] == []
    assert box.tried(**HOME, what="http", http_url="http://127.0.0.1:9/")["code"] == "refused"


def test_settings_that_cannot_be_used_are_named(box):
    for wanted, field in (({}, "wifi_ssid"), ({"wifi_ssid": "x" * 33}, "wifi_ssid"), ({"wifi_ssid": 7}, "wifi_ssid"), ({**HOME, "wifi_password": "short"}, "wifi_password"),
                          ({**HOME, "wifi_password": "\U0001f600" * 16}, "wifi_password"), ({**HOME, "meter_key": "12"}, "meter_key"), ({**HOME, "mqtt_url": "ftp://x"}, "mqtt_url"),
                          ({**HOME, "http_url": "https://"}, "http_url"), ({**HOME, "mqtt_discovery": "yes"}, "mqtt_discovery"), ({**HOME, "update_url": "x"}, "update_url"),
                          ({**HOME, "../x": 1}, "../x")):  # fmt: skip
        for action in ("test", "save"):
            status, _, data = box.ask(f"/portal/{action}", wanted)
            assert status == 400 and json.loads(data)["field"] == field, (wanted, data)
    assert not (box.dongle.flash / "config.json").exists()


def test_phones_are_led_to_the_page(box):
    for host, path in (("connectivitycheck.gstatic.com", "/generate_204"), ("captive.apple.com", "/hotspot-detect.html"), ("www.msftconnecttest.com", "/connecttest.txt"),
                       ("detectportal.firefox.com", "/success.txt"), ("example.com", "/"), ("example.com:8080", "/portal/settings"), ("127.0.0.1", "/favicon.ico"), ("127.0.0.1", "/api/status")):  # fmt: skip
        status, headers, _ = box.ask(path, headers={"Host": host})
        assert status == 302 and headers["Location"] == "http://127.0.0.1/", (host, path)
    for name in ("/", "/portal.css", "/portal.js", "/portal_words.js"):
        status, headers, data = box.ask(name)
        assert status == 200 and headers["Content-Encoding"] == "gzip" and "default-src 'self'" in headers["Content-Security-Policy"] and data[:2] == b"\x1f\x8b"
    question = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0) + b"\x07example\x03com\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(5)
        for noise in (b"", b"x", question[:-1], b"\xff" * 512, question[:12] + b"\xc0\x0c" * 100):
            link.sendto(noise, ("127.0.0.1", box.dongle.dns_port))
        link.sendto(question, ("127.0.0.1", box.dongle.dns_port))
        answer = link.recv(512)
    assert answer[:2] == b"\x12\x34" and answer[-4:] == socket.inet_aton("127.0.0.1")


def test_who_is_not_a_guest_needs_the_token(box):
    for path in ("/", "/portal/state", "/portal/settings", "/portal/scan"):
        assert box.ask(path, source=NEIGHBOUR)[0] == 401
    assert box.ask("/portal/save", HOME, source=NEIGHBOUR)[0] == box.ask("/portal/token", {}, source=NEIGHBOUR)[0] == 401
    assert box.ask("/api/status", source=NEIGHBOUR, token=True)[0] == 200
    box.dongle.set_wifi(points=[])
    rig.until(lambda: box.state()["address"] == "")
    box.dongle.set_wifi(points=rig.AIR, address=("127.0.0.77", "255.255.255.0", "127.0.0.1", "127.0.0.1"))
    try:  # the home's network has the addresses of the access point's: its devices are no guests
        assert box.tried(**HOME)["address"] == "127.0.0.77" and box.state()["address"] == ""
        assert box.tried(**HOME, what="mqtt", mqtt_url="mqtt://x")["code"] == "subnet"
    finally:
        box.dongle.set_wifi(address=rig.HOME)


def test_hostile_requests(box):
    page = {"Content-Type": "application/json"}
    assert box.ask("/portal/save", json.dumps(HOME).encode(), headers={"Content-Type": "text/plain"})[0] == 415
    assert box.ask("/portal/save", HOME, headers={"Origin": "http://evil.example"})[0] == 403
    assert box.ask("/portal/save", HOME, headers={"Host": "evil.example"})[0] == 404
    assert box.ask("/portal/token")[0] == 405 and box.ask("/portal/nothing")[0] == box.ask("/portal/", {})[0] == box.ask("/x", {})[0] == 404
    for body in (b"[]", b"{", b"\xff", b'"x"', b"{" * 5000):
        assert box.ask("/portal/test", body, headers=page)[0] == 400, body[:9]
    assert box.ask("/portal/test", b"x" * 9000, headers=page)[0] == 413
    assert box.ask("/portal/test", {**HOME, "what": "boot.py"})[0] == 400
    for pin in ("", "12345", "12a4", 1234, None, ["1234"]):
        assert box.ask("/portal/pin", {"pin": pin})[0] in (200, 400, 409)
    shown = box.ask("/portal/settings")[2] + box.ask("/portal/state")[2] + box.ask("/portal/status")[2]
    assert b"simulated" not in shown and TOKEN.encode() not in shown
    links = [socket.create_connection(("127.0.0.1", box.dongle.http_port), 15) for _ in range(6)]
    begun = time.monotonic()
    assert box.state()["boot"] == 1 and time.monotonic() - begun < 9
    for link in links:
        link.close()


def test_it_never_opens_by_itself_for_a_network_that_fails_but_when_its_owner_asks(tmp_path, built):
    port = SerialConsole()
    settings = {**HOME, "wifi_password": "changed meanwhile", "mqtt_url": "mqtt://127.0.0.1:9", "mqtt_password": "s3cret"}
    home = rig.Box(tmp_path, built, settings=settings, console=port)
    try:
        home.dongle.start()
        home.dongle.wait_for("wrong password", rig.PATIENCE_S)
        assert not [line for line in home.dongle.log if "portal" in line]
        with serial.Serial(port.path, timeout=0.2) as line:
            line.write(b"\nportal\n")
            home.dongle.wait_for("portal: open", rig.PATIENCE_S)
        shown = rig.until(lambda: json.loads(home.ask("/portal/settings")[2]))
        assert (shown["wifi_password"], shown["mqtt_password"]) == ("set", "set")
        assert home.tried(wifi_ssid="Home sweet home", wifi_password=rig.PASSWORD)["code"] == ""
        begun = home.dongle.mark()
        assert home.ask("/portal/save", {**HOME, "mqtt_password": "set"})[0] == 200
        home.dongle.wait_for("portal: open", rig.PATIENCE_S, begun)
        home.dongle.wait_for("wifi: connected", rig.PATIENCE_S, begun)
        kept = json.loads((home.dongle.flash / "config.json").read_text(encoding="utf-8"))
        assert kept == {**settings, **HOME}
        begun = home.dongle.mark()
        assert rig.until(lambda: home.ask("/portal/close", {})[0]) == 200
        home.dongle.wait_for("portal: closed", rig.PATIENCE_S, begun)
        assert rig.until(lambda: home.ask("/portal/state")[0]) == 401
        begun = home.dongle.mark()
        home.dongle.power_cycle()
        home.dongle.wait_for("wifi: connected", rig.PATIENCE_S, begun)
        with contextlib.suppress(TimeoutError):
            home.dongle.wait_for("portal", 1, begun)
            raise AssertionError("it opened again")
        assert not home.dongle.crashes
    finally:
        home.dongle.stop()
        home.wire.close()
        port.close()


def test_in_safe_mode_it_tells_why(tmp_path, built):
    broken = rig.Box(tmp_path, built, settings=HOME)
    try:
        broken.dongle.flash.mkdir(parents=True)
        for name in ("boot.py", "main.py"):
            (broken.dongle.flash / name).write_bytes((built / name).read_bytes())
        broken.dongle.main = tmp_path / "start.py"
        broken.dongle.main.write_text("exec(open('boot.py').read())\nexec(open('main.py').read())\n")
        broken.dongle.start()
        broken.dongle.wait_for("wifi: connected", rig.PATIENCE_S)
        (broken.dongle.flash / "starts").write_text("3 ! ValueError of a settings file")
        os.kill(broken.dongle.pid, signal.SIGKILL)
        broken.dongle.wait_for("portal: open", rig.PATIENCE_S)
        state = rig.until(broken.state)
        assert "ValueError of a settings file" in state["safe"] and state["readings"] == 0
        assert broken.tried(**HOME)["code"] == ""
    finally:
        broken.dongle.stop()
        broken.wire.close()
