"""The wire, the clockwork and the replay: real ptys and sockets, at the real pace where the pace is the question."""

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from host_tools import replay, wire
from host_tools.errors import UserError
from host_tools.meters import LOCKED, METERS, make, play
from host_tools.meters.faults import Faults
from host_tools.meters.line import INFRARED, P1_FAST, P1_SLOW, Line
from tests.load import Load

ROOT = Path(__file__).parents[2]
NOON = 1_750_500_000
PATIENCE_S = 20  # for what must come, on a machine that has other work


class Reader(threading.Thread):
    """Reads a path or a socket and notes when each portion came."""

    def __init__(self, source):
        super().__init__(daemon=True)
        self.fd = os.open(source, os.O_RDWR | os.O_NOCTTY) if isinstance(source, str) else source.fileno()
        self._source, self.data, self.arrivals, self._news, self._over = source, b"", [], threading.Condition(), False
        self.start()

    def run(self):
        while not self._over:
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                part = os.read(self.fd, 4096)
            except OSError:
                part = b""
            with self._news:
                self.data += part
                self.arrivals.append((time.monotonic(), len(self.data)))
                self._over = not part
                self._news.notify_all()

    def wait(self, size):
        with self._news:
            assert self._news.wait_for(lambda: len(self.data) >= size, PATIENCE_S), f"{len(self.data)} of {size} bytes came"
        return self.data

    def stop(self):
        self._over = True
        self.join()
        if isinstance(self._source, str):
            os.close(self.fd)


def test_a_pty_delivers_at_the_pace_of_the_line():
    with Load() as load, wire.PtyWire(INFRARED) as line:
        reader, data = Reader(line.path), bytes(range(256)) * 4
        began = time.monotonic()
        line.write(data)
        assert reader.wait(len(data)) == data  # raw: no byte is changed or swallowed
        reader.stop()
    took = time.monotonic() - began
    ideal = len(data) * 10 / 9600
    assert ideal <= took < ideal * 1.5 + 3 * load.late
    # It comes steadily, never sooner than the line could have brought it.
    assert all(at - began >= 0.95 * size * 10 / 9600 for at, size in reader.arrivals) and len(reader.arrivals) > 20


@pytest.mark.parametrize(("settings", "bits"), [("9600 7E1 inverted", 10), ("2400 8E1", 11), ("115200 8N1 inverted", 10), ("300 7O2", 11)])
def test_seconds_per_byte_follow_from_the_settings(settings, bits):
    line = Line.parse(settings)
    assert str(line) == settings and line.byte_seconds == pytest.approx(bits / line.baud)


@pytest.mark.parametrize("settings", ["", "9600", "0 8N1", "9600 9N1", "9600 8X1", "9600 8N1 upside down"])
def test_settings_that_make_no_sense_are_told(settings):
    with pytest.raises(UserError, match="write it like"):
        Line.parse(settings)


def test_speed_makes_the_line_faster():
    with Load() as load, wire.PtyWire(INFRARED, speed=50) as line:
        reader, began = Reader(line.path), time.monotonic()
        line.write(bytes(960))
        assert 0.02 <= time.monotonic() - began < 0.5 + 3 * load.late
        reader.wait(960)
        reader.stop()
    with pytest.raises(UserError, match="above 0"):
        wire.PtyWire(INFRARED, speed=0)


def test_without_a_reader_nothing_blocks_and_the_past_is_forgotten(monkeypatch):
    monkeypatch.setattr(wire.Wire, "stale_s", 0.2)
    with wire.PtyWire(P1_FAST, speed=100) as line:
        began = time.monotonic()
        line.write(b"old" * 10_000)
        assert time.monotonic() - began < 5 and line.dropped > 20_000
        line.wait(time.monotonic() + 0.5)
        assert (line.sent, line.dropped) == (0, 30_000)
        reader = Reader(line.path)
        line.write(b"new")
        assert reader.wait(3) == b"new"
        reader.stop()
        assert (line.sent, line.dropped) == (3, 30_000)


def test_what_a_reader_says_to_the_meter_harms_nobody():
    with wire.PtyWire(P1_FAST) as line:
        reader = Reader(line.path)
        os.write(reader.fd, b"\x03hello" * 200)
        line.wait(time.monotonic() + 0.2)
        line.write(b"/telegram")
        assert reader.wait(9) == b"/telegram"
        reader.stop()


