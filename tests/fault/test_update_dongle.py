"""Updates of a whole dongle that reads its meter and delivers: by network and by serial port, one that stays, one that reaches nobody, one that crashes."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from host_tools import build, bundle, cli, runtime
from host_tools.simulation.dongle import TOKEN
from host_tools.simulation.serial_console import SerialConsole
from tests.fault.bench_dongle import PATIENCE_S, Bench

HEALTHY_S, TRIAL_S = 10, 20  # in place of 100 and 600
QUICK = [("_HEALTHY_S = const(100)", f"_HEALTHY_S = const({HEALTHY_S})"), ("_TRIAL_S = const(600)", f"_TRIAL_S = const({TRIAL_S})")]


def changed(name: str, *changes: tuple[str, str]) -> bytes:
    """A source of the firmware with some of its words replaced, each of which must be there."""
    text = (runtime.FIRMWARE / "bridge" / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text.encode()


@pytest.fixture(scope="module")
def updates(tmp_path_factory) -> Path:
    """A folder with update.pub, the dongle's token, good.update (0.2.0), and crashes.update (0.3.0), whose program dies."""
    folder = tmp_path_factory.mktemp("updates")
    built = build.build("sim", folder / "built", own_names=True)  # so that a module can be put in another's place
    files = {file.name: file.path.read_bytes() for file in built if file.name.startswith("bridge/")}
    for name in ("app", "update/life"):
        del files[f"bridge/{name}.mpy"]
    files["bridge/update/life.py"] = changed("update/life.py", *QUICK)
    files["bridge/app.py"] = changed("app.py", ('VERSION = "0.1.0"', 'VERSION = "0.2.0"'))
    key = rsa.generate_private_key(public_exponent=65537, key_size=bundle.BITS)
    (folder / "update.pub").write_bytes(bundle.public(key))
    (folder / "token").write_text(TOKEN)
    (folder / "good.update").write_bytes(bundle.make("0.2.0", files, key))
    files["bridge/app.py"] = changed("app.py", ('VERSION = "0.1.0"', "raise OSError('no such chip')"))
    (folder / "crashes.update").write_bytes(bundle.make("0.3.0", files, key))
    return folder


