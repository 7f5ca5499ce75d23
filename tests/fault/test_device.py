"""The device's own troubles: no Wi-Fi, damaged files, no time server, a program that hangs or dies. What is lost is what the RAM held."""

import calendar
import json
import os
import shutil
import signal
import time

import pytest

from host_tools import build, runtime
from host_tools.meters.line import Line
from host_tools.ntp_server import NtpServer
from tests.brokers import available, make_broker
from tests.fault.bench_dongle import PATIENCE_S, Bench, check
from tests.http_servers import HttpServer, readings_of

PLAIN = Line(115200)  # the line that the simulated board has where the settings name none
WATCHDOG_S = 30


@pytest.fixture
def bench(tmp_path, firmware, broker, request):
    """A dongle that has had one good life: each test has a topic of its own."""
    topic = f"meterbridge/{request.node.name.partition('[')[0][:60]}"
    with Bench(tmp_path, firmware, broker, line=PLAIN, meter_protocol="p1", mqtt_topic=topic) as running:
        running.good(2)
        yield running


def unheard(bench, count: int) -> dict:
    truths = {}
    for _ in range(count):
        data, truth = bench.telegram()
        bench.send(data)
        truths[bench.next] = truth
        bench.next += 1
    return truths


def test_wifi_that_goes_and_comes_back_with_another_password(tmp_path, firmware):
    with make_broker(available()[-1], tmp_path) as broker, Bench(tmp_path / "dongle", firmware, broker, meter_protocol="p1") as bench:
        bench.good(2)
        since = bench.dongle.mark()
        bench.dongle.set_wifi(up=False)
        broker.kill()
        bench.dongle.wait_for("warning wifi: connection lost", PATIENCE_S, since)
        truths = unheard(bench, 20)
        bench.dongle.wait_for("cannot join home: network not found", PATIENCE_S, since)
        bench.dongle.set_wifi(up=True, password="changed word")
        bench.dongle.wait_for("cannot join home: wrong password: check wifi_password", PATIENCE_S, since)
        truths |= unheard(bench, 20)
        bench.restart_broker()
        bench.dongle.set_wifi(password="secret word")
        bench.dongle.wait_for("info wifi: connected to home", PATIENCE_S, since)
        for seq, truth in truths.items():
            kind, reading, _ = bench.arrival(seq)
            check(reading, truth, exact=kind == "state")
        bench.synchronize()
        bench.good(2)
        assert "secret word" not in bench.log and "changed word" not in bench.log
        assert not bench.dongle.crashes and not bench.dongle.restarts, bench.log


DAMAGES = {
    "empty": (b"", "config.json is empty: using the last good copy"),
    "blank": (b" \n" * 100, "config.json is empty: using the last good copy"),
    "binary": (bytes(range(256)) * 8, "config.json is not JSON: using the last good copy"),
    "1 MB": (b'{"mqtt_url":"' + b"x" * (1 << 20) + b'"}', "config.json is longer than"),
    "half": (b'{"mqtt_url":"mqtt://192.16', "config.json is not JSON: using the last good copy"),
    "a list": (b"[1,2,3]", "config.json is not a JSON object: using the last good copy"),
    "nested": (b"[" * 4000 + b"]" * 4000, "config.json is not"),
    "nested objects": (b'{"a":' * 1300, "config.json is not"),
}


def test_a_damaged_settings_file(bench):
    good = (bench.dongle.flash / "config.json").read_bytes()
    (bench.dongle.flash / "config.json.good").write_bytes(good)  # as a start leaves it that lived for a while
    for damage, said in DAMAGES.values():
        (bench.dongle.flash / "config.json").write_bytes(damage)
        since = bench.power_cycle()
        bench.dongle.wait_for(said, PATIENCE_S, since)
        bench.await_broker(since)
        bench.good()
    assert any(said in problem for problem in bench.status(lambda s: s["problems"])["problems"])
    (bench.dongle.flash / "config.json").write_bytes(good)
    since = bench.power_cycle()
    bench.await_broker(since)
    bench.good()
    assert bench.status(lambda s: True)["problems"] == []
    assert not bench.dongle.crashes, bench.log


def test_damaged_settings_and_no_good_copy(bench):
    (bench.dongle.flash / "config.json").write_bytes(b"\0" * 4096)
    (bench.dongle.flash / "config.json.good").write_bytes(b"\xff" * 4096)
    since = bench.power_cycle()
    bench.dongle.wait_for("all settings are at their defaults", PATIENCE_S, since)
    bench.dongle.wait_for("listening at", PATIENCE_S, since)
    bench.dongle.wait_for("no Wi-Fi network is set", PATIENCE_S, since)
    assert not bench.dongle.crashes, bench.log


