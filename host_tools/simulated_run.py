"""A whole simulated installation: choices in; time server, broker, HTTP server, meter and dongle started in order, and ended.

With a fault to be injected, what it needs stands between the dongle and its world.

Every part that was started is ended in reverse order, whatever happened between.
"""

import contextlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from host_tools import broker, build, mqtt_watch, runtime
from host_tools.dashboard_model import Facts, Model
from host_tools.errors import FAILED, UserError
from host_tools.meters.play import Player
from host_tools.ntp_server import NtpServer
from host_tools.run_choices import Choices
from host_tools.run_source import Source
from host_tools.simulation.light import Light
from host_tools.unlock_watch import Unlocking
from host_tools.wire import PtyWire

WIFI = {"wifi_ssid": "simulated home", "wifi_password": "simulated password"}
STATUS_S = 2  # seconds between status documents: the screen follows, the firmware is not kept busy
STAND_INS_BYTES = 25 * 1024  # what the simulator's stand-ins for the chip's modules take of the heap; on a chip they are in flash (make bench: heap.fakes)
CRASHES = 3  # the firmware is started again after a crash; so many in one run are a fault that does not go away
UNIQUE_ID = "a1b2c3d4e5f6"  # the simulated chip's number
DEVICE = f"mb-{UNIQUE_ID[-6:]}"  # the name that the firmware makes of it
CA_ON_DEVICE = "ca.pem"
_LISTENING = "listening at"  # the firmware logs it as it opens the meter's line
_BOOT_S = 20.0  # a busy computer's time to load the firmware
_BOOT_LOOK_S = 0.5  # between looks whether it still tries
_SETTLE_S = 1.0  # after a capture's end: the last telegram's way to the destinations
_DELIVERY_S = 15.0  # and the longest that is waited for them


