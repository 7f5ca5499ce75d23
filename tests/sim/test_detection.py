"""A meter's line and protocol are found without being told: the unchanged firmware on MicroPython, and every simulated meter in made-up time."""

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tools import build, runtime
from host_tools.meters import METERS, make
from host_tools.meters.crc import x25
from host_tools.meters.line import Line
from host_tools.meters.play import Live, Player
from host_tools.simulation.dongle import Dongle
from host_tools.wire import PtyWire
from tests.brokers import available, make_broker
from tests.sim.fast_line import FastLine
from tests.sim.mqtt_help import Watcher

HEAP = "338k"  # of a 64-bit MicroPython: 144 KB of the ESP32 and the stand-ins, in words of twice the size
NO_TIME_SERVER = "127.0.0.1:9"  # nothing answers there
PATIENCE_S = 60
CADENCES = 3  # within so many a meter is to be identified, once its line is tried
AMIS_CALL_S = 60  # how often AMIS asks whether somebody is there: its cadence until it was answered
S1_LINE = Line(2000000)
LONGEST_ROUND_S = 200  # all lines tried


def s1_sample() -> bytes:
    """A frame of the Belgian S1 port."""
    body = bytes.fromhex("802bff03") + b"1SIM0000000001" + bytes(23)
    return b"\x7e" + body + x25(body).to_bytes(2, "little") + b"\x7e"


# Every meter, in made-up time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METERS)
def test_every_meter_is_identified_within_three_cadences_of_its_line(name, tmp_path):
    line = FastLine(tmp_path / "meter.json", name, phase=0.9)
    total = line.run(2 * LONGEST_ROUND_S, line.found)
    assert line.found(), f"{name}: not found; tried {line.tried}"
    cadence = AMIS_CALL_S if name == "at-netzooe-amis" else make(name).cadence_s
    # what is asked changes its speed on the way: it counts from the request on
    asked = [at for at, text in line.tried if text == "300 7E1"] if make(name).line.baud == 300 else []
    since = (line.now - asked[0]) / 1000 if asked else line.since_tried()
    assert since <= CADENCES * cadence, f"{name}: {since:.1f} s at {line.tried[-1]}"
    assert total <= LONGEST_ROUND_S
    line.run(4)
    remembered = json.loads((tmp_path / "meter.json").read_text())
    assert remembered["protocol"] == line.pipeline.links[0][0].PROTOCOL == make(name).protocol
    # the next start goes there at once
    again = FastLine(tmp_path / "meter.json", name, phase=0.9)
    again.run(2 * cadence + 5, again.found)
    assert again.found() and {text for _, text in again.tried[1:]} <= {remembered["line"], line.tried[-1][1]} | {"115200 8N1 inverted"} | {
        text for _, text in line.tried if asked}


@pytest.mark.parametrize("name", [name for name, kind in METERS.items() if kind.keys])
def test_every_encrypted_meter_without_its_key_is_recognised(name, tmp_path):
    line = FastLine(tmp_path / "meter.json", name, phase=0.9, keys=False)
    line.run(LONGEST_ROUND_S + 20, lambda: line.detection.heard() == "key_missing" and len(line.pipeline.links) and line.detection.frames() > 2)
    tried = len(line.tried)
    line.run(150)
    assert line.detection.heard() == "key_missing" and not line.found()
    assert len(line.tried) == tried and not (tmp_path / "meter.json").exists()
    assert "grid operator" in line.detection.status()["advice"]


@pytest.mark.parametrize("before, after", [("sml", "p1-nl"), ("p1-nl", "at-kng-am550"), ("at-tinetz-kaifa", "sml"), ("d0-ebz", "d0-landis"), ("p1-nl22", "p1-nl")])
def test_another_meter_on_the_wire_is_found(before, after, tmp_path):
    keys = make(before if make(before).keys else after)
    line = FastLine(tmp_path / "meter.json", before)
    line.pipeline._keys = [bytes.fromhex(keys.keys[name]) if keys.keys.get(name) else None for name in ("key", "auth_key")]
    line.run(LONGEST_ROUND_S, line.found)
    line.run(20)
    line.put(after)
    readings, there = line.pipeline.readings, line.now
    line.run(700, lambda: line.pipeline.readings > readings + 2 and line.pipeline.links[0][0].PROTOCOL == make(after).protocol)
    line.run(10)
    assert json.loads((tmp_path / "meter.json").read_text())["protocol"] == make(after).protocol
    assert line.detection.heard() == "telegrams"
    took = (line.now - there) / 1000
    assert took < (300 if make(after).line.baud != 300 else 600), took


class Speaker:
    """Something on the line that is no meter we read."""

    protocol, keys = "", {}

    def __init__(self, line, cadence_s, data):
        self.line, self.cadence_s, self._data = line, cadence_s, data

    def telegram(self, unix):
        return self._data