def wrong_values() -> dict:
    """For each setting a value of another type and one out of its bounds."""
    runtime.firmware_importable()
    from bridge.config.table import SETTINGS

    return {row[0]: ([["x"], None, {}] if isinstance(row[1], bool) else [{"a": 1}, "\0" * 9000 if isinstance(row[1], str) else -1, 10**30]) for row in SETTINGS}


# Without the first three no reading could arrive; the default of the last is a name that a computer may look up for long.
KEPT = ("wifi_ssid", "wifi_password", "mqtt_url", "ntp_server")
TOGETHER = 12  # wrong values at once: the device names at most 20


def test_each_value_wrong(bench):
    wrong = wrong_values()
    names = [name for name in wrong if name not in (*KEPT, "mqtt_topic")]
    for which in range(2):
        for at in range(0, len(names), TOGETHER):
            some = names[at : at + TOGETHER]
            settings = {**{name: bench.settings[name] for name in (*KEPT, "mqtt_topic")}, "status_interval_s": 1}
            settings |= {name: wrong[name][which] if len(str(wrong[name][which])) < 99 else "\x01" * 99 for name in some}
            settings |= {"no_such_setting": 1}
            (bench.dongle.flash / "config.json").write_text(json.dumps(settings))
            since = bench.power_cycle()
            bench.dongle.wait_for("no_such_setting is not a setting", PATIENCE_S, since)
            bench.await_broker(since)
            bench.good()
            for name in some:
                bench.dongle.wait_for(f"error config: {name}", PATIENCE_S, since)
    assert not bench.dongle.crashes, bench.log


def test_each_address_wrong_leaves_the_other_sink(tmp_path, firmware):
    with HttpServer() as server:
        settings = {"http_url": server.url, "http_interval_s": 0, "influx_url": "influx.local"}
        with Bench(tmp_path, firmware, line=PLAIN, mqtt_url="mqtt://user:password@10.0.0.1", **settings) as bench:
            bench.dongle.wait_for("mqtt_url has a user or password in it", PATIENCE_S)
            bench.dongle.wait_for("influx_url does not start with", PATIENCE_S)
            bench.dongle.wait_for("info wifi: connected", PATIENCE_S)
            truths = unheard(bench, 5)
            server.wait(lambda s: len(readings_of(s.requests)) >= 5)
            for reading in readings_of(server.requests):
                assert reading["energy_import_t1_wh"] == truths[reading["seq"]]["energy_import_t1_wh"]
            assert "password@" not in bench.log


def test_a_damaged_count_of_starts(bench):
    numbers = [1]
    for damage in (b"", b"\xff\x00\xfe\x80", b"twelve", b"-5", b"9" * 5000, b"1.5", b"nan"):
        (bench.dongle.flash / "boots").write_bytes(damage)
        since = bench.power_cycle()
        bench.await_broker(since)
        bench.synchronize()
        bench.good()
        assert bench.boot not in numbers and bench.boot > 1_000_000, "no later reading has the name of an earlier one"
        numbers.append(bench.boot)
    shutil.rmtree(bench.dongle.flash / "boots", ignore_errors=True)
    (bench.dongle.flash / "boots").unlink(missing_ok=True)
    (bench.dongle.flash / "boots").mkdir()  # it can be neither read nor written
    since = bench.power_cycle()
    bench.await_broker(since)
    bench.synchronize()
    bench.good()
    assert not bench.dongle.crashes, bench.log


def test_a_damaged_board_file(bench):
    good = (bench.dongle.flash / "board.json").read_bytes()
    for damage in (b"", b"\xff" * 500, b"x" * (1 << 20), b"[]", good.replace(b'"rx": 16', b'"rx": 99'), b"[" * 3000):
        (bench.dongle.flash / "board.json").write_bytes(damage)
        since = bench.power_cycle()
        bench.dongle.wait_for("error board:", PATIENCE_S, since)
        bench.await_broker(since)
        assert any("board.json" in problem for problem in bench.status(lambda s: s["problems"])["problems"])
    (bench.dongle.flash / "board.json").write_bytes(good)
    since = bench.power_cycle()
    bench.await_broker(since)
    bench.good(2)
    assert not bench.dongle.crashes, bench.log