def test_the_line_file_says_what_the_meter_speaks(tmp_path):
    where = tmp_path / "line.json"
    with wire.PtyWire(P1_SLOW, line_file=str(where)) as line:
        assert json.loads(where.read_text()) == {"baud": 9600, "bits": 7, "parity": 0, "stop": 1, "inverted": True}
        assert os.listdir(tmp_path) == ["line.json"] and not os.path.islink(line.path)


def test_tcp_serves_several_readers_and_lets_the_half_closed_go():
    with wire.TcpWire(P1_FAST, speed=100) as line:
        assert line.path == f"tcp://127.0.0.1:{line.port}"
        ends = [socket.create_connection(("127.0.0.1", line.port)) for _ in range(3)]
        readers = [Reader(end) for end in ends]
        line.write(b"a" * 500)
        for reader in readers:
            assert reader.wait(500) == b"a" * 500
        ends[0].shutdown(socket.SHUT_WR)
        readers[1].stop()
        ends[1].close()
        deadline = time.monotonic() + PATIENCE_S
        while line.readers > 1 and time.monotonic() < deadline:
            line.wait(time.monotonic() + 0.02)
        assert line.readers == 1
        line.write(b"b" * 500)
        assert readers[2].wait(1000).endswith(b"b" * 500) and line.dropped == 0
        for reader, end in ((readers[0], ends[0]), (readers[2], ends[2])):
            reader.stop()
            end.close()


def test_a_slow_tcp_reader_loses_bytes_and_holds_nobody_up():
    with wire.TcpWire(P1_FAST, speed=5000) as line, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", line.port))
        began = time.monotonic()
        line.write(bytes(1_000_000))
        assert time.monotonic() - began < 5 and line.dropped > 500_000


def test_a_port_that_cannot_be_had_is_told():
    with wire.TcpWire(P1_FAST) as line:
        with pytest.raises(UserError, match="in use by another program; choose another"):
            wire.TcpWire(P1_FAST, line.port)
    with pytest.raises(UserError, match="from 1024 to 65535"):
        wire.TcpWire(P1_FAST, 70_000)


@pytest.mark.parametrize("kind", Faults.KINDS)
def test_each_fault_does_what_its_name_says(kind):
    faults, telegram = Faults(**{kind: 1.0}), bytes(200)
    results = [faults.apply(telegram) for _ in range(50)]
    sizes = {len(result) for result in results}
    assert faults.counts[kind] == 50 and faults.last == (kind,) and faults.damaged == (kind != "noise")
    if kind == "noise":
        assert all(result.endswith(telegram) and 201 <= len(result) <= 240 for result in results)
    elif kind == "flip":
        assert all(len(result) == 200 and sum(b.bit_count() for b in result) == 1 for result in results)
    else:
        assert max(sizes) < 200 and min(sizes) >= (197 if kind == "lose" else 1)
    assert results == [again.apply(telegram) for again in [Faults(**{kind: 1.0})] for _ in range(50)]


def test_mixed_faults_disturb_the_share_asked_for():
    faults = Faults.mixed(0.2, seed=3)
    disturbed = sum(bool(faults.apply(bytes(100)) and faults.last) for _ in range(2000))
    assert 320 <= disturbed <= 480
    assert Faults.mixed(0).apply(b"x" * 50) == b"x" * 50


class Ticker:
    """A meter that only has a cadence."""

    def __init__(self, cadence_s):
        self.cadence_s = cadence_s

    def telegram(self, unix):
        return b"telegram"


def test_the_cadence_holds_without_drift():
    sent = []
    with Load() as load, wire.PtyWire(P1_FAST) as line:
        reader = Reader(line.path)
        source = play.Live(Ticker(0.05), start=NOON, count=30)
        began = time.monotonic()
        with play.Player(source, line, lambda telegram: sent.append((time.monotonic(), telegram))) as player:
            assert player.wait(PATIENCE_S)
        reader.wait(30 * 8)
        reader.stop()
    assert sent[0][0] - began < 0.5 + 3 * load.late
    # The last is as punctual as the first: what a telegram itself takes does not add up.
    assert 1.45 <= sent[-1][0] - began < 1.45 + 0.5 + 3 * load.late
    assert [telegram.time for _, telegram in sent] == pytest.approx([NOON + n * 0.05 for n in range(30)])


