"""What the doctor makes of facts: those of a real dongle that is well, each time with one thing changed; words that a port says where no dongle answers."""

import copy
import importlib
import json
import pathlib

import pytest

from host_tools import cli, runtime
from host_tools.doctor import AREAS, examine, findings_of, found, gather, limits, serial_ear, show, starts, to_do, verdict
from host_tools.doctor.findings import FINDINGS, NOTE, SEVERITIES
from host_tools.errors import FAILED, USAGE
from host_tools.simulation.serial_console import SerialConsole

runtime.firmware_importable()
FACTS = json.loads((pathlib.Path(__file__).parent / "doctor_facts.json").read_text())  # of the simulated firmware, by gather.by_serial
PORT = {"port": "/dev/ttyUSB0", "ports": "none"}
DAY = limits.DAY_S


def changed(**places) -> dict:
    """The facts with other values: `wifi__rssi=-80` is facts["status"]["wifi"]["rssi"]; `facts__x` stands beside the status."""
    facts = copy.deepcopy(FACTS)
    for place, value in places.items():
        *way, last = place.split("__")
        at = facts if way[:1] == ["facts"] else facts["status"]
        for name in way[way[:1] == ["facts"] :]:
            at = at[name]
        at[last] = value
    return facts


def codes(facts: dict) -> list[str]:
    found_here = findings_of(examine(facts))
    assert all(one.text and one.advice and "{" not in one.text + one.advice for one in found_here)
    return [one.code for one in found_here]


def many(cause: str, count: int) -> list:
    return [starts.Start(number, cause, "0.1.0", int(FACTS["at"]) - number * 600) for number in range(count)]


def sink(error: str, state: str = "waiting", **more) -> dict:
    return {"sinks__mqtt": {"state": state, "acknowledged": None, "last_ack_age_s": None, "backlog": 7, "lost": 0, "errors": 3, "last_error": error, **more}}


def heard(word: str, **more) -> dict:
    return {"meter__heard": word, "meter__advice": "", **more}


def died(error: str, state: str = "running") -> dict:
    return {"tasks__http": {"state": state, "restarts": 3, "error": error}}


