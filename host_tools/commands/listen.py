"""`meterbridge listen`: a broker's address in; a line per message and per reading out, backlog, retained and repeats marked."""

import argparse
import json
import os
import queue
import signal
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime

from host_tools import mqtt_watch, reading_text
from host_tools.errors import FAILED, OK, UserError

HELP = "print what a broker receives from dongles, readable or as JSON"
EXAMPLES = """
meterbridge listen mqtt://127.0.0.1:1883
meterbridge listen mqtt://user:password@broker.local --topic 'meterbridge/+/state' --count 10
meterbridge listen mqtts://broker.local --ca ca.pem --json | jq .reading.power_w
"""
PASSWORD_ENV = "METERBRIDGE_MQTT_PASSWORD"  # for those who do not want it among their shell's words
_WAITING = 2000  # messages that may wait for the printer; more are counted and left out
_REMEMBERED = 20000  # readings per run whose (device, boot, seq) is known, to mark repeats: 5 h at one per second
_SHOWN = 200  # characters of a payload that is not a reading
_TOPIC_WIDTH = 40  # columns that topics may take; a longer one pushes its line to the right
_TICK_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge listen`."""
    parser.add_argument("broker", metavar="URL", help=f"mqtt[s]://[user[:password]@]host[:port]; the password also from {PASSWORD_ENV}")
    parser.add_argument("--topic", action="append", help="topic filter, may be given more than once (default: meterbridge/#)")
    parser.add_argument("--json", action="store_true", help="one JSON object per reading or message")
    parser.add_argument("--count", type=int, metavar="N", help="end after N messages")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds; exit code 1 when nothing came")
    parser.add_argument("--ca", metavar="FILE", help="certificate of the authority that signed the broker's (mqtts)")


def run(args: argparse.Namespace) -> int:
    """Print until the count, the time or the user ends it."""
    address = mqtt_watch.parse(args.broker)
    if not address.password and os.environ.get(PASSWORD_ENV):
        address = mqtt_watch.Address(address.host, address.port, address.user, os.environ[PASSWORD_ENV], address.tls)
    if (args.count is not None and args.count < 1) or (args.seconds is not None and args.seconds <= 0):
        raise UserError("--count and --seconds must be greater than 0")
    if args.ca and not os.path.isfile(args.ca):
        raise UserError(f"{args.ca}: no such file")
    inbox = Inbox()
    watch = mqtt_watch.MqttWatch(address, args.topic or ["meterbridge/#"], inbox.put, ca=args.ca)
    old = signal.signal(signal.SIGTERM, _interrupt)
    try:
        watch.open()
        return _print_all(inbox, args)
    finally:
        signal.signal(signal.SIGTERM, old)
        watch.close()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _print_all(inbox: "Inbox", args: argparse.Namespace) -> int:
    end = None if args.seconds is None else time.monotonic() + args.seconds
    show = Printer(as_json=args.json)
    messages = 0
    while (args.count is None or messages < args.count) and (end is None or time.monotonic() < end):
        message = inbox.get(_TICK_S if end is None else max(0.0, min(_TICK_S, end - time.monotonic())))
        if message:
            messages += 1
            for line in show.lines(*message):
                print(line, flush=True)
        if inbox.left_out:
            print(f"... {inbox.take_left_out()} messages came faster than they could be printed", flush=True)
    return OK if messages or args.count is None and args.seconds is None else FAILED


class Inbox:
    """Messages between the subscriber's thread and the printer, at most so many."""

    def __init__(self, limit: int = _WAITING):
        self._queue: queue.Queue = queue.Queue(limit)
        self.left_out = 0

    def put(self, topic: str, payload: bytes, retained: bool) -> None:
        """Never waits."""
        try:
            self._queue.put_nowait((topic, payload, retained))
        except queue.Full:
            self.left_out += 1

    def get(self, timeout: float) -> tuple[str, bytes, bool] | None:
        """The next message, or None when none came in time."""
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None

    def take_left_out(self) -> int:
        """How many were left out since the last call."""
        count, self.left_out = self.left_out, 0
        return count


class Printer:
    """Makes lines of messages and knows which readings it has seen."""

    def __init__(self, as_json: bool = False):
        self._json = as_json
        self._seen: OrderedDict = OrderedDict()
        self._topic_width = 0

    def lines(self, topic: str, payload: bytes, retained: bool) -> Iterator[str]:
        """One line per reading in a message, or one for a message of another kind."""
        document = reading_text.parse(payload)
        device = topic.rpartition("/")[0]
        if document is not None and isinstance(document.get("readings"), list):
            marks = ["backlog"] if document.get("backlog") else ["batch"]
            if isinstance(document.get("missing"), dict):
                yield self._other(topic, f"{document['missing'].get('count')} readings were overwritten before they could be sent", retained)
            for reading in document["readings"]:
                if isinstance(reading, dict):
                    yield self._reading(topic, device, reading, marks)
        elif document is not None and "seq" in document:
            yield self._reading(topic, device, document, ["retained"] if retained else [])
        else:
            yield self._other(topic, document if document is not None else payload.decode("utf-8", "replace"), retained)

    def _repeat(self, device: str, reading: dict) -> bool:
        key = (device, str(reading.get("boot")), str(reading.get("seq")))
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _reading(self, topic: str, device: str, reading: dict, marks: list[str]) -> str:
        marks = marks + (["repeat"] if self._repeat(device, reading) else [])
        if self._json:
            return self._object(topic, marks, "reading", reading)
        when = reading_text.clock_text(reading.get("time"))
        number = f"#{reading.get('seq', '?')}"
        marked = f"  [{', '.join(marks)}]" if marks else ""
        return self._line(topic, f"{number:>6} {when:>8}  {reading_text.summary(reading)}{marked}")

    def _other(self, topic: str, content: object, retained: bool) -> str:
        if self._json:
            return self._object(topic, ["retained"] if retained else [], "message", content)
        text = content if isinstance(content, str) else json.dumps(content, default=_plain)
        text = text[:_SHOWN] + (" ..." if len(text) > _SHOWN else "")
        return self._line(topic, f"{text or '(empty)'}{'  [retained]' if retained else ''}")

    def _line(self, topic: str, text: str) -> str:
        """The line for people: topics in a column, nothing in it that a terminal would obey."""
        self._topic_width = min(_TOPIC_WIDTH, max(self._topic_width, len(topic)))
        return reading_text.printable(f"{datetime.now():%H:%M:%S}  {topic.ljust(self._topic_width)}  {text}")

    def _object(self, topic: str, marks: list[str], name: str, content: object) -> str:
        received = datetime.now().astimezone().isoformat(timespec="milliseconds")
        return json.dumps({"received": received, "topic": topic, "marks": marks, name: content}, default=_plain)


def _plain(exact: object) -> int | float:
    """A decimal of a message as a JSON number; a double shows the up to 15 digits that meters send."""
    return float(exact)
