"""`meterbridge run` as its user meets it: the real command with real parts on a pty or a pipe; what it shows, and that nothing stays behind."""

import fcntl
import os
import pty
import queue
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import psutil
import pytest

from host_tools import broker as brokers_of_run
from host_tools import meters
from host_tools.certificates import Authority
from host_tools.errors import MISSING, UserError
from host_tools.ntp_server import NtpServer
from tests import brokers

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "host_tools", "run"]
FIRST_READING_S = 10  # what the project promises
PATIENCE_S = 30
END_S = 10
READING = re.compile(r"^#\d+  .*(import|export) +\d+ W  in \d+\.\d+ kWh.*age \d+\.\d s  good \d+ bad \d+")


class Run:
    """The command without a terminal; its lines as they come, its children."""

    def __init__(self, *words, env=None):
        self.process = subprocess.Popen([*COMMAND, *words], cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.seen = []
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for(self, pattern, patience=PATIENCE_S):
        """The first further line that matches."""
        end = time.monotonic() + patience
        while True:
            line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            if line is None:
                raise AssertionError("\n".join(self.seen) + "\n" + self.process.stderr.read())
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number=None):
        """(exit code, what came yet on standard output, standard error)."""
        if number:
            self.process.send_signal(number)
        try:
            code = self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.seen.append(line)
        return code, "\n".join(self.seen), self.process.stderr.read()


def nothing_left(children):
    """All of them end within the time that is allowed."""
    assert len(children) >= 2, "a broker and a dongle were expected"
    _, alive = psutil.wait_procs(children, timeout=END_S)
    for process in alive:
        process.kill()
    assert not alive


