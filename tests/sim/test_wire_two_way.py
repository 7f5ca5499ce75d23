"""The wire in both directions: what a reader says reaches the meter at the line's pace, a meter changes its line, a dongle's UART follows."""

import json
import os
import re
import select
import socket
import subprocess
import time

import pytest

from host_tools import runtime, wire
from host_tools.meters import d0, make, play
from host_tools.meters.line import INFRARED, Line
from host_tools.simulation.wiring import make_line
from tests.load import Load

NOON = 1_750_500_000
PATIENCE_S = 20
ASKED = Line(300, bits=7, parity=0)
FAST = Line(9600, bits=7, parity=0)


class Ear:
    """Keeps what came and when."""

    def __init__(self):
        self.heard, self.arrivals = b"", []

    def __call__(self, data):
        self.heard += data
        self.arrivals.append(time.monotonic())


def read_until(fd, pattern, patience=PATIENCE_S):
    """What the reader's end brings until it matches."""
    data, end = b"", time.monotonic() + patience
    while not re.search(pattern, data, re.DOTALL):
        assert time.monotonic() < end, data
        if select.select([fd], [], [], 0.1)[0]:
            data += os.read(fd, 4096)
    return data


@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_what_a_reader_sends_comes_at_the_pace_of_the_line(kind):
    ear = Ear()
    line = wire.PtyWire(ASKED, on_input=ear) if kind == "pty" else wire.TcpWire(ASKED, on_input=ear)
    with line:
        end = socket.create_connection(("127.0.0.1", line.port)) if kind == "tcp" else None
        fd = end.fileno() if end else os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        line.wait(time.monotonic() + 0.05)
        began = time.monotonic()
        os.write(fd, b"/?!\r\n")
        line.wait(began + 0.5)
        assert ear.heard == b"/?!\r\n"
        # A byte takes a thirtieth of a second; it is heard when its last bit has come.
        assert ear.arrivals[0] - began >= 0.03 and ear.arrivals[-1] - began >= 0.16
        os.close(fd) if end is None else end.close()


def test_news_ends_a_wait_and_input_is_heard_while_the_meter_speaks():
    ear = Ear()
    with wire.PtyWire(FAST, on_input=ear) as line:
        fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"\xe5")
        line.write(bytes(300))
        assert ear.heard == b"\xe5"
        assert len(read_until(fd, b"\0{300}")) == 300
        news = play.threading.Event()
        line.on_input = lambda data: news.set()
        os.write(fd, b"\xe5")
        began = time.monotonic()
        line.wait(began + PATIENCE_S, None, news)
        assert time.monotonic() - began < PATIENCE_S / 2
        os.close(fd)


def test_a_flood_of_input_is_cut():
    ear = Ear()
    with wire.TcpWire(Line(115200), speed=100, on_input=ear) as line, socket.create_connection(("127.0.0.1", line.port)) as end:
        end.sendall(bytes(100_000))
        line.wait(time.monotonic() + 0.5)
        assert 4096 <= len(ear.heard) <= 100_000
        assert len(line._input) <= 4096


def test_other_settings_in_the_middle(tmp_path):
    where = tmp_path / "line.json"
    with Load() as load, wire.PtyWire(ASKED, line_file=str(where)) as line:
        fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        line.write(b"slow")
        before = where.stat().st_mtime_ns
        line.set_line(ASKED)
        assert where.stat().st_mtime_ns == before and json.loads(where.read_text())["baud"] == 300
        line.set_line(FAST)
        assert json.loads(where.read_text()) == {"baud": 9600, "bits": 7, "parity": 0, "stop": 1, "inverted": False}
        began = time.monotonic()
        line.write(bytes(96))
        assert 0.09 <= time.monotonic() - began < 1 + 3 * load.late
        assert read_until(fd, b"\0{96}").startswith(b"slow")
        os.close(fd)


class Acknowledged:
    """A meter that speaks once a second until it is answered, as Netz Oberösterreich's do."""

    def __init__(self):
        self.line, self.cadence_s, self._answered, self.heard = INFRARED, 1, False, b""

    def receive(self, data, unix):
        self.heard += data
        self._answered = data == b"\xe5"

    def telegram(self, unix):
        answered, self._answered = self._answered, False
        return b"data" if answered else b"ask"


def test_a_meter_that_is_answered_goes_on_at_once():
    meter = Acknowledged()
    with Load() as load, wire.PtyWire(meter.line) as line, play.Player(play.Live(meter, start=NOON), line):
        fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        read_until(fd, b"ask")
        began = time.monotonic()
        os.write(fd, b"\xe5")
        read_until(fd, b"data")
        assert time.monotonic() - began < 0.5 + 3 * load.late  # at its cadence it would be a second
        os.close(fd)
    assert meter.heard == b"\xe5"