def test_no_time_server_and_a_meter_without_a_clock(tmp_path, firmware, broker):
    server = NtpServer()
    server.stop()  # its port is known; nobody answers there
    with Bench(tmp_path, firmware, broker, "sml", mqtt_topic="meterbridge/undated", ntp_server=server.address) as bench:
        started = time.time()
        bench.dongle.wait_for(f"{server.address} does not answer", PATIENCE_S)
        truths = unheard(bench, 5)
        _, live, _ = bench.arrival(5)
        assert live["time"] is None and live["time_source"] == "uptime"
        check(live, truths[5])
        assert bench.status(lambda s: s["journal"]["next"] == 6)["clock"]["source"] == "none"
        server = NtpServer(port=server.port).start()
        bench.dongle.wait_for("clock set", PATIENCE_S)
        chips = (bench.dongle.folder / "rtc.utc").read_text()
        assert started - 2 <= calendar.timegm(time.strptime(chips, "%Y-%m-%dT%H:%M:%SZ")) <= time.time() + 2, "by this TLS judges certificates"
        bench.owner.wait(lambda o: all(any(r["time"] for _, r, _ in o.arrived.get((1, seq), ())) for seq in truths), PATIENCE_S)
        for seq, truth in truths.items():
            kind, reading, _ = bench.owner.arrived[1, seq][-1]
            check(reading, truth, exact=kind == "state")
            when = time.mktime(time.strptime(reading["time"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            assert started - 2 <= when <= time.time() + 2, "the time at which it was heard"
        assert bench.good()["time_source"] == "bridge"
        server.stop()


def test_a_program_that_stands_still_is_reset_by_the_watchdog(bench):
    since = bench.dongle.mark()
    os.kill(bench.dongle.pid, signal.SIGSTOP)
    fed = bench.dongle.folder / "watchdog"
    assert int(fed.read_text()) == WATCHDOG_S * 1000
    os.utime(fed, (time.time() - WATCHDOG_S - 1,) * 2)  # half a minute later
    bench.boot, bench.next = 2, 1
    bench.await_broker(since)
    bench.good(2)
    assert bench.status(lambda s: True)["reset_cause"] == "watchdog"
    assert bench.dongle.restarts == 1 and not bench.dongle.crashes


def slower(text: str, *changes: tuple[str, str]) -> str:
    """A source with some of its words replaced, each of which must be there."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def hanging(tmp_path):
    """The firmware with limits of 2 s in place of 20 and 30, whose receiving task waits for ever once a file says so."""
    folder = tmp_path / "hanging"
    build.build("sim", folder, own_names=True)  # so that a module can be put in another's place
    changes = {
        "app.py": [("_READER_DEADLINE_S = const(20)", "_READER_DEADLINE_S = const(2)")],
        "hal/watchdog.py": [("const(30000)", "const(2000)")],
        "uart/reader.py": [("                self._moved = True\n", "                self._moved = True\n                await hang()\n"),
                           ("class Reader:", HANG + "\n\nclass Reader:")],
    }  # fmt: skip
    for name, words in changes.items():
        source = slower((runtime.FIRMWARE / "bridge" / name).read_text(), *words)
        (folder / "bridge" / name).with_suffix(".mpy").unlink(missing_ok=True)
        (folder / "bridge" / name).write_text(source)
    return folder


HANG = '''async def hang():
    import os

    if "hang" in os.listdir():
        os.remove("hang")
        await asyncio.sleep(1000)
'''


def test_a_receiving_task_that_hangs_is_reset(tmp_path, hanging, broker):
    with Bench(tmp_path / "dongle", hanging, broker, meter_protocol="p1", mqtt_topic="meterbridge/hanging") as bench:
        bench.good(3)
        since = bench.dongle.mark()
        (bench.dongle.flash / "hang").touch()
        bench.send(bench.telegram()[0])
        bench.dongle.wait_for("no sign of life from reader: the watchdog will reset the chip", PATIENCE_S, since)
        bench.boot, bench.next = 2, 1
        bench.await_broker(since)
        bench.good(2)
        assert bench.dongle.restarts == 1 and bench.status(lambda s: True)["reset_cause"] == "watchdog"


def test_power_cuts_at_any_moment_of_the_start(bench):
    for cut_at in ("meterbridge 0", "listening at", "connected to home", "info mqtt: connected"):
        since = bench.power_cycle()
        bench.dongle.wait_for(cut_at, PATIENCE_S, since)
    since = bench.power_cycle()
    bench.await_broker(since)
    bench.good(2)
    assert bench.boot == 6


def test_a_crash_loop_ends_in_safe_mode_and_with_its_cause(bench):
    """What makes the program die at each start is told; it leaves nothing behind that outlives it."""
    crashing = bench.dongle.main.parent / "network.py"  # found before the board's own
    crashing.write_text("raise MemoryError('no')")
    try:
        since = bench.power_cycle()
        for _ in range(3):
            bench.dongle.wait_for("MemoryError", PATIENCE_S, since)
            since = bench.dongle.mark()
        bench.dongle.wait_for("SAFE MODE: three starts failed, the last one of: MemoryError no", PATIENCE_S, since)
    finally:
        crashing.unlink()
    since = bench.dongle.mark()
    bench.dongle.power_cycle()
    bench.dongle.wait_for("info mqtt: connected", PATIENCE_S, since)
    assert len(bench.dongle.crashes) == 3
    bench.synchronize()
    bench.good(2)