def test_an_s1_port_is_told_of(tmp_path):
    line = FastLine(tmp_path / "meter.json", Speaker(S1_LINE, 0.2, s1_sample() * 8), interfaces=("p1",))
    line.run(LONGEST_ROUND_S, lambda: line.detection.heard() == "s1")
    line.run(100)
    assert line.detection.heard() == "s1" and line.tried[-1][1] == "2000000 8N1" and not line.found()


@pytest.mark.parametrize("speaker", [Speaker(Line(1200), 3, bytes(range(7, 255, 3))), Speaker(Line(4800, inverted=True), 1, b"\x55\x00\xff" * 40)])
def test_noise_is_called_noise_at_every_line(speaker, tmp_path):
    line = FastLine(tmp_path / "meter.json", speaker)
    words = []
    while line.now < 150_000:
        line.run(2)
        words.append(line.detection.heard())
    assert words[2:].count("noise") > 0.9 * len(words) and not line.found()


@pytest.mark.parametrize("level, word", [(None, "silence"), (True, "silence"), (False, "held")])
def test_silence_and_a_held_line(level, word, tmp_path):
    line = FastLine(tmp_path / "meter.json", None, level=level)
    line.run(LONGEST_ROUND_S)
    assert line.detection.heard() == word


# The firmware on MicroPython ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with make_broker(available()[-1], tmp_path_factory.mktemp("broker")) as running:
        yield running


class Home:
    """A dongle behind a meter on a wire that is `speed` times as fast; the broker shows what its owner sees."""

    numbers = itertools.count(0x100)

    def __init__(self, folder, firmware, broker, meter, speed=1.0, board="sim", keys=True, **settings):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.line_file = folder, folder / "line.json"
        self.meter = make(meter) if isinstance(meter, str) else meter
        self.wire = PtyWire(self.meter.line if self.meter else Line(1200), speed, str(self.line_file))
        chosen = {"wifi_ssid": "home", "wifi_password": "secret word", "ntp_server": NO_TIME_SERVER, "log_level": "debug",
                  "mqtt_url": broker.url, "mqtt_discovery": False, "status_interval_s": 1}  # fmt: skip
        chosen |= {f"meter_{name}": key for name, key in self.meter.keys.items()} if self.meter and keys else {}
        path = f"{firmware}:{runtime.BOARDS / 'sim'}:.frozen"
        unique = f"a1b2c3{next(self.numbers):06x}"
        self.dongle = Dongle(folder, self.wire.path, chosen | settings, self.line_file, heap=HEAP, main=firmware / "main.py",
                             env={"MICROPYPATH": path}, unique_id=unique, board=board)  # fmt: skip
        self.watcher = Watcher(broker, f"meterbridge/mb-{unique[-6:]}/#")
        self.player = None

    def __enter__(self):
        self.dongle.start()
        self.dongle.wait_for("listening at", PATIENCE_S)
        if self.meter:
            self.player = Player(Live(self.meter), self.wire).start()
        return self

    def plug(self, meter) -> None:
        """Another meter on the same wire."""
        self.player.stop()
        self.wire.set_line(meter.line)
        self.player = Player(Live(meter), self.wire).start()

    def __exit__(self, *_):
        if self.player:
            self.player.stop()
        self.dongle.stop()
        self.wire.close()
        self.watcher.__exit__()

    def said(self, ending):
        return [json.loads(m.payload) for m in self.watcher.messages if m.topic.endswith(ending)]

    def status(self, wanted, timeout=PATIENCE_S) -> dict:
        """The meter's part of the first status for which `wanted(part)` is true."""
        return self.watcher.wait(lambda w: next((s["meter"] for s in self.said("/status") if wanted(s["meter"])), None), timeout)

    def found(self, timeout=PATIENCE_S, since=0) -> str:
        """Protocol and line that the firmware says it found."""
        return self.dongle.wait_for("info meter: found ", timeout, since).split("info meter: found ")[1]

    def memory(self) -> dict:
        return json.loads((self.folder / "flash" / "meter.json").read_text())


@pytest.fixture(scope="module")
def exchanged(firmware, broker, tmp_path_factory):
    """A meter is exchanged while the firmware runs; it has 90 s to notice, while the other tests run."""
    home = Home(tmp_path_factory.mktemp("exchange"), firmware, broker, "sml", 2)
    outcome = {}

    def work():
        try:
            with home:
                outcome["first"] = home.found()
                mark = home.dongle.mark()
                home.plug(make("p1-nl"))
                outcome["second"] = home.found(150, mark)
                outcome["memory"] = home.memory()
        except Exception as error:  # told of by the test that waits for it
            outcome["error"] = error

    thread = threading.Thread(target=work)
    thread.start()
    yield thread, outcome
    thread.join()


