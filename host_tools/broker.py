"""A broker for a run: embedded, mosquitto, or the user's own by its URL; start() in, its address out, stop() ends it."""

import re
import selectors
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from host_tools import embedded_broker, mqtt_watch
from host_tools.errors import FAILED, MISSING, USAGE, UserError
from host_tools.runtime import ROOT
from host_tools.simulation.child import guarded

HOST = "127.0.0.1"
CHOICES = "embedded, mosquitto, or mqtt://[user:password@]host[:port]"
_READY_S = 15.0  # a slow machine's time to load the embedded broker
_POLL_S = 0.02
_PATIENCE_S = 3.0  # between asking a broker to end and ending it
_MOSQUITTO = """listener {port} {host}
allow_anonymous true
persistence false
log_dest stderr
"""
_NO_MOSQUITTO = "mosquitto is not installed; install it (apt install mosquitto, brew install mosquitto) or leave BROKER away"


def _end(process: subprocess.Popen) -> None:
    """Ask a program to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def port_taken(port: int, option: str) -> UserError:
    """What to say when a port cannot be had."""
    return UserError(f"port {port} is in use by another program; end that, or choose another with {option}", FAILED)


def free_port(wanted: int, option: str) -> int:
    """`wanted` when it can be listened on, any free one for 0; UserError when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise port_taken(wanted, option) from error
        return probe.getsockname()[1]


class Embedded:
    """The broker that comes with the project, as a process of its own. `port` 0 takes a free one."""

    name = "embedded broker"
    module = [sys.executable, "-m", "host_tools.embedded_broker"]

    def __init__(self, folder: Path, port: int = 0):
        self.log = folder / "broker.log"
        self._port = port
        self._process: subprocess.Popen | None = None

    def start(self) -> mqtt_watch.Address:
        """Start it and wait until it listens; UserError when it does not."""
        if self._port:
            free_port(self._port, "--mqtt-port")
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [*self.module, str(self._port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                cwd=ROOT, start_new_session=True)
        self._port = self._ready_port()
        return mqtt_watch.Address(HOST, self._port)

    def kill(self) -> None:
        """End it at once, as a crash does; `start` has it listen at the same port again."""
        process, self._process = self._process, None
        process.kill()
        process.communicate()

    def _ready_port(self) -> int:
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if selector.select(_READY_S) else b""
        ready = re.match(rb"ready (\d+)", line)
        if ready:
            return int(ready.group(1))
        self.stop()
        if self._process.returncode == embedded_broker.CANNOT_LISTEN:
            raise port_taken(self._port, "--mqtt-port")
        raise UserError(f"the embedded broker does not start; its last words are in {self.log}", FAILED)

    def died(self) -> bool:
        """True when it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.stdin.close()
            _end(self._process)
            self._process.stdout.close()


class Mosquitto:
    """mosquitto from this machine, with a configuration of our own."""

    name = "mosquitto"

    def __init__(self, folder: Path, port: int = 0):
        self.log = folder / "broker.log"
        self._folder = folder
        self._port = port
        self._process: subprocess.Popen | None = None

    def start(self) -> mqtt_watch.Address:
        """Start it and wait until it accepts connections; UserError when it is missing or does not."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
        if not program:
            raise UserError(_NO_MOSQUITTO, MISSING)
        self._port = port = free_port(self._port, "--mqtt-port")
        config = self._folder / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(port=port, host=HOST), encoding="utf-8")
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                guarded([program, "-c", str(config)]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                start_new_session=True)
        self._wait_for(port)
        return mqtt_watch.Address(HOST, port)

    def kill(self) -> None:
        """End it at once, as a crash does; `start` has it listen at the same port again."""
        process, self._process = self._process, None
        process.kill()
        process.wait()

    def _wait_for(self, port: int) -> None:
        end = time.monotonic() + _READY_S
        while time.monotonic() < end and not self.died():
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return
            time.sleep(_POLL_S)
        self.stop()
        raise UserError(f"mosquitto does not start; its last words are in {self.log}", FAILED)

    def died(self) -> bool:
        """True when it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End it."""
        if self._process:
            _end(self._process)


class Own:
    """The user's own broker: nothing to start, nothing to end."""

    name = "your broker"
    log = None

    def __init__(self, url: str):
        self.address = mqtt_watch.parse(url)

    def start(self) -> mqtt_watch.Address:
        """Its address; the first subscriber finds out whether it answers."""
        return self.address

    def died(self) -> bool:
        """Never: it is not ours."""
        return False

    def stop(self) -> None:
        """Leave it alone."""


def choose(words: str, folder: Path, port: int = 0) -> Embedded | Mosquitto | Own:
    """The broker that `--broker` names; UserError when it names none."""
    if words == "embedded":
        return Embedded(folder, port)
    if words == "mosquitto":
        return Mosquitto(folder, port)
    if "://" in words:
        return Own(words)
    raise UserError(f"no broker is called '{words}'; there are {CHOICES}", USAGE)
