"""MqttClient on real MicroPython against real brokers, and against sockets that behave as no broker should."""

import contextlib
import datetime
import socket
import threading

import pytest

from host_tools.certificates import Authority
from tests.brokers import HOST, available, make_broker
from tests.sim.mqtt_help import Driver, Watcher

BROKERS = available()
CONNACK = b"\x20\x02\x00\x00"


@pytest.fixture(params=BROKERS)
def broker(request, tmp_path):
    with make_broker(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def client(tmp_path):
    with Driver("mqtt_client_driver", tmp_path) as driver:
        yield driver


class FakeBroker:
    """Accepts one connection, reads, and sends `answers` one after the other, each upon the next packet's arrival."""

    def __init__(self, *answers: bytes, read: bool = True):
        self.got = []
        self._answers = list(answers)
        self._read = read
        self._server = socket.create_server((HOST, 0))
        self.port = self._server.getsockname()[1]
        self._over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection = self._server.accept()[0]
            with connection:
                for answer in self._answers:
                    self.got.append(connection.recv(65536))
                    connection.sendall(answer)
                while self._read and self.got.append(connection.recv(65536)) is None and self.got[-1]:
                    pass
                self._over.wait(60)

    def __enter__(self) -> "FakeBroker":
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._server.close()


def test_retained_utf8_and_both_qos(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    assert client.ok("publish", topic="t/retained", payload="5 m\u00b3", qos=1, retain=True)["id"] == 1
    assert client.ok("publish", topic="t/plain", payload="x", qos=0)["id"] == 0
    with Watcher(broker, "t/#") as watcher:
        message = watcher.wait_for("t/retained")
        assert message.payload.decode() == "5 m\u00b3" and message.retain
        client.ok("publish", topic="t/plain", payload="y", qos=0)
        assert watcher.wait_for("t/plain").payload == b"y"


def test_a_payload_in_pieces_is_one_message(broker, client):
    with Watcher(broker, "t/#") as watcher:
        client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
        client.ok("pieces", topic="t/long", piece="0123456789abcde", count=700)
        assert watcher.wait_for("t/long").payload == b"0123456789abcde" * 700


def test_pieces_of_another_size_end_the_connection_not_the_stream(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    assert client.do("pieces", topic="t", piece="abc", count=2, claimed=9)["type"] == "ValueError"
    assert client.do("publish", topic="t", payload="x")["type"] == "MqttError"


def test_incoming_messages_are_answered(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    client.ok("subscribe", topic="in/#")
    with Watcher(broker, "nothing") as watcher:
        for n in range(30):  # more than a broker lets fly unanswered
            watcher.publish("in/a", str(n))
    for n in range(30):
        assert client.event(lambda e: "topic" in e) == {"topic": "in/a", "payload": str(n)}


def test_a_long_incoming_message_is_counted_and_the_next_arrives(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    client.ok("subscribe", topic="in/#")
    before = client.ok("state")["heap"]
    with Watcher(broker, "nothing") as watcher:
        for qos in (0, 1):
            watcher.publish("in/long", "x" * 100_000, qos=qos)
        watcher.publish("in/a", "after")
    assert client.event(lambda e: "topic" in e)["payload"] == "after"
    state = client.ok("state")
    assert state["dropped"] == 2 and state["error"] == ""
    assert state["heap"] - before < 2000


@pytest.mark.parametrize("name", BROKERS)
def test_wrong_password_is_told_in_words(name, tmp_path, client):
    with make_broker(name, tmp_path, user="dongle", password="a: b") as guarded:
        good = {"host": guarded.host, "port": guarded.port, "client_id": "mb-1", "user": "dongle"}
        for password in ("wrong", ""):
            assert "check mqtt_user and mqtt_password" in client.do("connect", **good, password=password)["error"]
            client.ok("close")
        client.ok("connect", **good, password="a: b")
        client.ok("publish", topic="t", payload="in")


@pytest.mark.parametrize("name", BROKERS)
def test_tls(name, tmp_path, client):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("server", "localhost")
    with make_broker(name, tmp_path, certificate=certificate, key=key, host="localhost") as secure:
        base = {"host": secure.host, "port": secure.port, "client_id": "mb-1"}
        for ca in (ours.der, ours.pem):
            client.ok("connect", **base, tls_verify=True, ca=str(ca))
            client.ok("many", topic="t", count=50)
            client.ok("pieces", topic="t", piece="x" * 300, count=100)
            client.ok("close")
        assert "not signed by the CA file" in client.do("connect", **base, tls_verify=True, ca=str(theirs.der))["error"]
        client.ok("close")
        other = {**base, "host": HOST}
        assert "another host name" in client.do("connect", **other, tls_verify=True, ca=str(ours.der))["error"]
        client.ok("close")
        client.ok("connect", **other, tls_verify=False)
        assert "without a check" in client.event(lambda e: "warning" in e)["warning"]
        client.ok("publish", topic="t", payload="x")
        client.ok("close")
        assert "mqtt_ca is not set" in client.do("connect", **base, tls_verify=True)["error"]


def test_an_expired_certificate_names_the_clock(tmp_path, client):
    ours = Authority(tmp_path, "ours")
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=90)
    certificate, key = ours.issue("server", "localhost", then)
    with make_broker(BROKERS[-1], tmp_path, certificate=certificate, key=key, host="localhost") as secure:
        answer = client.do("connect", host="localhost", port=secure.port, client_id="mb-1", tls_verify=True, ca=str(ours.der))
        assert "expired by the dongle's clock" in answer["error"]


def test_packet_ids_wrap_and_pass_by_one_in_flight(broker, client):
    """65,536 publishes on the fast broker; the ids' end alone on the other one."""
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    if broker.name == "mosquitto":
        assert client.ok("many", topic="t", count=65536, timeout=120)["last_id"] == 1
    with Watcher(broker, "wrap") as watcher:
        client.ok("hold", packet_id=2)
        answer = client.ok("many", topic="wrap", count=20, first_id=65530)
        assert answer["last_id"] == 16  # 65531..65535, then 1, then 3..16
        assert answer["most"] == 8
        watcher.wait(lambda w: len(w.of("wrap")) == 20)
        assert [m.payload for m in watcher.of("wrap")] == [str(n).encode() for n in range(20)]


def test_pings_keep_an_idle_connection(broker, client):
    """The broker ends a connection that is silent for 1.5 keep-alives: 1.5 s here."""
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1", keepalive_s=1)
    client.tell("until_over")
    with Watcher(broker, "tick") as watcher:
        ticks = threading.Thread(target=lambda: [threading.Event().wait(0.5) or watcher.publish("tick", "") for _ in range(6)])
        ticks.start()
        watcher.wait(lambda w: len(w.of("tick")) == 6)
        ticks.join()
    assert client._answers.empty(), client.output


def test_a_frozen_broker_is_noticed_by_all_who_wait(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1", keepalive_s=1, answer_ms=1500)
    broker.freeze()
    assert "did not answer" in client.ok("until_over")["over"]
    assert "did not answer" in client.do("publish", topic="t", payload="x")["error"]
    broker.thaw()
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    broker.freeze()
    client.tell("publish", topic="t", payload="x")
    assert "did not answer" in client.answer("publish")["error"]


def test_a_killed_broker_is_noticed_at_once(broker, client):
    client.ok("connect", host=broker.host, port=broker.port, client_id="mb-1")
    client.tell("until_over")
    broker.kill()
    assert client.answer("until_over", timeout=5)["over"]


def test_a_peer_that_accepts_and_never_answers(client):
    with FakeBroker() as silent:
        answer = client.do("connect", host=HOST, port=silent.port, client_id="mb-1", answer_ms=1000)
        assert "did not answer" in answer["error"]


def test_a_peer_that_never_acknowledges(client):
    with FakeBroker(CONNACK) as silent:
        client.ok("connect", host=HOST, port=silent.port, client_id="mb-1", answer_ms=1000)
        assert "did not answer" in client.do("many", topic="t", count=20)["error"]


def test_a_peer_that_answers_no_ping_is_noticed_while_we_talk(client):
    with FakeBroker(CONNACK) as silent:
        client.ok("connect", host=HOST, port=silent.port, client_id="mb-1", keepalive_s=1, answer_ms=1000)
        assert "did not answer" in client.ok("chatter")["over"]


def test_a_peer_that_reads_nothing(client):
    with FakeBroker(CONNACK, read=False) as full:
        client.ok("connect", host=HOST, port=full.port, client_id="mb-1", answer_ms=1000)
        assert client.do("pieces", topic="t", piece="x" * 1000, count=20000)["type"] == "MqttError"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x00\x05", "not authorised: check mqtt_user"),
        (b"\x20\x02\x00\x03", "not ready"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no MQTT"),
        (b"\x30\xff\xff\xff\x7f", "sends a packet"),
        (b"", "did not answer"),
    ],
)
def test_what_is_no_broker_is_told_in_words(client, answer, words):
    with FakeBroker(answer) as odd:
        assert words in client.do("connect", host=HOST, port=odd.port, client_id="mb-1", answer_ms=1000)["error"]


def test_a_port_where_nobody_listens(client):
    with socket.socket() as free:
        free.bind((HOST, 0))
        assert "refused" in client.do("connect", host=HOST, port=free.getsockname()[1], client_id="mb-1")["error"]


def test_goodbye_keeps_the_will_unsent_and_a_kill_sends_it(broker, client, tmp_path):
    with Watcher(broker, "w/#") as watcher:
        options = {"host": broker.host, "port": broker.port, "client_id": "mb-1", "will": ["w/bridge", "offline"]}
        client.ok("connect", **options)
        client.ok("close")
        client.ok("connect", **options)
        client.ok("publish", topic="w/mark", payload="")
        watcher.wait_for("w/mark")
        assert not watcher.of("w/bridge")
        client.kill()
        assert watcher.wait_for("w/bridge").payload == b"offline"
