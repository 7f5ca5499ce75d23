"""Settings: what is valid, what falls back, what a damaged file leads to."""

import json
import os

from bridge.config import settings as module
from bridge.config.settings import Settings
from bridge.core.errors import SettingsError

_FOLDER = "/tmp"


def _file(data):
    path = _FOLDER + "/meterbridge-test-config.json"
    _forget(path)
    if data is not None:
        with open(path, "wb") as file:
            file.write(data)
    return path


def _forget(path):
    for name in (path, path + ".good", path + ".new"):
        try:
            os.remove(name)
        except OSError:
            pass


def test_no_file_gives_defaults_without_complaint():
    settings = module.load(_file(None))
    assert settings.problems == [] and settings["meter_protocol"] == "auto" and settings["mqtt_tls_verify"] is True


def test_damaged_files_never_raise_and_say_so():
    deep = b"[" * 5000
    for data in (b"", b"   ", b"\xff\x00\x80" * 100, b"{", b"[1,2]", b"null", b"x" * 100000, deep, b'{"mqtt_url": '):
        settings = module.load(_file(data))
        assert settings.problems, data[:20]
        assert settings["mqtt_url"] == ""


def test_damaged_file_uses_the_last_good_copy():
    path = _file(b'{"mqtt_url": "mqtt://broker.example"}')
    assert module.load(path)["mqtt_url"] == "mqtt://broker.example"
    module.keep_good(path)
    with open(path, "wb") as file:
        file.write(b"\x00\x01")
    settings = module.load(path)
    assert settings["mqtt_url"] == "mqtt://broker.example" and "last good copy" in settings.problems[0]
    _forget(path)


def test_each_bad_value_falls_back_and_is_named():
    bad = {
        "mqtt_url": ["http://x", "mqtt://", "mqtt://u:p@host", "mqtt://host:99999", "mqtt://host:x", 7, "mqtt://" + "h" * 300, "mqtt://a b"],
        "http_url": ["mqtt://x", "example.org", "https:///path"],
        "http_header": ["no colon", "A: ", "A\r\nB: c", "Bad Name: x", ": x"],
        "mqtt_topic": ["a/#", "+", "/a", "a/", "$SYS/a"],
        "meter_protocol": ["P1", "", None, 3],
        "mqtt_keepalive_s": [0, 601, "30", 30.5, True],
        "mqtt_tls_verify": ["false", 0, None],
        "device_name": ["x" * 41, "a\nb", 1],
        "wifi_ssid": ["\u00e4" * 17, 5],
        "ntp_server": ["", "a b", "host:0", "http://host", "[::1"],
    }
    for name in bad:
        for value in bad[name]:
            settings = Settings({name: value})
            assert len(settings.problems) == 1, (name, value, settings.problems)
            assert settings.problems[0].startswith(name), settings.problems
            assert settings[name] == Settings()[name]


def test_good_values_are_taken():
    good = {
        "mqtt_url": "mqtts://[fd00::1]:8883",
        "http_url": "https://example.org/a?b=c",
        "http_header": "X-Api-Key: 12 34",
        "meter_line": "9600 7E1 inverted",
        "wifi_ssid": " two  spaces ",
        "wifi_password": " p\u00e4ss word ",
        "ntp_server": "192.168.1.1:123",
        "mqtt_topic": "home/meter",
        "journal_kb": 64,
    }
    settings = Settings(good)
    assert settings.problems == []
    for name in good:
        assert settings[name] == good[name]


def test_secrets_are_never_shown():
    secret = "correct horse"
    settings = Settings({"wifi_password": secret, "http_header": "X-Key: " + secret, "mqtt_password": secret * 100, "http_token": secret})
    assert secret not in json.dumps(settings.public()) and secret not in "".join(settings.problems)
    assert settings.public()["http_token"] == "set" and settings.public()["influx_token"] == ""


def test_unknown_settings_are_named_and_bounded():
    settings = Settings({"wat" + str(n): n for n in range(100)})
    assert 1 <= len(settings.problems) <= 20 and "wat" in settings.problems[0]


def test_save_refuses_what_load_would_refuse():
    path = _file(None)
    module.save(path, {"mqtt_url": "mqtt://a"})
    try:
        module.save(path, {"mqtt_url": "ftp://a"})
    except SettingsError as error:
        assert "mqtt_url" in str(error)
    else:
        assert False
    assert module.load(path)["mqtt_url"] == "mqtt://a"
    _forget(path)


def test_a_file_of_a_megabyte_is_refused_without_reading_it_whole():
    path = _file(None)
    with open(path, "wb") as file:
        for _ in range(1024):
            file.write(b"y" * 1024)
    settings = module.load(path)
    _forget(path)
    assert "longer than" in settings.problems[0]