def test_a_meter_that_was_held_up_leaves_telegrams_out(monkeypatch):
    monkeypatch.setattr(play, "_LATE_S", 0.1)
    sent = []

    def show(telegram):
        sent.append((time.monotonic(), telegram.due))
        if len(sent) == 2:
            time.sleep(0.6)

    with wire.PtyWire(P1_FAST) as line, play.Player(play.Live(Ticker(0.05), count=8), line, show) as player:
        assert player.wait(PATIENCE_S)
    dues = [due for _, due in sent]
    assert dues[2] - dues[1] > 0.4 and sent[-1][0] - sent[3][0] > 0.15  # no burst of what was missed


def test_a_simulated_meter_follows_this_machines_clock_when_it_jumps(monkeypatch):
    now = [float(NOON)]
    monkeypatch.setattr(play.time, "time", lambda: now[0])
    telegrams = iter(play.Live(make("p1-nl")))
    assert [next(telegrams).time for _ in range(3)] == [NOON, NOON + 1, NOON + 2]
    now[0] += 3600
    later = next(telegrams)
    assert (later.time, later.due) == (NOON + 3600, 3)


def test_stop_ends_in_the_middle_of_a_telegram():
    with wire.PtyWire(Line(300)) as line:
        player = play.Player(play.Live(make("p1-nl")), line).start()
        line_busy = time.monotonic()
        player.wait(0.3)
        player.stop()
        assert time.monotonic() - line_busy < 5 and line.sent < 200


def test_a_fault_of_the_meter_comes_out_at_the_end():
    class Broken(Ticker):
        def telegram(self, unix):
            raise ZeroDivisionError("broken meter")

    with wire.PtyWire(P1_FAST) as line:
        player = play.Player(play.Live(Broken(1)), line).start()
        assert player.wait(PATIENCE_S)
        with pytest.raises(ZeroDivisionError, match="broken meter"):
            player.stop()


def recorded(name, count, step=None):
    """`count` telegrams of a meter, its cadence apart."""
    meter = make(name)
    return [meter.telegram(NOON + n * (step or meter.cadence_s)) for n in range(count)]


@pytest.mark.parametrize(("name", "settings", "cadence", "by_meter"), [
    ("p1-nl", "115200 8N1 inverted", 1, True), ("p1-nl42", "115200 8N1 inverted", 10, True), ("p1-nl22", "9600 7E1 inverted", 10, False),
    ("p1-be3", "115200 8N1 inverted", 1, True), ("sml", "9600 8N1", 1, False), ("sml-tariff", "9600 8N1", 1, False),
])
def test_a_capture_is_split_and_understood(name, settings, cadence, by_meter):
    telegrams = recorded(name, 4)
    capture = replay.split(b"".join(telegrams))
    assert [piece.data for piece in capture.pieces] == telegrams and capture.rest == b""
    assert (str(capture.line), capture.cadence_s, capture.paced_by_meter, capture.duration_s) == (settings, cadence, by_meter, 4 * cadence)
    assert [telegram.due for telegram in capture.telegrams()] == [n * cadence for n in range(4)]


@pytest.mark.parametrize("name", ["p1-nl", "p1-nl22", "sml", "sml-kermit"])
def test_noise_and_damage_are_played_as_they_are(name):
    draw, telegrams = random.Random(5), recorded(name, 6)
    noise = [bytes(draw.choice(b"\x00\x01\x80\xff!ab(\r") for _ in range(draw.randrange(60))) for _ in range(7)]
    telegrams[2] = telegrams[2][:100] + bytes([telegrams[2][100] ^ 1]) + telegrams[2][101:]
    telegrams[4] = telegrams[4][:-60]  # cut: becomes part of the noise before the next
    data = b"".join(a + b for a, b in zip(noise, [*telegrams, b""], strict=True))
    capture = replay.split(data)
    assert b"".join(telegram.data for telegram in capture.telegrams()) == data
    assert [piece.data[piece.telegram_at:] for piece in capture.pieces] == telegrams[:4] + telegrams[5:]


def test_an_escape_sequence_among_the_values_is_no_end():
    from host_tools.meters import sml

    who = bytes.fromhex("0a0153494d0000000001")
    values = (0x1B1B1B1B, 0x1B1B1B1B1A000000)
    entries = [sml.Entry(f"01000{n}0800ff", sml.unsigned(value, 8), 30, -1) for n, value in enumerate(values, 1)]
    telegram = sml.file(entries, who, 86400)
    assert [piece.data for piece in replay.split(telegram * 3).pieces] == [telegram] * 3