class SimulatedRun:
    """`steps(name, start)` is called with each part's name and a function that starts it and returns a few words."""

    def __init__(self, choices: Choices, source: Source, steps: Callable[[str, Callable[[], str]], None]):
        self.choices = choices
        self.source = source
        self.model: Model | None = None
        self.over = threading.Event()
        self.dongle = None
        self.sent = 0  # telegrams
        self.broker = self.world = self.injection = self.unlocking = None
        self._ended: float | None = None
        self._steps = steps
        self._ends = contextlib.ExitStack()
        self._off = False  # the dongle has no power for a moment, and shall have none
        self.folder = Path(choices.folder).resolve() if choices.folder else None

    def __enter__(self) -> "SimulatedRun":
        try:
            self._start()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _start(self) -> None:
        self._micropython = runtime.find_micropython()
        self._make_folder()
        self.broker = broker.choose(self.choices.broker, self.folder, self.choices.mqtt_port)
        if self.choices.http_port:
            broker.free_port(self.choices.http_port, "--http-port")
        self._steps("firmware", self._build)
        self._steps("time server", self._start_ntp)
        self._steps(self.broker.name, self._start_broker)
        self._steps("HTTP server", self._start_http)
        if self.choices.fault:
            self._steps("fault", self._start_world)
        self._steps("meter's line", self._make_wire)
        self._make_model()
        self._steps("subscriber", self._subscribe)
        self._steps("dongle", self._start_dongle)
        self._steps("meter", self.start_meter)
        if self.choices.fault:
            self._steps("injection", self._start_injection)

    def _make_folder(self) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        else:
            self.folder = Path(tempfile.mkdtemp(prefix="meterbridge-"))
            self._ends.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def _build(self) -> str:
        """The firmware as it goes on a board: source would be compiled in the heap that is to be shown."""
        self._built = self.folder / "firmware"
        files = build.build("sim", self._built)
        return f"compiled as for a board: {len(files)} files, {sum(file.size for file in files) // 1024} KB"

    def _start_ntp(self) -> str:
        self._ntp = NtpServer().start()
        self._ends.callback(self._ntp.stop)
        return self._ntp.address

    def _start_broker(self) -> str:
        self._ends.callback(self.broker.stop)
        self.address = self.broker.start()
        return self.address.url

    def _start_http(self) -> str:
        from host_tools.http_receiver import HttpReceiver

        self.http = HttpReceiver(port=self.choices.http_port)
        self._ends.callback(self.http.stop)
        self.http.start()
        return self.http.url

    def _start_world(self) -> str:
        from host_tools.faults.world import World

        self.word = runtime.word_bytes(self._micropython)
        self.world = World(self, self.choices.fault.tls)
        self._ends.callback(self.world.stop)
        self.world.start()
        return f"{self.choices.fault.name} can be injected: the dongle's ways lead through {self.world.settings()['mqtt_url']}"

    def _start_injection(self) -> str:
        from host_tools.faults.injection import Injection

        self.injection = self.model.fault = Injection(self, self.choices.fault, self.choices.fault_after_s, self.choices.fault_for_s)
        self._ends.callback(self.injection.stop)
        self.injection.start()
        return self.injection.plan

    def _make_wire(self) -> str:
        self._line_file = self.folder / "line.json"
        self.wire = PtyWire(self.source.line, self.source.speed, str(self._line_file))
        self._ends.callback(self.wire.close)
        return f"{self.wire.path}  {self.source.line}"

    def _make_model(self) -> None:
        topic = f"meterbridge/{DEVICE}"
        listen = f"{command_name()} listen {self.address.url}"
        self.model = Model(Facts(
            self.source.title, str(self.source.line), self.source.cadence_s, self.address.url, f"{topic}/#", self.http.url,
            runtime.heap_bytes(self.choices.heap), listen))
        self.http.on_batch = self.model.http_batch

    def _subscribe(self) -> str:
        self.watch = mqtt_watch.MqttWatch(self.address, [self.model.facts.topic], self.model.message, ca=self.choices.ca)
        self.watch.open()
        self._ends.callback(self.watch.close)
        return self.model.facts.topic

    def settings(self) -> dict:
        """The dongle's configuration: what an owner would set, with a short status interval. What the meter speaks, the dongle finds out; its line too, if it shall."""
        chosen = {
            **WIFI, "ntp_server": self._ntp.address,
            "mqtt_url": self.address.url, "mqtt_user": self.address.user, "mqtt_password": self.address.password,
            "http_url": self.http.url, "http_interval_s": 1, "status_interval_s": STATUS_S,
        }
        if not self.choices.detect:
            chosen["meter_line"] = str(self.source.line)
        if self.choices.keys:
            chosen |= {f"meter_{name}": key for name, key in self.source.keys.items()}
        if self.choices.ca:
            chosen["mqtt_ca"] = CA_ON_DEVICE
        return chosen | (self.world.settings() if self.world else {})

    def _start_dongle(self) -> str:
        from host_tools.simulation.dongle import Dongle
        from host_tools.simulation.serial_console import SerialConsole

        self.console = self.world.console if self.world else SerialConsole()
        self._ends.callback(self.console.close)
        log = open(self.folder / "dongle.log", "w", encoding="utf-8")
        self._ends.callback(log.close)

        def take(line: str) -> None:
            if not log.closed:
                print(line, file=log, flush=True)
            self.model.log_line(line)

        path = ":".join([str(self._built), str(runtime.BOARDS / "sim"), ".frozen"])
        self.dongle = Dongle(
            self.folder, self.wire.path, self.settings(), line_file=self._line_file, on_log=take, micropython=self._micropython,
            heap=str((runtime.heap_bytes(self.choices.heap) + STAND_INS_BYTES) * runtime.word_bytes(self._micropython) // runtime.ESP32_WORD), main=self._built / "main.py",
            env={"MICROPYPATH": path}, unique_id=UNIQUE_ID, console=self.console, light=self._light())
        if self.choices.ca:
            self.dongle.flash.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.choices.ca, self.dongle.flash / CA_ON_DEVICE)
        if self.world:
            self.world.wire(self.dongle)
        self._ends.callback(self.dongle.stop)
        self.dongle.start()
        self._wait_for_boot()
        return f"on MicroPython, with {self.choices.heap} of heap in 32-bit words"

    def _light(self) -> Light | None:
        """What is over the eye of a meter that has one; who watches it is made with it."""
        eye = self.source.eye
        if eye is None:
            return None

        def change(on: bool, at: float) -> None:
            eye.light(on, at)
            self.model.changed.set()

        light = self._ends.enter_context(Light(self.folder, change))
        self.unlocking = self.model.unlocking = Unlocking(self.model, eye, light, self.console.type, self.choices.enter,
                                                          f"{command_name()} unlock --port {self.console.path}")
        return light

    def _wait_for_boot(self) -> None:
        """A meter that speaks every 10 s is to be heard the first time."""
        end = time.monotonic() + _BOOT_S
        while True:
            try:
                self.dongle.wait_for(_LISTENING, _BOOT_LOOK_S)
                return
            except TimeoutError:
                if time.monotonic() > end or not self.dongle.running or len(self.dongle.crashes) >= CRASHES:
                    raise FirmwareDied(self.dongle) from None

    def start_meter(self) -> str:
        self._player = Player(self.source.telegrams, self.wire, self.count)
        self._ends.callback(self.stop_meter)
        self._player.start()
        return "waits to be asked" if self.source.asked else f"a telegram every {self.source.cadence_s:g} s"

    def count(self, _telegram: object) -> None:
        """A telegram is on the line."""
        self.sent += 1

    def stop_meter(self) -> None:
        with contextlib.suppress(OSError, UserError):  # told of by check() while it mattered
            self._player.stop()

    def check(self) -> None:
        """UserError when a part of the run died."""
        if self.injection and self.injection.failure:
            raise UserError(f"the fault could not be injected: {self.injection.failure}", FAILED) from self.injection.failure
        if self._player.failure:
            raise UserError(f"the meter stopped: {self._player.failure}", FAILED) from self._player.failure
        if self.broker.died():
            raise UserError("the broker ended by itself; start again", FAILED)
        self.model.restarts = self.dongle.restarts
        if self.unlocking:
            self.unlocking.look()
        if self._off:
            return
        if not self.dongle.running or len(self.dongle.crashes) >= CRASHES:
            raise FirmwareDied(self.dongle)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile the dongle may be without power."""
        self._off = True
        try:
            yield
        finally:
            self._off = False

    def finished(self) -> bool:
        """True when a capture was played to its end and each destination has every reading that came of it."""
        if self.source.endless or not self._player.wait(0):
            return False
        self._ended = self._ended or time.monotonic()
        with self.model.lock:
            self.model.note = "the capture is at its end"
            sinks = self.model.sinks()
            newest = self.model.reading.get("seq")
            done = bool(sinks) and newest is not None and all(sink.acknowledged == newest and not sink.backlog for sink in sinks)
        return (done and time.monotonic() - self._ended > _SETTLE_S) or time.monotonic() - self._ended > _DELIVERY_S


class FirmwareDied(UserError):
    """The firmware ended for good; `lines` are the last it wrote."""

    def __init__(self, dongle: object):
        code = f" (exit code {dongle.crashes[-1]})" if dongle.crashes else ""
        what = "does not start" if dongle.running and not dongle.crashes else "died"
        super().__init__(f"the firmware {what}{code}; its last lines are above", FAILED)
        self.lines = list(dongle.log)[-20:]


def command_name() -> str:
    """How this user calls the project's command from where they are."""
    if shutil.which("meterbridge"):
        return "meterbridge"
    beside = Path(sys.executable).with_name("meterbridge")
    if not beside.exists():
        return "python -m host_tools"
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
