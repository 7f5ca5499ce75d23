"""For the MQTT tests: a MicroPython driver program spoken to in JSON lines, and an independent MQTT client that watches a broker."""

import json
import queue
import subprocess
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho

from host_tools import runtime

DRIVERS = Path(__file__).parent / "drivers"
PATIENCE_S = 20


class Driver:
    """A driver of tests/sim/drivers on MicroPython: `do` gives a command and returns its answer, `events` are its other lines."""

    def __init__(self, name: str, folder: Path, heap: str = "256k", env: dict | None = None):
        command = [runtime.find_micropython(), "-X", f"heapsize={heap}", str(DRIVERS / f"{name}.py")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
            env=runtime.environment(extra=env), start_new_session=True)  # fmt: skip
        self._answers: queue.Queue = queue.Queue()
        self.events: queue.Queue = queue.Queue()
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.answer("ready")

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            try:
                message = json.loads(line)
            except ValueError:
                continue
            (self._answers if "did" in message or "ready" in message else self.events).put(message)
        self._answers.put(None)
        self.events.put(None)

    def answer(self, what: str, timeout: float = PATIENCE_S) -> dict:
        """The next answer; fails with what the program printed when it ends or is silent."""
        try:
            message = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no answer to {what} in {timeout} s: {self.output[-20:]}") from None
        assert message is not None, f"the driver ended during {what}: {self.output[-30:]}"
        return message

    def tell(self, do: str, **arguments) -> None:
        """Gives a command without waiting for its answer."""
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()

    def do(self, do: str, timeout: float = PATIENCE_S, **arguments) -> dict:
        """Gives a command; its answer."""
        self.tell(do, **arguments)
        return self.answer(do, timeout)

    def ok(self, do: str, timeout: float = PATIENCE_S, **arguments) -> dict:
        """Gives a command that must succeed."""
        answer = self.do(do, timeout, **arguments)
        assert not answer.get("error"), f"{do}: {answer}"
        return answer

    def event(self, wanted, timeout: float = PATIENCE_S) -> dict:
        """The next event for which `wanted(event)`; those before it are dropped."""
        end = time.monotonic() + timeout
        while True:
            try:
                message = self.events.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not in {timeout} s: {self.output[-20:]}") from None
            assert message is not None, f"the driver ended: {self.output[-30:]}"
            if wanted(message):
                return message

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *_) -> None:
        self.kill()


class Watcher:
    """Subscribes to `topics` on a broker with paho-mqtt, reconnects by itself; `messages` in order, `times`: the wall clock at each."""

    def __init__(self, broker, *topics: str, user: str | None = None, password: str | None = None, ca: Path | None = None):
        self.messages: list = []
        self.times: list[float] = []
        self._news = threading.Condition()
        self._topics = topics or ("#",)
        self.subscriptions = 0
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if user:
            self.client.username_pw_set(user, password)
        if ca:
            self.client.tls_set(ca_certs=str(ca))
        self.client.reconnect_delay_set(0.1, 0.2)
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in self._topics])
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._received
        self.client.connect(broker.host, broker.port, keepalive=60)
        self.client.loop_start()
        self.wait(lambda w: w.subscriptions > 0)

    def _subscribed(self, *_) -> None:
        with self._news:
            self.subscriptions += 1
            self._news.notify_all()

    def _received(self, _client, _data, message) -> None:
        with self._news:
            self.times.append(time.time())
            self.messages.append(message)
            self._news.notify_all()

    def wait(self, condition, timeout: float = PATIENCE_S):
        """Returns the first true value of condition(self)."""
        with self._news:
            result = self._news.wait_for(lambda: condition(self), timeout)
        assert result, f"not in {timeout} s; seen: {[(m.topic, m.payload[:60]) for m in self.messages[-10:]]}"
        return result

    def settle(self) -> None:
        """Waits until all that the broker had taken before this call is here: a message of our own comes behind it."""
        topic = f"{self._topics[0].rstrip('#')}settled"
        before = len(self.of(topic))
        self.publish(topic, b"")
        self.wait(lambda w: len(w.of(topic)) > before)

    def of(self, topic: str) -> list:
        """The messages of one topic so far."""
        return [message for message in self.messages if message.topic == topic]

    def wait_for(self, topic: str, payload=None, timeout: float = PATIENCE_S):
        """The first message of `topic` (with that payload, if given)."""
        wanted = payload.encode() if isinstance(payload, str) else payload
        return self.wait(lambda w: next((m for m in w.of(topic) if wanted is None or m.payload == wanted), None), timeout)

    def publish(self, topic: str, payload, qos: int = 1, retain: bool = False) -> None:
        """Publishes and waits until the broker has it."""
        self.client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE_S)

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_) -> None:
        self.client.disconnect()
        self.client.loop_stop()