# One of each line and protocol; faster than life, so that each line is left after a second. AMIS calls every 6 s then.
LIVE = {
    "p1-nl": 1, "p1-nl22": 10, "p1-si": 10, "sml": 1, "d0-ebz": 1, "at-tinetz-kaifa": 5, "at-steiermark-e450": 5, "at-netzooe-amis": 10,
    "lu-smarty": 10, "ch-e360": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def found_live(exchanged, firmware, broker, tmp_path_factory):
    """Name -> (what was found, what was remembered, a reading, the second start's tries) of each of LIVE, a few at a time."""
    tmp = tmp_path_factory.mktemp("live")

    def one(name):
        with Home(tmp / name, firmware, broker, name, LIVE[name]) as home:
            found = home.found()
            home.watcher.wait(lambda w: home.said("/state"), PATIENCE_S)
            status = home.status(lambda meter: meter["heard"] == "telegrams")
            mark = home.dongle.mark()
            home.dongle.power_cycle()
            again = home.found(PATIENCE_S, mark)
            lines = list(home.dongle.log)[-(home.dongle.lines - mark):]
            tried = [line.split("listening at ")[1] for line in lines if "debug meter: listening at" in line]
            return found, home.memory(), again, tried, status

    with ThreadPoolExecutor(5) as pool:
        return dict(zip(LIVE, pool.map(one, LIVE)))


@pytest.mark.parametrize("name", LIVE)
def test_found_remembered_and_used_at_the_next_start(name, found_live):
    found, memory, again, tried, status = found_live[name]
    protocol, line = found.split(" at ")
    assert protocol == make(name).protocol and memory == {"line": line, "protocol": protocol, "ask": False}
    assert again == found and tried in ([line], []), tried
    assert status["protocol"] == protocol and status["line"] == line and "advice" not in status


def test_what_is_refused_for_its_key_says_so_and_gives_no_reading(exchanged, firmware, broker, tmp_path):
    wrong = "00112233445566778899aabbccddeeff"
    with Home(tmp_path / "none", firmware, broker, "at-tinetz-kaifa", 5, keys=False) as without:
        with Home(tmp_path / "wrong", firmware, broker, "at-tinetz-kaifa", 5, keys=False, meter_key=wrong) as other:
            status = without.status(lambda meter: meter["heard"] == "key_missing")
            assert "grid operator" in status["advice"] and "meter_key" in status["advice"] and status["line"] == "2400 8E1"
            status = other.status(lambda meter: meter["heard"] == "key_wrong")
            assert "does not open it" in status["advice"]
            time.sleep(3)
            assert not without.said("/state") and not other.said("/state")
            assert without.said("/status")[-1]["meter"]["heard"] == "key_missing"
            assert not (tmp_path / "none" / "flash" / "meter.json").exists()
            log = "\n".join([*without.dongle.log, *other.dongle.log]) + json.dumps(other.said("/status"))
            assert wrong not in log


def test_what_is_heard_where_there_is_no_meter(exchanged, firmware, broker, tmp_path):
    noise = Speaker(Line(1200), 1, bytes(range(7, 255, 3)))
    s1 = Speaker(S1_LINE, 1, s1_sample() * 20)
    held = Home(tmp_path / "held", firmware, broker, None, board="generic-esp32")
    (tmp_path / "held" / "pins.json").write_text('{"16": 1}')
    with Home(tmp_path / "silence", firmware, broker, None) as silence, held, Home(tmp_path / "noise", firmware, broker, noise) as noisy:
        with Home(tmp_path / "s1", firmware, broker, s1, meter_line=str(S1_LINE)) as wrong_port:
            for home, word, advice in ((silence, "silence", "grid operator"), (held, "held", "request line"), (noisy, "noise", "line settings"),
                                       (wrong_port, "s1", "Unplug")):  # fmt: skip
                assert advice in home.status(lambda meter: meter["heard"] == word)["advice"]
            (tmp_path / "held" / "pins.json").write_text('{"16": 0}')
            since = len(held.said("/status"))
            held.watcher.wait(lambda w: len(held.said("/status")) > since + 1, PATIENCE_S)
            assert held.said("/status")[-1]["meter"]["heard"] == "silence"


def test_a_meter_that_has_to_be_asked_is_asked_at_the_line_that_its_owner_fixed(exchanged, firmware, broker, tmp_path):
    with Home(tmp_path, firmware, broker, "d0-landis", meter_line="300 7E1", meter_poll_s=10) as home:
        assert home.found() == "d0 at 300 7E1"
        home.watcher.wait(lambda w: len(home.said("/state")) > 1, PATIENCE_S)


def test_an_exchanged_meter_is_found(exchanged):
    thread, outcome = exchanged
    thread.join(200)
    assert outcome == {
        "first": "sml at 9600 8N1", "second": "p1 at 115200 8N1 inverted",
        "memory": {"line": "115200 8N1 inverted", "protocol": "p1", "ask": False}}  # fmt: skip