def test_loop_goes_on_at_the_pace_of_the_capture():
    telegrams = replay.split(b"".join(recorded("p1-nl", 3, step=5))).telegrams(loop=True)
    assert [next(telegrams).due for _ in range(7)] == [0, 5, 10, 11, 16, 21, 22]


def test_times_that_jump_are_not_believed():
    first, second = recorded("p1-nl", 2, step=86400)
    assert [telegram.due for telegram in replay.split(first + second).telegrams()] == [0, 1]


@pytest.mark.parametrize(("make_file", "message"), [
    (lambda path: None, "there is no file"), (lambda path: path.mkdir(), "is a folder"), (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.write_bytes(random.Random(1).randbytes(5000)), "no whole telegram of any protocol"),
    (lambda path: path.write_text("/not a telegram\nat all\n"), "no whole telegram of any protocol"),
])
def test_a_file_that_cannot_be_played_is_told(tmp_path, make_file, message):
    make_file(tmp_path / "capture")
    with pytest.raises(UserError, match=message):
        replay.read(str(tmp_path / "capture"))


def command(*words):
    call = [sys.executable, "-m", "host_tools", *words]
    return subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def port_of(process):
    """Reads the command's head up to the empty line and gives the port's path."""
    lines = list(iter(lambda: process.stdout.readline().rstrip(), ""))
    return next(line.split()[1] for line in lines if line.startswith("port"))


def test_simulate_then_keep_then_replay(tmp_path):
    meter = command("simulate", "sml", "--speed", "20", "--count", "8")
    reader = Reader(port_of(meter))
    out, err = meter.communicate(timeout=PATIENCE_S)
    reader.stop()
    kept = reader.data
    assert (meter.returncode, err) == (0, "") and len(re.findall(r"^\d\d:\d\d:\d\d +[+-]\d+ W .* bytes$", out, re.MULTILINE)) == 8
    capture = tmp_path / "meter.bin"
    capture.write_bytes(kept)
    assert len(replay.split(kept).pieces) >= 6  # the first may have left before the reader came
    again = command("replay", str(capture), "--tcp", "0", "--speed", "20", "--loop")
    port = int(port_of(again).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as end:
        reader = Reader(end)
        reader.wait(2 * len(kept))
        again.send_signal(signal.SIGINT)
        out, err = again.communicate(timeout=PATIENCE_S)
        reader.stop()
    assert (again.returncode, err) == (130, "") and f"of {len(replay.split(kept).pieces)}" in out
    assert kept[-300:] + kept[:100] in reader.data


@pytest.mark.parametrize(("words", "message"), [
    (["simulate", "p1-n"], "did you mean 'p1-nl'?"), (["simulate"], "which meter?"), (["simulate", "sml", "--count", "0"], "less than 1"),
    (["simulate", "sml", "--json"], "goes with --list"),
    (["replay", "no such file"], "there is no file"), (["replay", "pyproject.toml"], "no whole telegram of any protocol"),
])
def test_a_call_that_makes_no_sense_ends_with_2_and_one_line(words, message):
    process = command(*words)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2 and message in err and err.count("\n") == 1 and not out


def test_the_list_names_every_meter_under_its_heading():
    out, _ = command("simulate", "--list").communicate(timeout=PATIENCE_S)
    blocks = [block.splitlines() for block in out.split("\n\n")[:-1]]
    shown = [line.split()[0] for block in blocks for line in block[1:] if not line.startswith("    ")]
    assert sorted(shown) == sorted(METERS | LOCKED) and len(blocks) >= 5 and all(not block[0].startswith(" ") for block in blocks)
    assert re.search(r"^  p1-nl22 +9600 7E1 inverted +10 s  plain +Dutch", out, re.MULTILINE)
    assert re.search(r"^  d0-iskra +300 7E1 +asked  plain +Iskra", out, re.MULTILINE)


def test_the_list_for_programs_has_lines_and_keys():
    out, err = command("simulate", "--list", "--json").communicate(timeout=PATIENCE_S)
    rows = {row["name"]: row for row in json.loads(out)}
    assert set(rows) == set(METERS | LOCKED) and err == ""
    for name, row in rows.items():
        kind = (METERS | LOCKED)[name]
        assert (row["line"], row["key"], row["auth_key"]) == (str(kind.line), kind.keys.get("key"), kind.keys.get("auth_key"))
        assert row["encrypted"] == bool(kind.keys) and row["group"] != "Others"
    assert rows["d0-siemens"]["asked"] and not rows["sml"]["asked"]
