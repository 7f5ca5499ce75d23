"""What stands between a simulated dongle and its world: a run in; settings for the dongle, and handles to break and mend each part, out."""

import contextlib
import errno
import random
import shutil
import ssl
import threading
import time
from datetime import datetime, timedelta, timezone

from host_tools.certificates import Authority
from host_tools.faults.proxy import HOST, Proxy
from host_tools.meters.play import Telegram
from host_tools.simulation.serial_console import SerialConsole

ENOSPC = errno.ENOSPC
BROKER, SERVER = "broker.home", "server.home"  # names that the simulated DNS knows
_NOT_NOW = {"valid": 0, "expired": -60, "future": 30}  # days from now around which a certificate is valid
_CA = "fault-ca.der"
_LOOK_UP_MS = 7000  # lwIP asks a name server that is silent four times: after 1, 1, 2 and 3 s
_STANDSTILL_S = 60.0  # of a dongle that reads nothing: its UART's driver keeps the 4 KB that came first
_LEFT = 6 * 1024  # bytes of heap that memory pressure leaves, in 32-bit words
_PER_SECOND = 100  # telegrams of a meter in a hurry
_PORTION = 2000  # bytes: a pty holds 4095
_WATCH_S = 10.0  # for the subscriber to be back at the broker
_EVERY = 3  # each third block of the flash is bad


class World:
    """`run`: a SimulatedRun whose broker and web server stand. `mqtt`, `http`: the ways there."""

    def __init__(self, run: object, tls: bool):
        self.run = run
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        self.ca = None
        if tls:
            self._authority = Authority(run.folder, "fault-ca")
            self.ca = self._authority.der
            self._show("valid")
        self.mqtt = Proxy((HOST, run.address.port), self.tls)
        self.http = Proxy((HOST, run.http.port))
        self.console = SerialConsole()
        self._hurried: threading.Thread | None = None
        self._calm, self._ended = threading.Event(), threading.Event()

    def start(self) -> "World":
        """Opens the ways."""
        self.mqtt.start()
        self.http.start()
        return self

    def stop(self) -> None:
        """Closes them."""
        self._calm.set()
        self._ended.set()
        if self._hurried:
            self._hurried.join()
        self.mqtt.stop()
        self.http.stop()
        self.console.close()

    def settings(self) -> dict:
        """What the dongle is told: the same destinations, by these ways and by name."""
        chosen = {"mqtt_url": f"{'mqtts' if self.tls else 'mqtt'}://{BROKER}:{self.mqtt.port}",
                  "http_url": self.run.http.url.replace(f"{HOST}:{self.run.http.port}", f"{SERVER}:{self.http.port}")}
        return chosen | ({"mqtt_ca": _CA} if self.tls else {})

    def wire(self, dongle: object) -> None:
        """Before the dongle starts: its authority's certificate, where the names are, and a line whose oldest bytes stay in the UART."""
        if self.ca:
            dongle.flash.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.ca, dongle.flash / _CA)
        dongle.set_wifi(hosts={BROKER: HOST, SERVER: HOST})
        self.run.wire.stale_s = _STANDSTILL_S

    @property
    def flash(self) -> object:
        """The dongle's flash from outside."""
        return self.run.dongle.storage

    # broker and web server --------------------------------------------------------------------------------------------

    def kill_broker(self) -> None:
        self.mqtt.refuse()
        self.run.broker.kill()

    def start_broker(self) -> None:
        """The dongle finds it when the subscriber is there: what nobody subscribed to, the broker forgets."""
        self.run.broker.start()
        end = time.monotonic() + _WATCH_S
        while not self.run.watch.subscribed and time.monotonic() < end:
            time.sleep(0.02)
        self.mqtt.heal()

    def half_open(self) -> None:
        self.mqtt.half_open()
        self.http.half_open()

    def answer(self, status: int) -> None:
        """The web server's answer to everything; 0: as it should."""
        self.run.http.failing = status

    def certificate(self, which: str) -> None:
        """The broker shows one that is "valid", "expired" or of the "future", and the connection breaks."""
        self._show(which)
        self.mqtt.drop()

    def _show(self, which: str) -> None:
        at = datetime.now(timezone.utc) + timedelta(days=_NOT_NOW[which])
        self.tls.load_cert_chain(*self._authority.issue(f"fault-{which}", BROKER, at))

    # the network ------------------------------------------------------------------------------------------------------

    def wifi(self, up: bool) -> None:
        """Without Wi-Fi open connections carry nothing, and nobody tells them."""
        self.run.dongle.set_wifi(up=up)
        for way in (self.mqtt, self.http):
            (way.heal if up else way.stall)()

    def names(self, known: bool) -> None:
        """Whether names are found; when not, all connections have to be made anew."""
        self.run.dongle.set_wifi(dns=known, dns_ms=_LOOK_UP_MS)
        if not known:
            self.mqtt.drop()
            self.http.drop()

    # the dongle -------------------------------------------------------------------------------------------------------

    def spoil_flash(self) -> None:
        """Not the first two blocks: without them there is no file system."""
        self.flash.spoil(*range(2, self.flash.kb // 4, _EVERY))

    def damage_flash(self) -> None:
        """The power goes; garbage in the first two blocks, which say what the rest is, and in some others; the power comes."""
        draw = random.Random(1)
        dongle = self.run.dongle
        with self.run.held():
            dongle.kill()
            if self.flash.image.exists():
                with open(self.flash.image, "r+b") as image:
                    for block in (0, 1, *range(5, self.flash.kb // 4, 7)):
                        image.seek(block * 4096)
                        image.write(draw.randbytes(4096))
            dongle.restarts += 1
            dongle.start()

    def save(self) -> None:
        """Has the dongle write what is not on its flash yet, after the next telegram."""
        with open(self.console.path, "wb", buffering=0) as port:
            port.write(b"save\r\n")

    def take_memory(self) -> None:
        """The connections break too: new ones want memory."""
        self.run.dongle.set_wifi(heap_left=_LEFT * self.run.word // 4)
        self.mqtt.drop()
        self.http.drop()

    def give_memory(self) -> None:
        self.run.dongle.set_wifi(heap_left=None)

    # the meter --------------------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """The meter's telegrams of one second a hundred times, each as soon as the dongle has read the last: a line that waits for it."""
        self.run.stop_meter()
        self._calm.clear()
        self._hurried = threading.Thread(target=self._rush, name="meter in a hurry", daemon=True)
        self._hurried.start()

    def calm(self) -> None:
        """The meter as it was."""
        self._calm.set()
        self._hurried.join()
        self.run.start_meter()

    def _rush(self) -> None:
        run, wire = self.run, self.run.wire
        pace, wire.speed = wire.speed, 1000.0
        due = time.monotonic()
        with contextlib.suppress(OSError):  # the run ends
            while not self._calm.is_set():
                now = int(time.time())
                data = run.source.telegrams.meter.telegram(now)
                for at in range(0, len(data), _PORTION):
                    wire.write(data[at:at + _PORTION], self._ended)
                    wire.settle(self._ended)
                run.count(Telegram(0, now, data))
                due = max(due + 1 / _PER_SECOND, time.monotonic() - 1)
                wire.wait(due, self._calm)
        wire.speed = pace