def failed(*words, code, env=None):
    """What a run that cannot start says: one line."""
    done = subprocess.run([*COMMAND, *words], cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("meterbridge: "), done.stderr
    return lines[0]


# what it shows ---------------------------------------------------------------------------------------------------------


# DSMR 2.2 tells no time: the web server's first reading waits until the network has told it, and goes with the next one.
@pytest.mark.parametrize("meter, sinks", [("p1-nl", ("mqtt", "http")), ("p1-nl22", ("mqtt",)), ("p1-be", ("mqtt", "http")), ("sml", ("mqtt", "http"))])
def test_first_reading_within_ten_seconds_and_delivered(meter, sinks):
    began = time.monotonic()
    run = Run("--meter", meter, "--seconds", "3.5")
    line = run.wait_for("^#")
    assert time.monotonic() - began < FIRST_READING_S
    assert READING.search(line), line
    children = run.children()
    code, out, errors = run.end()
    assert (code, errors) == (0, "")
    assert re.search(r"^[1-9]\d* readings in .*; bad telegrams: none$", out, re.MULTILINE)
    for sink in sinks:
        assert re.search(rf"^  {sink}: acknowledged everything up to #\d+, ", out, re.MULTILINE), out
    nothing_left(children)


# One that is asked at 300 baud and answers at another, one that waits for acknowledgements and encrypts, one that only encrypts.
@pytest.mark.parametrize("meter", ["d0-iskra", "at-netzooe-amis", "at-wienernetze-am550"])
def test_a_meter_that_is_spoken_to_or_has_keys_is_read_with_nothing_chosen(meter):
    run = Run("--meter", meter, "--seconds", "3")
    assert READING.search(run.wait_for("^#"))
    code, out, errors = run.end()
    assert (code, errors) == (0, "")
    assert re.search(r"^[1-9]\d* readings in .*; bad telegrams: none$", out, re.MULTILINE)


def test_a_capture_is_played_to_its_end_and_all_of_it_delivered(tmp_path):
    meter = meters.make("p1-nl", seed=3)
    capture = tmp_path / "july.p1"
    capture.write_bytes(b"".join(meter.telegram(1751364000 + second) for second in range(12)))
    run = Run("--capture", str(capture), "--speed", "4")
    children = [run.wait_for("^#"), *run.children()][1:]
    code, out, errors = run.end()
    assert (code, errors) == (0, "")
    assert "july.p1  12 telegrams at 4 times its pace" in out
    assert re.search("^12 readings in .*; bad telegrams: none$", out, re.MULTILINE), out
    for sink in ("mqtt", "http"):
        assert re.search(f"^  {sink}: acknowledged everything up to #12, 0 waiting, 0 lost, 0 errors$", out, re.MULTILINE), out
    nothing_left(children)


@pytest.mark.skipif("mosquitto" not in brokers.available(), reason="mosquitto is not installed")
def test_mosquitto_as_the_broker():
    run = Run("--broker", "mosquitto", "--seconds", "2")
    assert READING.search(run.wait_for("^#"))
    children = run.children()
    assert any("mosquitto" in child.name() for child in children)
    assert run.end()[0] == 0
    nothing_left(children)


def test_ones_own_broker_with_user_and_password(tmp_path):
    with brokers.make_broker("amqtt", tmp_path, user="me", password="se cret") as own:
        run = Run("--broker", f"mqtt://me:se%20cret@127.0.0.1:{own.port}", "--seconds", "2")
        assert READING.search(run.wait_for("^#"))
        code, out, errors = run.end()
        assert (code, errors) == (0, "") and "cret" not in out
        assert own.process.poll() is None


def test_ones_own_broker_by_tls_and_a_certificate_that_does_not_fit(tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    certificate, key = authority.issue("broker", "127.0.0.1")
    with brokers.make_broker("amqtt", tmp_path, certificate=certificate, key=key) as own:
        run = Run("--broker", f"mqtts://127.0.0.1:{own.port}", "--ca", str(authority.pem), "--seconds", "2")
        assert READING.search(run.wait_for("^#"))
        assert run.end()[0] == 0
        line = failed("--broker", f"mqtts://127.0.0.1:{own.port}", "--ca", str(other.pem), code=1)
        assert "certificate that is not trusted" in line and "--ca" in line


# how it ends -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_by_the_user_after_readings_is_no_failure(number):
    run = Run()
    run.wait_for(READING)
    children = run.children()
    code, out, errors = run.end(number)
    assert (code, errors) == (0, "")
    assert number == signal.SIGHUP or "readings in" in out
    nothing_left(children)


def test_interrupted_during_start_up():
    run = Run()
    run.wait_for("time server")
    code, _, errors = run.end(signal.SIGINT)
    assert (code, errors) == (130, "")


def test_killed_it_leaves_nothing_behind():
    run = Run()
    run.wait_for(READING)
    children = run.children()
    run.process.kill()
    run.process.wait()
    nothing_left(children)


def test_firmware_that_dies_for_good_ends_the_run(tmp_path):
    run = Run()
    run.wait_for(READING)
    children = run.children()
    code = None
    end = time.monotonic() + PATIENCE_S
    while code is None and time.monotonic() < end:
        for child in psutil.Process(run.process.pid).children(recursive=True) if run.process.poll() is None else []:
            try:
                if "micropython" in child.name():
                    child.send_signal(signal.SIGSEGV)
            except psutil.NoSuchProcess:
                pass
        try:
            code = run.process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    code, _, errors = run.end()
    assert code == 1 and "meterbridge: the firmware died" in errors.splitlines()[-1]
    nothing_left(children)


# the live screen -------------------------------------------------------------------------------------------------------


class Terminal:
    """The command on a pty of 80 columns and 24 rows; what it drew."""

    def __init__(self, *words):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([*COMMAND, *words], cwd=ROOT, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
                                        stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
        os.close(slave)
        self.drawn = ""

    @property
    def words(self):
        """What was drawn, without the escape sequences of colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.drawn)

    def read(self, seconds=0.1):
        """Take what comes for a while."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.drawn += os.read(self.master, 65536).decode("utf-8", "replace")
            except OSError:
                return

    def wait_for(self, words, patience=PATIENCE_S):
        end = time.monotonic() + patience
        while words not in self.words:
            assert time.monotonic() < end and self.process.poll() is None, self.words[-3000:]
            self.read()

    def wait_end(self):
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        self.read()
        code = self.process.poll()
        self.process.kill()
        return code


def test_the_live_screen_comes_and_ctrl_c_ends_it_and_all_else():
    terminal = Terminal()
    for words in ("✓ embedded broker", "\x1b[?1049h", "power now", "last reading", "phases", "waiting 0"):
        terminal.wait_for(words)
    children = psutil.Process(terminal.process.pid).children(recursive=True)
    os.write(terminal.master, b"\x03")
    assert terminal.wait_end() == 0
    after = terminal.drawn.split("\x1b[?1049l")[-1]
    assert "readings in" in after and "mqtt: acknowledged" in after and "Traceback" not in terminal.drawn
    os.close(terminal.master)
    nothing_left(children)


def test_a_terminal_that_is_closed_ends_everything():
    terminal = Terminal()
    terminal.wait_for("power now")
    children = psutil.Process(terminal.process.pid).children(recursive=True)
    os.close(terminal.master)
    assert terminal.process.wait(PATIENCE_S) == 0
    nothing_left(children)


# what can be wrong -----------------------------------------------------------------------------------------------------


def test_an_unknown_meter_is_answered_with_the_closest_and_all():
    line = failed("--meter", "p1-nll", code=2)
    assert "did you mean 'p1-nl'" in line and all(name in line for name in meters.METERS)


@pytest.mark.parametrize("words, said", [
    (["--capture", "no/such.file"], "no file 'no/such.file'"),
    (["--capture", "x", "--meter", "sml"], "not both"),
    (["--speed", "10"], "goes with --capture"),
    (["--seconds", "-1"], "--seconds"),
    (["--heap", "much"], "--heap much"),
    (["--broker", "hivemq"], "there are embedded, mosquitto"),
    (["--broker", "mqtt://me:secret@host:port"], "mqtt://host"),
    (["--mqtt-port", "99999"], "99999 is no port"),
    (["--ca", "no.pem"], "no.pem: no such file"),
])
def test_wrong_words_are_one_line(words, said):
    line = failed(*words, code=2)
    assert said in line and "secret" not in line


@pytest.mark.parametrize("option, choice", [("--mqtt-port", "embedded"), ("--mqtt-port", "mosquitto"), ("--http-port", "embedded")])
def test_a_port_in_use(option, choice):
    if choice not in ("embedded", *brokers.available()):
        pytest.skip("mosquitto is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = failed("--broker", choice, option, str(port), code=1)
        assert f"port {port} is in use" in line and option in line


def test_a_broker_that_cannot_be_reached():
    assert "nothing listens at 127.0.0.1:1;" in failed("--broker", "mqtt://127.0.0.1:1", code=1)


def test_no_micropython():
    assert "MICROPYTHON=/no/such" in failed(env={"MICROPYTHON": "/no/such"}, code=3)


def test_mosquitto_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(brokers_of_run.shutil, "which", lambda *_, **__: None)
    with pytest.raises(UserError, match="apt install mosquitto.* or leave BROKER away") as error:
        brokers_of_run.choose("mosquitto", tmp_path).start()
    assert error.value.code == MISSING


# its own parts ---------------------------------------------------------------------------------------------------------


def test_the_time_server_answers_as_rfc_4330_says():
    server = NtpServer(clock=lambda: 1_700_000_000.5).start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE_S)
            client.sendto(b"short", ("127.0.0.1", server.port))
            client.sendto(b"\x23" + bytes(39) + b"MY TIME!", ("127.0.0.1", server.port))
            answer = client.recv(512)
    finally:
        server.stop()
    assert len(answer) == 48 and answer[0] == 0x24 and 1 <= answer[1] <= 15  # no alarm, version 4, server
    assert answer[24:32] == b"MY TIME!"  # the client's own time comes back
    assert struct.unpack("!II", answer[40:48]) == (1_700_000_000 + 2_208_988_800, 1 << 31)
    assert server.requests == 1
