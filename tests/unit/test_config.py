"""Settings: what is valid, what falls back, what a damaged file leads to."""

import json
import os

from bridge.config import settings as module
from bridge.config.rules import parse_key
from bridge.config.settings import Settings
from bridge.core import good
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
    good.keep(path, good.mark(path))
    with open(path, "wb") as file:
        file.write(b"\x00\x01")
    settings = module.load(path)
    assert settings["mqtt_url"] == "mqtt://broker.example" and "last good copy" in settings.problems[0]
    _forget(path)


def test_without_a_good_copy_nobody_is_told_of_one():
    path = _file(b"{")
    for copy in (None, b"", b"\xff"):
        if copy is not None:
            with open(path + ".good", "wb") as file:
                file.write(copy)
        settings = module.load(path)
        assert settings.problems == [path + " is not JSON: all settings are at their defaults"], settings.problems
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
        "wifi_ssid_3": ["x" * 33, None],
        "wifi_address": ["192.168.1.20", "192.168.1.20/24", "192.168.1.20/24 10.0.0.1", "1 " * 40, 7, "dhcp", "\u00b2.1.1.1/24 1.1.1.2"],
        "wifi_country": ["N", "NLD", "N1", "\u00e4\u00e4", 31],
        "wifi_txpower_dbm": [1, 21, -1, "11", 11.5, False],
        "host_name": ["-a", "a-", "a b", "meter.local", "x" * 33, "z\u00e4hler", 5],
        "ntp_server": ["", "a b", "host:0", "http://host", "[::1"],
        "meter_key": ["0", "00" * 15, "00" * 17, "0O" * 16, "g" * 32, 7, None, "0x", "00 " * 500],
        "meter_auth_key": ["00112233445566778899AABBCCDDEEF", b"00112233445566778899aabbccddeeff"],
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
        "wifi_address": "192.168.1.20/24 192.168.1.1",
        "wifi_country": "NL",
        "wifi_txpower_dbm": 20,
        "host_name": "meter-cellar-2",
        "ntp_server": "192.168.1.1:123",
        "mqtt_topic": "home/meter",
        "journal_kb": 64,
        "meter_protocol": "amis",
    }
    settings = Settings(good)
    assert settings.problems == []
    for name in good:
        assert settings[name] == good[name]


def test_what_is_empty_or_typed_otherwise():
    settings = Settings({"wifi_address": "  ", "wifi_country": "nl", "wifi_txpower_dbm": 0, "host_name": ""})
    assert settings.problems == [] and (settings["wifi_address"], settings["wifi_country"], settings["wifi_txpower_dbm"]) == ("", "NL", 0)
    problem = Settings({"wifi_address": "192.168.1.20"}).problems[0]
    assert problem.startswith("wifi_address is not an address, a gateway") and "such as 192.168.1.20/24 192.168.1.1" in problem
    assert "has a space in it" in Settings({"host_name": "my meter"}).problems[0]


def test_secrets_are_never_shown():
    secret = "correct horse"
    settings = Settings({"wifi_password": secret, "http_header": "X-Key: " + secret, "mqtt_password": secret * 100, "http_token": secret})
    assert secret not in json.dumps(settings.public()) and secret not in "".join(settings.problems)
    assert settings.public()["http_token"] == "set" and settings.public()["influx_token"] == ""


def test_keys_are_taken_as_they_are_pasted():
    wants = bytes.fromhex("00112233445566778899aabbccddeeff")
    plain = "00112233445566778899AABBCCDDEEFF"
    pairs = [plain[i : i + 2] for i in range(0, 32, 2)]
    for pasted in (
        plain, plain.lower(), "0x" + plain, "0X" + plain, "  " + plain + "\r\n", " ".join(pairs), ":".join(pairs), "-".join(pairs).lower(),
        ", ".join(["0x" + pair for pair in pairs]), "\n".join(pairs), plain[:16] + "\r\n" + plain[16:], "\t".join(pairs), "0x" + plain[:8] + " 0x" + plain[8:],
        "0011-2233-4455-6677 8899:AABB:CCDD:EEFF", "\u00a0".join(pairs), "\u2013".join(pairs),
    ):  # fmt: skip
        assert parse_key(pasted) == wants, pasted
        settings = Settings({"meter_key": pasted, "meter_auth_key": pasted})
        assert settings.problems == [] and settings["meter_key"] == settings["meter_auth_key"] == plain.lower()
        assert settings.public()["meter_key"] == settings.public()["meter_auth_key"] == "set"
    for empty in ("", "  ", "\n"):
        assert Settings({"meter_key": empty})["meter_key"] == "" and Settings({"meter_key": empty}).problems == []
    assert Settings()["meter_key"] == "" and Settings().public()["meter_key"] == ""


def test_what_is_wrong_with_a_key_is_told_without_the_key():
    digits = "00112233445566778899aabbccddeef"
    for pasted, said in (
        (digits, "has 31 hex digits, not 32"),
        (digits + "f0", "has 33 hex digits, not 32"),
        ("0x" + digits, "has 31 hex digits, not 32"),
        ("nonsense", "has n where hex digit 1 belongs"),
        ("00 11 2O" + digits, "has o where hex digit 6 belongs"),
        (digits[:10] + "\u00e4" + digits, "has an odd character where hex digit 11 belongs"),
        (digits[:10] + "x" + digits, "has x where hex digit 11 belongs"),
        ("0 " * 200, "is longer than 200 characters"),
    ):
        try:
            parse_key(pasted)
        except ValueError as error:
            assert str(error).startswith(said), str(error)
        else:
            assert False, pasted
        problem = Settings({"meter_key": pasted}).problems[0]
        assert problem.startswith("meter_key " + said) and digits[:8] not in problem


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