CASES = {
    "contact.elsewhere": {"facts__computer__reach": "no answer"},
    "contact.refused": {"network__refused": 50, "facts__access_log": ["2026-11-22T06:51:23Z info access: refused 192.168.1.7: wrong token"]},
    "power.brownout": {"facts__brownouts": 2},
    "power.often": {"facts__starts": many("power on", 4)},
    "power.very_often": {"facts__starts": many("power on", 12)},
    "power.watchdog": {"reset_cause": "watchdog"},
    "power.resets": {"facts__starts": many("reset", 5)},
    "wifi.none": {"wifi__connected": False, "wifi__problem": "no Wi-Fi network is set: set wifi_ssid and wifi_password"},
    "wifi.address": {"wifi__connected": False, "wifi__problem": "cannot join home: the access point takes it, but gives no address: restart the router, or set wifi_address"},
    "wifi.security": {"wifi__connected": False, "wifi__problem": "cannot join home: its security is weaker than this chip takes: WPA2 is needed"},
    "wifi.down": {"wifi__connected": False, "wifi__problem": "cannot join home: refused by the access point"},
    "wifi.fair": {"wifi__rssi": -75}, "wifi.weak": {"wifi__rssi": -80},
    "wifi.drops": {"wifi__joins": 20, "wifi__reason": "access point lost", "uptime_s": DAY},
    "line.held": heard("held"), "line.noise": heard("noise", facts__settings__meter_line=""), "line.bytes": heard("bytes", facts__settings__meter_line=""),
    "line.fixed": heard("noise"), "line.key": heard("key_wrong"), "line.replay": heard("replay"), "line.unknown": heard("cipher_unknown"), "line.s1": heard("s1"),
    "line.damaged": {"meter__frames": 1000, "meter__crc_errors": 20}, "line.broken": {"meter__frames": 80, "meter__crc_errors": 20},
    "line.all_bad": {"meter__frames": 0, "meter__crc_errors": 20, **heard("bytes", facts__settings__meter_line="")},
    "line.noisy": {"meter__noise_bytes": 5000, "meter__received_bytes": 20000}, "line.oversize": {"meter__oversize": 4}, "line.undecodable": {"meter__undecodable": 9},
    "line.late": {"meter__age_s": 61}, "line.doubted": {"counters__counter_falls": 1},
    "pin.missing": {"meter__pin": {"state": "missing", "reason": "", "phase": "", "result": ""}},
    "pin.failed": {"meter__pin": {"state": "failed", "reason": "no_change", "phase": "", "result": ""}},
    "pin.relocks": {"meter__pin": {"state": "missing", "reason": "inf_off", "phase": "", "result": ""}},
    "clock.unset": {"clock": {"source": "none", "utc": None}}, "clock.meter": {"clock__source": "meter"},
    "clock.waits": {"clock": {"source": "none", "utc": None}, "wifi__connected": False, "wifi__problem": "cannot join home: network not found"},
    "clock.off": {"clock__utc": "2026-11-22T06:51:40Z"}, "clock.far_off": {"clock__utc": "2026-11-22T08:51:30Z"},
    "sinks.none": {"sinks": {}}, "sinks.waits": sink(""), "sinks.no_name": sink("host name broker.local not found, or no name server answers"),
    "sinks.no_answer": sink("no connection to 192.168.1.10:1883 in 10 s"), "sinks.login": sink("wrong user or password: check mqtt_user and mqtt_password"),
    "sinks.expired": sink("the server's certificate has expired by the dongle's clock"), "sinks.future": sink("the server's certificate is not valid yet by the dongle's clock (is it set?)"),
    "sinks.certificate": sink("mqtt_ca: there is no file ca.der on the dongle"), "sinks.server_error": sink("502 Bad Gateway"), "sinks.memory": sink("not enough memory for the connection"),
    "sinks.rejects": sink("reading 12: 400 Bad Request: no such field", "connected"), "sinks.down": sink("connection closed by the other side"),
    "sinks.backlog": sink("", "connected", backlog=5000, last_ack_age_s=1), "sinks.stuck": sink("", "connected", backlog=5000, last_ack_age_s=900),
    "sinks.lost": sink("", "connected", lost=3, backlog=0), "sinks.undated": sink("", "connected", undated=3, backlog=0),
    "memory.out": died("MemoryError: memory allocation failed, allocating 2048 bytes"), "memory.full": {"memory__heap_live": 500000},
    "memory.system": {"memory__system_largest": 15000, "facts__settings__mqtt_url": "mqtts://x"}, "memory.short": {"memory__system_largest": 5000},
    "memory.crumbs": {"memory__system_largest": 10000}, "flash.full": {"journal__flash__problem": "flash is full"},
    "flash.problem": {"journal__flash__problem": "flash write failed: EIO"}, "flash.none": {"journal__flash": {}},
    "flash.wear": {"journal__flash__capacity": 65536, "facts__room": {"size": 400000, "free": 80000}}, "flash.room": {"facts__room": {"size": 2097152, "free": 40000}},
    "flash.update_room": {"facts__room": {"size": 2097152, "free": 200000}, "update__slot": "a"}, "flash.profile": {"profile__problem": "flash is full"},
    "tasks.died": died("KeyError: 3"), "tasks.down": died("KeyError: 3", "restarting"),
    "tasks.hung": {"facts__log": ["+70s error supervisor: no sign of life from reader: the watchdog will reset the chip"]},
    "firmware.safe_mode": {"safe_mode": "ImportError no module"}, "firmware.trial": {"update__state": "on trial"},
    "firmware.taken_back": {"update__last": "update 0.3.0 was taken back: no reading came within 10 minutes"},
    "firmware.older": {"device__version": "0.0.9"}, "firmware.newer": {"device__version": "0.10.0"}, "config.problem": {"problems": ["mqtt_url has no host name"]},
    "config.board": {"problems": ["board.json is damaged"]}, "config.no_token": {"facts__access__token": ""},
    "config.itself": {"facts__settings__mqtt_url": "mqtt://localhost", "device__board": "c3-supermini"},
}  # fmt: skip


