"""`meterbridge listen` as a process against real brokers, with messages of a real MQTT client."""

import json
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from paho.mqtt.client import CallbackAPIVersion, Client

from host_tools.commands.listen import Inbox, Printer
from tests import brokers

ROOT = Path(__file__).resolve().parents[2]
BASE = "meterbridge/mb-test01"
PATIENCE_S = 15


@pytest.fixture(params=brokers.available())
def broker(request, tmp_path):
    with brokers.make_broker(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def publish(broker):
    """publish(topic below BASE, payload, retain): returns when the broker has it."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(broker.host, broker.port)
    client.loop_start()

    def send(topic, payload, retain=False):
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
        client.publish(f"{BASE}/{topic}", text, 1, retain).wait_for_publish(PATIENCE_S)

    yield send
    client.disconnect()
    client.loop_stop()


class Listening:
    """The process, its lines as they come."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "host_tools", "listen", *words], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self):
        return self._lines.get(timeout=PATIENCE_S)

    def end(self, number=None):
        """(exit code, standard error) after it ended, by a signal when given."""
        if number:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_S), self.process.stderr.read()
        finally:
            self.process.kill()


def reading(seq, **more):
    return {"boot": 3, "seq": seq, "time": "2025-03-30T01:01:00Z", "time_source": "meter", "power_w": 512, "energy_import_wh": 3580245, **more}


def test_readings_backlog_retained_and_repeats_are_told_apart(broker, publish):
    publish("state", reading(7), retain=True)
    listening = Listening(broker.url)
    first = listening.line()
    assert f"{BASE}/state" in first and "#7" in first and "import   512 W" in first and "in 3580.245 kWh" in first and "[retained]" in first
    publish("backlog", {"device": "mb-test01", "backlog": True, "missing": {"from": 1, "to": 4, "count": 4}, "readings": [reading(5), reading(6)]})
    lines = [listening.line()]
    while "retained" in lines[-1]:  # a broker may deliver what it retained twice
        lines[-1] = listening.line()
    lines += [listening.line() for _ in range(2)]
    assert "4 readings were overwritten" in lines[0]
    assert "#5" in lines[1] and lines[1].endswith("[backlog]") and "#6" in lines[2] and lines[2].endswith("[backlog]")
    publish("state", reading(6, power_w=-40))
    line = listening.line()
    assert "export    40 W" in line and line.endswith("[repeat]")
    publish("bridge", "online")
    assert listening.line().endswith(f"{BASE}/bridge".ljust(len(f"{BASE}/backlog")) + "  online")
    assert listening.end(signal.SIGINT) == (130, "")


def test_json_is_one_object_per_reading_and_count_ends_it(broker, publish):
    publish("state", reading(9, current_l1_ma=2.5), retain=True)
    listening = Listening(broker.url, "--topic", f"{BASE}/state", "--json", "--count", "1")
    found = json.loads(listening.line())
    assert found["topic"] == f"{BASE}/state" and found["marks"] == ["retained"]
    assert found["reading"] == reading(9, current_l1_ma=2.5)
    assert listening.end() == (0, "")


def test_silence_for_all_the_seconds_is_a_failure(broker):
    listening = Listening(broker.url, "--topic", "nobody/writes/here", "--seconds", "0.5")
    assert listening.end() == (1, "")


def test_a_user_and_a_password_that_fit_and_that_do_not(tmp_path):
    for name in brokers.available():
        with brokers.make_broker(name, tmp_path, user="me", password="right/1") as broker:
            where = f"127.0.0.1:{broker.port}"
            good = Listening(f"mqtt://me:right%2F1@{where}", "--seconds", "0.3")
            assert good.end() == (1, "")  # nothing came, nothing was refused
            code, said = Listening(f"mqtt://me:wrong@{where}").end()
            assert code == 1 and said.count("\n") == 1 and "refuses user 'me' or the password" in said and "wrong" not in said
            code, said = Listening(f"mqtt://{where}").end()
            assert code == 1 and said.count("\n") == 1 and "wants a user and a password" in said


@pytest.mark.parametrize("url, said", [
    ("mqtt://127.0.0.1:1", "nothing listens at 127.0.0.1:1"),
    ("mqtt://no-such-host.invalid", "no host is called 'no-such-host.invalid'"),
])
def test_a_broker_that_cannot_be_reached_is_one_line(url, said):
    code, error = Listening(url).end()
    assert code == 1 and error.count("\n") == 1 and said in error


@pytest.mark.parametrize("url", ["localhost", "http://localhost", "mqtt://", "mqtt://user:secret@host:port", "mqtt://host/topic"])
def test_a_word_that_is_no_address_is_a_usage_error_and_shows_no_password(url):
    code, error = Listening(url).end()
    assert code == 2 and error.count("\n") == 1 and "mqtt://host" in error and "secret" not in error


def test_memory_is_bounded():
    inbox = Inbox(limit=3)
    for _ in range(10):
        inbox.put("t", b"x", False)
    assert inbox.take_left_out() == 7 and inbox.left_out == 0
    printer = Printer()
    for seq in range(30000):
        list(printer.lines(f"{BASE}/state", json.dumps(reading(seq)).encode(), False))
    assert len(printer._seen) == 20000


@pytest.mark.parametrize("payload", [b"\xff\x00\x1b[2J", b"[1,2]", b'{"readings":[1,"\\u001b",{}]}', b'{"seq":"\\u001b[2J"}', b"[" * 100000, b""])
def test_nothing_that_a_terminal_would_obey_is_printed(payload):
    for line in Printer().lines(f"{BASE}/\x1b[31m", payload, True):
        assert line.isprintable()