class Home(Bench):
    """A bench whose firmware lies in slot a, with a serial console."""

    def __init__(self, folder: Path, firmware: Path, updates: Path, *words, **settings):
        super().__init__(folder, firmware, *words, **settings)
        self.port = self.dongle.console = SerialConsole()
        self.dongle.heap = "480k"  # the updates have all names and comments of their sources
        flash = self.dongle.flash
        for path in [path for path in (firmware / "bridge").rglob("*") if path.is_file()]:
            there = flash / "a" / path.relative_to(firmware)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(path.read_bytes())
        (flash / "slot").write_text("a")
        (flash / "update.pub").write_bytes((updates / "update.pub").read_bytes())

    def __exit__(self, *words) -> None:
        super().__exit__(*words)
        self.port.close()

    @property
    def slot(self) -> str:
        return (self.dongle.flash / "slot").read_text()

    def update(self, *words: object) -> str:
        """`meterbridge update` while the meter goes on; what it printed."""
        command = [sys.executable, "-m", "host_tools", "update", *map(str, words)]
        with subprocess.Popen(command, cwd=runtime.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            told: list[str] = []
            reader = threading.Thread(target=lambda: told.extend(process.stdout))
            reader.start()
            starts = len(self.dongle.causes)
            while len(self.dongle.causes) == starts and process.poll() is None:
                self.send(self.telegram()[0])
            process.wait(60)
            reader.join()
        return "".join(told)


@pytest.fixture
def home(tmp_path, firmware, updates, broker):
    with Home(tmp_path / "dongle", firmware, updates, broker, meter_protocol="p1", journal_flash_kb=512) as home:
        home.good(2)
        yield home


def none_missing(home: Home) -> bool:
    """Whether the broker has all readings from the first to the newest, over all starts."""
    numbers = sorted(seq for _, seq in home.owner.arrived)
    return numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 20


def test_over_the_network_no_reading_is_lost_and_it_stays(home, updates):
    since = home.dongle.mark()
    said = home.update(updates / "good.update", "--host", f"127.0.0.1:{home.dongle.http_port}", "--token-file", updates / "token")
    assert "version 0.2.0 is on the dongle" in said, said + home.log
    home.dongle.wait_for("meterbridge 0.2.0 on sim, start 2 (reset)", PATIENCE_S, since)
    home.dongle.wait_for("0.2.0 is on trial", PATIENCE_S, since)
    assert home.slot == "b a 2 0.2.0"
    home.await_broker(since)
    home.synchronize()
    home.good(3)
    home.dongle.wait_for("update: 0.2.0 stays", PATIENCE_S, since)
    assert home.slot == "b - updated to 0.2.0" and not (home.dongle.flash / "starts").exists()
    status = home.status(lambda status: status["update"]["last"])
    assert status["update"] == {"slot": "b", "state": "", "last": "updated to 0.2.0"} and status["device"]["version"] == "0.2.0"
    assert none_missing(home)
    told = home.dongle.mark()
    said = home.update(updates / "good.update", "--port", home.port.path)  # the same version is taken again, into the other slot
    assert "version 0.2.0 is on the dongle" in said, said + home.log
    home.dongle.wait_for("start 3 (reset)", PATIENCE_S, told)
    assert home.slot == "a b 2 0.2.0"
    home.await_broker(told)
    home.synchronize()
    home.status(lambda status: status["sinks"]["mqtt"]["backlog"] == 0)
    assert none_missing(home)


def test_one_that_no_reading_comes_from_and_one_that_crashes_are_taken_back(home, updates):
    since = home.dongle.mark()
    assert "is on the dongle" in home.update(updates / "good.update", "--host", f"127.0.0.1:{home.dongle.http_port}", "--token-file", updates / "token")
    home.dongle.wait_for(f"update 0.2.0 was taken back: no reading came within {TRIAL_S // 60} minutes", PATIENCE_S + TRIAL_S, since)
    home.dongle.wait_for("meterbridge 0.1.0 on sim, start 3 (reset)", PATIENCE_S, since)
    assert home.slot.startswith("a - update 0.2.0 was taken back")
    home.await_broker(since)
    home.synchronize()
    since = home.dongle.mark()
    assert "is on the dongle" in home.update(updates / "crashes.update", "--port", home.port.path)
    for _ in range(3):
        home.dongle.wait_for("no such chip", PATIENCE_S, since)
        since = home.dongle.mark()
    home.dongle.wait_for("update: update 0.3.0 was taken back: OSError no such chip", PATIENCE_S, since)
    home.await_broker(since)
    home.synchronize()
    home.good(2)
    assert len(home.dongle.crashes) == 3


def test_what_is_refused_says_why_and_changes_nothing(home, updates, tmp_path, capfd):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bundle.BITS)
    strange = tmp_path / "strange.update"
    strange.write_bytes(bundle.make("0.2.0", {"bridge/app.mpy": b"x"}, key))
    here = ["--host", f"127.0.0.1:{home.dongle.http_port}"]

    def refused(*words: object) -> str:
        assert cli.main(["update", *map(str, words)]) in (1, 2)
        said = capfd.readouterr().err
        assert len(said.strip().splitlines()) == 1, said
        return said

    assert "not by the key that this dongle trusts" in refused(strange, *here, "--token-file", updates / "token")
    assert "not by the key that this dongle trusts" in refused(strange, "--port", home.port.path)
    (tmp_path / "wrong").write_text("WRONG")
    assert "token" in refused(strange, *here, "--token-file", tmp_path / "wrong")
    assert "the dongle's token is needed" in refused(strange, *here)
    strange.write_bytes(strange.read_bytes()[:-1])
    assert "damaged" in refused(strange, *here, "--token-file", updates / "token")
    assert "no such file" in refused(tmp_path / "none", *here)
    assert home.slot == "a" and not (home.dongle.flash / "b").exists()
    home.good(2)