def test_one_that_is_well():
    areas = examine(FACTS)
    assert findings_of(areas) == [] and verdict(areas) == "all is well" and to_do(areas) == 0
    assert [area.name for area in areas if area.state] == [name for name in AREAS if name != "pin"]


@pytest.mark.parametrize("code", CASES)
def test_each_finding(code):
    facts = changed(**CASES[code])
    assert codes(facts)[0] == code or code in codes(facts) and len(codes(facts)) <= 2, codes(facts)
    areas = examine(facts)
    assert to_do(areas) >= (FINDINGS[code].severity != NOTE)
    for width in (40, 80, 110):
        assert all(line.cell_len <= width for line in show.lines(areas, width))


def test_what_lies_below_a_limit_is_no_finding():
    below = ({"wifi__rssi": -70}, {"meter__frames": 1000, "meter__crc_errors": 9}, {"meter__crc_errors": 2}, {"meter__age_s": 59}, {"network__refused": 19},
             {"facts__starts": many("power on", 2)}, {"wifi__joins": 3}, {"clock__utc": "2026-11-22T06:51:27Z"})  # fmt: skip
    for change in below:
        assert codes(changed(**change)) == [], change


def test_two_looks_count_what_came_between():
    facts = changed(meter__frames=1000, meter__crc_errors=500)
    assert codes(facts) == ["line.broken"], "a bad past"
    facts["later"] = copy.deepcopy(facts["status"])
    facts["later"]["meter"]["frames"] += 60
    facts["seconds"] = 60
    assert codes(facts) == [], "a good present"


def test_the_worst_comes_first_and_a_cause_before_what_it_causes():
    facts = changed(**sink("connection refused"), wifi__rssi=-90, clock__source="meter", problems=["x"], meter__heard="silence")
    assert codes(facts) == ["line.silence", "sinks.refused", "wifi.weak", "config.problem", "clock.meter"]
    facts["status"]["wifi"] |= {"connected": False, "problem": "cannot join home: wrong password: check wifi_password"}
    assert codes(facts) == ["wifi.password", "line.silence", "config.problem", "sinks.waits"]


BOOT = "ets Jul 29 2019 12:21:46\n\nrst:0x{0} ({1}),boot:0x13 (SPI_FAST_FLASH_BOOT)\nconfigsip: 0, SPIWP:0xee\nload:0x3fff0030,len:4892\nentry 0x400805b8\n"
SAID = {
    "contact.silent": "", "contact.loop": BOOT.format("10", "RTCWDT_RTC_RESET") * 4,
    "power.brownout": BOOT.format("1", "POWERON_RESET") + "Brownout detector was triggered\n\n" + BOOT.format("f", "RTCWDT_BROWN_OUT_RESET"),
    "contact.panic": BOOT.format("c", "SW_CPU_RESET") + "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\nBacktrace: 0x400d1d2c:0x3ffb1f50\n",
    "contact.bootloader": "ESP-ROM:esp32c3-api1-20210207\nrst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/1))\nwaiting for download\n",
    "contact.no_image": "rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\ninvalid header: 0xffffffff\ninvalid header: 0xffffffff\n",
    "contact.prompt": ">>> hello 12\nSyntaxError: invalid syntax\n>>> \nmb: boot.py main.py a config.json\n>>> ", "contact.no_firmware": ">>> x\nmb: boot.py\n>>> ",
    "contact.old": "+12s info meter: listening at 115200 8N1\n", "contact.stranger": "AT\nERROR\n", "contact.noise": "\ufffd\x00\x01\ufffd\ufffd\x80a" * 9,
}  # fmt: skip


@pytest.mark.parametrize("code", SAID)
def test_what_a_port_says_where_no_dongle_answers(code):
    lines = SAID[code].split("\n")
    facts = {"way": "serial", "status": {}, "contact": serial_ear.judge(lines, PORT["port"], [], 6), "brownouts": serial_ear.brownouts(lines), "tool": "0.1.0"}
    assert codes(facts) == [code]


def test_a_brownout_is_counted_once():
    assert serial_ear.brownouts((SAID["power.brownout"] * 3).split("\n")) == 3


