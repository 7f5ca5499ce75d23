"""`meterbridge capture` on a pseudo terminal and over TCP: every byte and when it came; nothing overwritten; clear words when it fails."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import pytest

from host_tools import recording, runtime
from host_tools.meters import METERS, make
from host_tools.meters.amis import CALL
from host_tools.meters.kinds import Meter as Kind
from host_tools.meters.line import Line

NOON = 1_750_000_000


def telegrams(name: str, count: int) -> list[bytes]:
    meter = make(name)
    return [meter.telegram(NOON + number * meter.cadence_s) for number in range(count)]


class Meter:
    """A pseudo terminal on which somebody writes telegrams until told to stop."""

    def __init__(self, data: list[bytes]):
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._data, self._stop = data, threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        while not self._stop.wait(0.05):
            for one in self._data:
                os.write(self._master, one)
                if self._stop.wait(0.05):
                    return

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join(5)
        os.close(self._slave)
        os.close(self._master)


def start(*words) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "host_tools", "capture", *map(str, words)], cwd=runtime.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(child: subprocess.Popen, code: int) -> tuple[str, str]:
    out, error = child.communicate(timeout=60)
    assert child.returncode == code, out + error
    return out, error


def check(path: Path, sent: list[bytes], line: str | None) -> None:
    data = path.read_bytes()
    assert sent[0] in data and sent[1] in data
    head, *notes = [json.loads(row) for row in path.with_suffix(".times.jsonl").read_text().splitlines()]
    assert head["line"] == line and head["started"].startswith("20")
    assert sum(note["bytes"] for note in notes) == len(data)
    times = [note["at"] for note in notes]
    assert times == sorted(times) and times[0] >= 0


@pytest.mark.parametrize("name, line", [("p1-nl", "115200 8N1"), ("sml", "9600 8N1")])
def test_serial_port(name, line, tmp_path):
    sent, path = telegrams(name, 4), tmp_path / "meter.bin"
    with Meter(sent) as meter:
        out, _ = finish(start(meter.path, "--line", line, "-o", path, "--seconds", 2), 0)
    check(path, sent, line)
    assert f"meterbridge decode {path}" in out and "anonymise" in out and "telegrams" in out


def test_auto_ends_with_the_first_setting_at_which_telegrams_come(tmp_path):
    sent, path = telegrams("p1-nl", 4), tmp_path / "meter.bin"
    with Meter(sent) as meter:
        finish(start(meter.path, "-o", path, "--seconds", 1), 0)
    check(path, sent, recording.CANDIDATES[0])


def test_ctrl_c_ends_it_cleanly(tmp_path):
    sent, path = telegrams("p1-nl", 4), tmp_path / "meter.bin"
    with Meter(sent) as meter:
        child = start(meter.path, "--line", "115200 8N1", "-o", path)
        end = time.monotonic() + 20
        while time.monotonic() < end and (not path.exists() or path.stat().st_size < 4000):
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, error = finish(child, 0)
    check(path, sent, "115200 8N1")
    assert "Traceback" not in error and str(path) in out


def test_tcp(tmp_path):
    sent, path = telegrams("sml", 3), tmp_path / "meter.bin"
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(20)
        child = start(f"tcp://127.0.0.1:{door.getsockname()[1]}", "-o", path, "--seconds", 2)
        peer = door.accept()[0]
        for one in sent:
            peer.sendall(one)
        finish(child, 0)
        peer.close()
    check(path, sent, None)
    assert path.read_bytes() == b"".join(sent)


def test_no_file_is_overwritten_and_none_left_when_nothing_came(tmp_path):
    path = tmp_path / "meter.bin"
    path.write_bytes(b"mine")
    with Meter([b""]) as meter:
        assert "--force" in finish(start(meter.path, "--line", "9600 8N1", "-o", path, "--seconds", 1), 2)[1]
        assert path.read_bytes() == b"mine"
        _, error = finish(start(meter.path, "--line", "9600 8N1", "-o", tmp_path / "new.bin", "--seconds", 0.5), 1)
    assert "nothing came" in error and sorted(file.name for file in tmp_path.iterdir()) == ["meter.bin"]


@pytest.mark.parametrize("words, says", [
    (("/dev/no-such-port",), "no such port"),
    (("tcp://127.0.0.1:9",), "nobody answers"),
    (("tcp://here",), "tcp://192"),
    (("/dev/null", "--line", "fast"), "not a line setting"),
    (("/dev/null", "--seconds", "-1"), "--seconds"),
])  # fmt: skip
def test_trouble_is_one_line(words, says, tmp_path):
    child = start(*words, "-o", tmp_path / "x.bin")
    out, error = child.communicate(timeout=30)
    assert child.returncode in (1, 2) and len(error.splitlines()) == 1 and says in error


def test_a_port_that_goes_away_leaves_what_came(tmp_path):
    sent, path = telegrams("sml", 3), tmp_path / "meter.bin"
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(20)
        child = start(f"tcp://127.0.0.1:{door.getsockname()[1]}", "-o", path)
        peer = door.accept()[0]
        peer.sendall(b"".join(sent))
        end = time.monotonic() + 20
        while time.monotonic() < end and (not path.exists() or path.stat().st_size < len(b"".join(sent))):
            time.sleep(0.05)
        peer.close()
        out, error = finish(child, 1)
    check(path, sent, None)
    assert "closed the connection; what came until then is kept" in error and "3 SML telegrams" in out and len(error.splitlines()) == 1


def test_files_that_cannot_be_written(tmp_path):
    (tmp_path / "a.times.jsonl").write_text("mine")
    for name, says in (("none/x.bin", "there is no folder"), (".", "is a folder"), ("a.bin", "a.times.jsonl is there already")):
        with Meter([b""]) as meter:
            _, error = finish(start(meter.path, "--line", "9600 8N1", "-o", tmp_path / name), 2)
        assert says in error and len(error.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.times.jsonl"] and (tmp_path / "a.times.jsonl").read_text() == "mine"


def test_a_meter_that_waits_for_an_answer_gets_it(tmp_path):
    path, heard = tmp_path / "meter.bin", b""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(20)
        child = start(f"tcp://127.0.0.1:{door.getsockname()[1]}", "-o", path, "--seconds", 2)
        peer = door.accept()[0]
        peer.settimeout(20)
        for one in (CALL, *(Kind.telegram(METERS["at-netzooe-amis"](1), NOON + number) for number in range(2))):
            peer.sendall(one)
            heard += peer.recv(16)
        finish(child, 0)
        peer.close()
    assert heard == b"\xe5" * 3


def inverted(data: bytes) -> bytes:
    """What a UART makes of 8N1 bytes whose line is inverted: it takes the first falling edge for a start bit."""
    bits = [1] * 3
    for octet in data:
        bits += [1 - bit for bit in (0, *(octet >> n & 1 for n in range(8)), 1)]
    bits += [0] * 3 + [1] * 12
    found, at = bytearray(), 0
    while at + 10 <= len(bits):
        if bits[at]:
            at += 1
            continue
        found.append(sum(bit << n for n, bit in enumerate(bits[at + 1 : at + 9])))
        at += 10
    return bytes(found)


def test_advice():
    ears = recording.Ears()
    assert ears.text() == "silence" and "closed by default" in ears.advice(None)
    ears.hear(inverted(telegrams("p1-nl", 2)[0]))
    assert "no telegram" in ears.text() and ears.advice(Line.parse("115200 8N1"))
    ears = recording.Ears()
    ears.hear(b"\x00\xff\x80" * 100)
    assert "inverted" in ears.advice(None) and "software" in ears.advice(None)
    ears = recording.Ears()
    ears.hear(bytes(octet | 0x80 if bin(octet).count("1") % 2 else octet for octet in telegrams("p1-nl22", 1)[0]))
    assert "7 data bits" in ears.advice(Line.parse("9600 8N1"))
    ears = recording.Ears()
    ears.hear(b"".join(telegrams("sml", 2)))
    assert ears.advice(None) == "" and "2 SML telegrams" in ears.text()
    ears = recording.Ears()
    ears.hear(telegrams("at-tinetz-kaifa", 1)[0][:300])
    assert "7 data bits" not in ears.advice(Line.parse("2400 8E1"))  # half of what is encrypted is above 127
