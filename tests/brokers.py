"""Real MQTT brokers for tests: options in, a listening broker on a free port out, that can be stopped, killed and frozen.

    with make_broker("amqtt", folder, user="me", password="secret") as broker:
        broker.port, broker.url
        broker.kill(); broker.start()      # comes back on the same port
        broker.freeze(); broker.thaw()     # half-open: the port answers, the program does not

`available()` names the brokers of this machine: amqtt always; mosquitto when installed, and it must be when CI=true.
"""

import asyncio
import json
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from host_tools.simulation.child import guarded

HOST = "127.0.0.1"
READY_S = 20  # a loaded machine's time to load a broker
STOP_S = 5
ROOT = Path(__file__).resolve().parent.parent


def find_mosquitto() -> str | None:
    """The program, which Debian keeps where ordinary users do not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


def available() -> list[str]:
    """Names for make_broker."""
    if find_mosquitto():
        return ["amqtt", "mosquitto"]
    if os.environ.get("CI", "").lower() == "true":
        raise RuntimeError("CI=true, and mosquitto is not installed")
    return ["amqtt"]


def make_broker(name: str, folder: Path, **options) -> "Broker":
    """A broker that is not started yet (use it in `with`). Options: port, certificate, key (PEM files), user, password, host."""
    return {"amqtt": Amqtt, "mosquitto": Mosquitto}[name](Path(folder), **options)


class Broker:
    """What both have in common. `host` is the name by which clients are told to reach it (a TLS name, perhaps)."""

    name = ""

    def __init__(self, folder, port=0, certificate=None, key=None, user=None, password=None, host=HOST):
        self.folder = folder
        self.host = host
        self.port = port or _free_port()
        self.certificate, self.key = certificate, key
        self.user, self.password = user, password
        self.process = None
        self.log = folder / f"{self.name}-{self.port}.log"

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.certificate else 'mqtt'}://{self.host}:{self.port}"

    def command(self) -> list[str]:
        """The command line, after writing the files that it names."""
        raise NotImplementedError

    def ready_line(self) -> bytes:
        """Part of the line that says that it listens."""
        raise NotImplementedError

    def stderr(self):
        """Where its standard error goes."""
        return open(self.log, "ab")

    def start(self) -> "Broker":
        """Starts it and returns once it listens."""
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr(), cwd=ROOT, start_new_session=True
        )
        end = time.monotonic() + READY_S
        seen = b""
        while self.ready_line() not in seen:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.kill()
                raise RuntimeError(f"{self.name} is not ready after {READY_S} s; see {self.log}")
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                self.kill()
                raise RuntimeError(f"{self.name} ended at once: {seen!r}; see {self.log}")
            seen += data
        return self

    def _over(self, how: int) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.thaw()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def stop(self) -> None:
        """Ends it in good order."""
        self._over(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, as a crash does."""
        self._over(signal.SIGKILL)

    def freeze(self) -> None:
        """It keeps its port and its connections and does nothing more."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Goes on after freeze."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(self, *_) -> None:
        self.kill()


# Few lines: nobody reads them once it is ready, and a full pipe would stop it. Its standard output has a buffer, this has none.
_LOG = ("log_dest stderr", "log_type information", "log_type warning", "log_type error")


class Mosquitto(Broker):
    """Debian's mosquitto, with a configuration of our own."""

    name = "mosquitto"

    def command(self) -> list[str]:
        # As root it would become a user of its own, who cannot read a test's folder.
        lines = ["persistence false", "user root", *_LOG, f"listener {self.port} {HOST}"]
        lines.append(f"allow_anonymous {'false' if self.user else 'true'}")
        if self.user:
            users = self.folder / "mosquitto.users"
            users.unlink(missing_ok=True)
            passwd = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
            subprocess.run([passwd, "-c", "-b", str(users), self.user, self.password], check=True, capture_output=True)
            lines.append(f"password_file {users}")
        if self.certificate:
            lines += [f"certfile {self.certificate}", f"keyfile {self.key}"]
        config = self.folder / f"mosquitto-{self.port}.conf"
        config.write_text("\n".join(lines) + "\n")
        return guarded([find_mosquitto(), "-c", str(config)])

    def stderr(self):
        return subprocess.STDOUT

    def ready_line(self) -> bytes:
        return b" running\n"


class Amqtt(Broker):
    """The broker of the Python package, in a process of its own."""

    name = "amqtt"

    def command(self) -> list[str]:
        listener = {"type": "tcp", "bind": f"{HOST}:{self.port}"}
        if self.certificate:
            listener.update(ssl=True, certfile=str(self.certificate), keyfile=str(self.key))
        plugins = {}
        if self.user:
            from pwdlib import PasswordHash
            from pwdlib.hashers.argon2 import Argon2Hasher

            users = self.folder / "amqtt.users"
            users.write_text(f"{self.user}:{PasswordHash((Argon2Hasher(),)).hash(self.password)}\n")
            plugins["amqtt.plugins.authentication.FileAuthPlugin"] = {"password_file": str(users)}
        else:
            plugins["amqtt.plugins.authentication.AnonymousAuthPlugin"] = {"allow_anonymous": True}
        config = self.folder / f"amqtt-{self.port}.json"
        config.write_text(json.dumps({"listeners": {"default": listener}, "plugins": plugins}))
        return [sys.executable, "-m", "tests.brokers", str(config)]

    def ready_line(self) -> bytes:
        return b"ready\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


async def _serve(config_file: str) -> None:
    from amqtt.broker import Broker as Program

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)  # whoever started it has ended
    program = Program(json.loads(Path(config_file).read_text()), loop=loop)
    await program.start()
    print("ready", flush=True)
    await over.wait()
    try:
        await asyncio.wait_for(program.shutdown(), 2)
    except asyncio.TimeoutError:
        pass


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    asyncio.run(_serve(sys.argv[1]))