def test_every_finding_is_tried():
    by_network = {"contact.no_name", "contact.no_host", "contact.no_port", "contact.other_device", "contact.token", "contact.stranger_http"}  # tests/sim/test_doctor.py
    in_order = {"wifi.password", "wifi.absent", "line.silence", "sinks.refused"}
    rest = set(FINDINGS) - set(CASES) - set(SAID) - by_network - in_order
    assert rest == {"contact.slowed", "contact.broken", "contact.odd", "line.searching"}
    assert codes({"way": "network", "status": {}, "contact": [("contact.slowed", {"why": "30 s"}), ("contact.broken", {"why": "reset"})], "tool": ""}) == ["contact.broken", "contact.slowed"]
    from bridge.uart.advice import text

    assert codes(changed(meter__heard="bytes", meter__advice=text("searching", ("p1",)), facts__settings__meter_line="")) == ["line.searching"]


def test_each_finding_says_what_to_do():
    for code, row in FINDINGS.items():
        assert code.partition(".")[0] in AREAS and row.severity in SEVERITIES and row.text and row.advice and row.sure, code
        assert len(row.text) <= 130 and len(row.advice) <= 260, code
    with pytest.raises(KeyError):
        found("no.such")


def words(module: str, name: str):
    return getattr(importlib.import_module(module), name)


def test_the_firmwares_own_words_are_known():
    for code, (kind, text) in words("bridge.wifi.reasons", "_REASONS").items():
        facts = changed(wifi__connected=False, wifi__problem="cannot join home: " + text.replace("%s", "wifi_password"))
        assert (codes(facts)[0] == "wifi.password") == (kind == 2), (code, text)
        assert (codes(facts)[0] == "wifi.absent") == (kind == 1), (code, text)
    said = [*words("bridge.push.reasons", "_ERRNO").values(), *(meaning for _, meaning in words("bridge.push.reasons", "_CERTIFICATE")), "no answer in time",
            *(f"{status} X: {text}" for status, text in words("bridge.push.http_refusals", "_ADVICE").items()), *words("bridge.push.mqtt_connect", "_REFUSED")[4:]]  # fmt: skip
    for text in said:
        code = codes(changed(**sink(text)))[0]
        assert code.startswith("sinks.") and (code == "sinks.down") == (text in ("connection reset by the other side",)), (text, code)


def leaves(value, way=()):
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*way, name))
    yield way


def test_a_status_of_another_version_or_of_somebody_else():
    odd = 0
    for way in leaves(FACTS["status"]):
        for value in (None, "x" * 5000, -(10**30), [], {}, [{}], "{0} [bold]"):
            facts = copy.deepcopy(FACTS)
            at = facts
            for name in ("status", *way)[:-1]:
                at = at[name]
            at[("status", *way)[-1]] = value
            areas = examine(facts)
            shown = "\n".join(line.plain for line in show.lines(areas, 80))
            json.loads(show.document(areas, facts | {"status": facts["status"] if isinstance(facts["status"], dict) else {}}))
            assert show.title(facts, "x") if isinstance(facts["status"], dict) else True
            odd += "is not understood" in shown
    assert odd > 50


def test_a_network_with_a_name_that_a_terminal_would_obey():
    shown = show.lines(examine(changed(wifi__ssid="\x1b[2Jhome\r\n[bold]")), 80)
    assert not any("\x1b" in line.plain for line in shown) and any("?[2Jhome" in line.plain for line in shown)


def test_calls_that_make_no_sense(capsys):
    for call in (["--port", "x", "--host", "y"], [], ["--port", "x", "--for", "-1"], ["--host", "a b"], ["--port"], ["--host", "x", "--token-file", "/no/such"]):
        assert cli.main(["doctor", *call]) == USAGE, call
        assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["doctor", "--port", "/dev/ttyNOT0"]) == FAILED


def test_a_port_that_is_silent(monkeypatch, capsys):
    monkeypatch.setattr("host_tools.dongle_console._HELLO_S", 0.1)
    monkeypatch.setattr(gather, "_LISTEN_S", 0.2)
    cable = SerialConsole()
    try:
        assert cli.main(["doctor", "--port", cable.path]) == FAILED
        assert "nothing at all comes from" in capsys.readouterr().out
    finally:
        cable.close()
