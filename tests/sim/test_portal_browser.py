"""The set-up portal in a real browser, as small as a phone, in all its languages: from the first page to readings, against the compiled firmware."""

import json
import os
import re

import pytest

from host_tools import build
from tests.brokers import make_broker
from tests.http_servers import HttpServer
from tests.sim import portal_rig as rig

CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
PICTURES = os.environ.get("PORTAL_PICTURES", "")  # a folder: then each step leaves a picture there


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if lacks := rig.missing():
        if CI:
            pytest.fail(lacks)
        pytest.skip(lacks)
    made = rig.browser(tmp_path_factory.mktemp("chromium"))
    yield made
    made.quit()


@pytest.fixture
def box(tmp_path, built, request):
    with rig.Box(tmp_path, built, **getattr(request, "param", {})) as box:
        yield box
        assert not box.dongle.crashes, list(box.dongle.log)[-20:]


def opened(page, box, language: str, dark: bool = False) -> rig.Phone:
    rig.speak(page, language, dark)
    page.get(box.url)
    page.execute_script("sessionStorage.clear()")
    page.get(box.url)
    phone = rig.Phone(page, PICTURES)
    phone.on("wifi")
    assert page.execute_script("return [document.documentElement.lang, document.title]") == [language[:2], phone.words("title")]
    return phone


def saved(phone: rig.Phone, box) -> dict:
    """The settings file, once the page has shown that all works and was closed."""
    phone.on("done")
    shown = rig.until(lambda: (text := phone.one("#s-done").text) and phone.words("done_good") in text and text)
    phone.picture("good")
    assert rig.HOME[0] in shown and "http://meterbridge-d4e5f6.local/" in shown and " kWh" in shown
    phone.press("#close")
    phone.on("closed")
    box.dongle.wait_for("portal: closed", rig.PATIENCE_S)
    assert not [one for one in phone.page.get_log("browser") if one["level"] == "SEVERE" and "Failed to load resource" not in one["message"] and "ERR_" not in one["message"]]
    return json.loads((box.dongle.flash / "config.json").read_text(encoding="utf-8"))


def test_english_to_a_broker_with_a_wrong_password_first(page, box, tmp_path):
    phone = opened(page, box, "en-GB")
    phone.choose("Home sweet home")
    phone.fill("password", "short")
    phone.next()
    assert phone.one("#e-wifi_password").text == phone.words("e_wifi_password")
    phone.fill("password", "not the password")
    phone.press("#test-wifi")
    assert phone.result("r-wifi").startswith("The password of Home sweet home is wrong.")
    phone.fill("password", rig.PASSWORD)
    phone.press(".eye")
    assert phone.one("#password").get_attribute("type") == "text"
    phone.press("#test-wifi")
    assert phone.result("r-wifi") == f"Home sweet home can be joined. The dongle's address there: {rig.HOME[0]}"
    phone.next()
    phone.on("meter")
    rig.until(lambda: "Meter found: P1" in phone.one("#r-meter").text)
    phone.next()
    phone.on("target")
    phone.press("[value=mqtt]")
    with make_broker("mosquitto", tmp_path, user="me", password="se cret") as broker:
        phone.fill("host", f"mqtt://{broker.host}:{broker.port}/")
        phone.press("#test-target")
        assert f"{broker.host}:{broker.port} does not accept user and password" in phone.result("r-target")
        phone.fill("user", "me")
        phone.fill("mqtt_password", "se cret")
        phone.next()
        phone.on("save")
        phone.next()
        kept = saved(phone, box)
    assert kept["wifi_password"] == rig.PASSWORD and kept["mqtt_password"] == "se cret" and kept["mqtt_url"] == broker.url
    assert "portal" not in [path.name for path in box.dongle.flash.iterdir()]


@pytest.mark.parametrize("box", [{"meter": "lu-smarty"}], indirect=True)
def test_german_a_hidden_network_and_a_key(page, box):
    from host_tools import meters

    key = meters.make("lu-smarty").keys["key"]
    phone = opened(page, box, "de-AT", dark=True)
    phone.choose("")
    phone.fill("ssid", "under the stair")
    phone.fill("password", "spiders!")
    phone.press("#test-wifi")
    assert phone.result("r-wifi").startswith("under the stair wurde nicht gefunden.")
    phone.fill("ssid", "under the stairs")
    phone.next()
    phone.on("meter")
    phone.press("#d-key summary")
    phone.fill("key", "xyz")
    assert "„x“ gehört nicht hinein" in phone.one("#e-meter_key").text
    phone.fill("key", key[:20])
    assert phone.one("#h-key").text == "20 von 32 Stellen"
    phone.next()
    assert phone.one("#e-meter_key").text == "Der Schlüssel hat 32 Stellen; hier sind es 20."
    phone.picture("key")
    phone.fill("key", " ".join(re.findall("....", key)))
    phone.next()
    phone.on("target")
    phone.next()
    phone.on("save")
    phone.next()
    kept = saved(phone, box)
    assert kept["wifi_ssid"] == "under the stairs" and kept["meter_key"] == key.lower() and not kept.get("mqtt_url")


def test_dutch_an_odd_name_and_the_longest_password_and_a_token(page, box):
    phone = opened(page, box, "nl-BE")
    phone.choose(rig.AIR[3]["ssid"])
    phone.fill("password", "x" * 63)
    phone.next()
    phone.on("meter")
    phone.next()
    phone.on("target")
    phone.next()
    phone.on("save")
    phone.next()
    phone.on("done")
    before = (box.dongle.flash / "access.json").read_text()
    phone.press("#token")
    token = rig.until(lambda: phone.one("#token-shown").text)
    phone.picture("token")
    assert re.fullmatch(r"([A-Z2-7]{4}-){6}[A-Z2-7]{2}", token)
    after = json.loads((box.dongle.flash / "access.json").read_text())
    assert after["token"] != json.loads(before)["token"] and after["ap_password"] == "simulated"
    assert box.ask("/api/status", source="127.0.1.1", headers={"Authorization": f"Bearer {token}"})[0] == 200
    assert saved(phone, box)["wifi_ssid"] == rig.AIR[3]["ssid"]


def test_french_an_open_network_and_a_server(page, box):
    phone = opened(page, box, "fr-BE", dark=True)
    phone.choose("Café ☃ free")
    assert not phone.one("#f-password").is_displayed()
    phone.next()
    phone.on("meter")
    phone.next()
    phone.on("target")
    phone.press("[value=http]")
    phone.fill("url", "mon serveur")
    phone.next()
    assert phone.one("#e-http_url").text == phone.words("e_http_url")
    phone.fill("url", "http://127.0.0.1:9/x")
    phone.press("#test-target")
    assert phone.result("r-target").startswith("127.0.0.1:9 refuse la connexion.")
    with HttpServer() as server:
        phone.fill("url", server.url)
        phone.next()
        phone.on("save")
        phone.next()
        kept = saved(phone, box)
    assert kept["http_url"] == server.url and not kept.get("wifi_password")