def test_a_conversation_over_the_wire_with_its_change_of_speed(tmp_path):
    where, sent = tmp_path / "line.json", []
    meter = make("d0-iskra")
    with wire.PtyWire(meter.line, line_file=str(where), speed=2) as line, play.Player(play.Live(meter, start=NOON), line, sent.append):
        fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, d0.REQUEST)
        identification = read_until(fd, rb"\n")
        assert identification == b"/ISk5MT174-SIM\r\n" and json.loads(where.read_text())["baud"] == 300
        os.write(fd, d0.acknowledgement("5"))
        began = time.monotonic()
        block = read_until(fd, rb"\x03.")
        # At twice the pace: 0.1 s for the answer, 0.15 s pause, and 186 bytes at 9600 baud in 0.1 s; at 300 they would take 3 s.
        assert 0.3 <= time.monotonic() - began < 2.5 and json.loads(where.read_text())["baud"] == 9600
        assert block.startswith(b"\x02") and b"1-0:16.7.0*255(" in block
        end = time.monotonic() + PATIENCE_S
        while json.loads(where.read_text())["baud"] != 300:
            assert time.monotonic() < end
            time.sleep(0.05)
        os.close(fd)
    assert [telegram.data for telegram in sent] == [identification, block]


DONGLE = """
import machine, time, json
u = machine.UART(1, BAUD, bits=BITS, parity=PARITY, stop=1, rx=16, tx=17, rxbuf=1024)
def read(last, seconds):
    end, data = time.ticks_add(time.ticks_ms(), int(seconds * 1000)), b""
    while last not in data and time.ticks_diff(end, time.ticks_ms()) > 0:
        part = u.read()
        if part:
            data += part
        time.sleep_ms(2)
    return data
u.write(b"/?!\\r\\n")
began = time.ticks_ms()
u.init(BAUD, bits=BITS, parity=PARITY, stop=1)
waited = time.ticks_diff(time.ticks_ms(), began)
name = read(b"\\n", PATIENCE)
block = b""
if name:
    u.write(b"\\x06050\\r\\n")
    u.flush()
    u.init(9600, bits=7, parity=0, stop=1)
    block = read(b"\\x03", 10)
    time.sleep_ms(20)
    block += u.read() or b""
print(json.dumps([waited, list(name), list(block)]))
"""


@pytest.mark.parametrize(("baud", "bits", "parity", "understood"), [(300, 7, 0, True), (300, 8, None, False), (300, 7, 1, False), (2400, 7, 0, False)])
def test_a_dongle_asks_the_meter_and_only_the_right_settings_are_understood(baud, bits, parity, understood, tmp_path):
    where, meter = tmp_path / "line.json", make("d0-iskra")
    with wire.PtyWire(meter.line, line_file=str(where)) as line, play.Player(play.Live(meter, start=NOON), line):
        make_line(line.path)
        (tmp_path / "chip.json").write_text(json.dumps({"uart": line.path, "line": str(where)}))
        code = DONGLE.replace("BAUD", str(baud)).replace("BITS", str(bits)).replace("PARITY", str(parity)).replace("PATIENCE", "10" if understood else "1")
        done = subprocess.run([runtime.find_micropython(), "-c", code], env=runtime.environment(extra={"MB_SIM": str(tmp_path / "chip.json")}),
                              capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    waited, name, block = json.loads(done.stdout)
    if understood:
        assert bytes(name) == b"/ISk5MT174-SIM\r\n" and waited >= 160  # init lets out what was written
        assert bytes(block).startswith(b"\x02") and b"kWh" in bytes(block) and block[-2] == 3
    else:
        assert name == []


EIGHT_WITH_PARITY = bytes(byte | (byte.bit_count() & 1) << 7 for byte in b"/?!\r\n")


@pytest.mark.parametrize(("own", "sent", "heard"), [
    ("Line(300, 7, 0, 1, False)", b"/?!\r\n", b"/?!\r\n"),
    ("Line(300, 8, None, 1, False)", EIGHT_WITH_PARITY, b"/?!\r\n"),  # the parity bit made by hand: the same on the wire
    ("Line(300, 8, None, 1, False)", b"/?!\r\n", b"?!\n"),  # an odd number of ones: parity wrong, not taken
    ("Line(300, 7, 1, 1, False)", b"/?!\r\n", b""),
])
def test_what_a_strict_reader_takes(own, sent, heard):
    code = f"from sim_line import Line, misread\nprint(list(misread({sent!r}, {own}, Line(300, 7, 0, 1, False), True)))"
    done = subprocess.run([runtime.find_micropython(), "-c", code], env=runtime.environment(), capture_output=True, text=True, timeout=20)
    assert bytes(json.loads(done.stdout)) == heard, done.stderr
