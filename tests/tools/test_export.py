"""Export and erase with the whole firmware: what the meter said compared with what comes out of a dongle that runs on, in every format."""

import csv
import io
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import serial

from host_tools import build, cli
from host_tools.dongle_console import Console
from host_tools.errors import FAILED, OK
from host_tools.kept import RAM
from host_tools.simulation.serial_console import SerialConsole
from tests.fault.bench_dongle import Bench

PATIENCE_S = 30
STEP_S = 60  # of the meter's clock from one telegram to the next: a quarter hour is 15 of them
# A meter whose clock is an hour from the dongle's is taken for one of another zone: this one, which runs ahead, jumps over that hour.
JUMP_AT, JUMP_S = 57, 480


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


class Talking:
    """A dongle on the bench, with a serial port, whose meter speaks on and on; `said`: what it said, by time."""

    def __init__(self, folder, firmware, meter="p1-nl", journal_flash_kb=1024):
        self.bench = Bench(folder, firmware, meter=meter, journal_flash_kb=journal_flash_kb)
        self.port = SerialConsole()
        self.bench.dongle.console = self.port
        self.bench.clock = 1_790_000_000 // 86400 * 86400 - 6000
        self.said: dict[str, dict] = {}
        self._pause, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self):
        self.bench.__enter__()
        self.bench.dongle.wait_for("listening at", PATIENCE_S)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self.bench.__exit__()
        self.port.close()

    def _speak(self):
        while not self._over.wait(0.02):
            with self._pause:
                self.bench.clock += (JUMP_S if len(self.said) == JUMP_AT else STEP_S) - self.bench.meter.cadence_s
                data, truth = self.bench.telegram()
                self.said[truth.get("time", len(self.said))] = truth
                self.bench.send(data)

    def wait(self, count):
        """Until so many readings were made of what it said."""
        end = time.monotonic() + PATIENCE_S
        while len(self.said) <= count:
            assert time.monotonic() < end, list(self.bench.dongle.log)[-10:]
            time.sleep(0.02)

    def export(self, capsys, *words, code=OK):
        """What comes to standard output, and to standard error."""
        return self.run(capsys, "export", *(() if "--folder" in words else ("--port", self.port.path)), *words, code=code)

    def run(self, capsys, *words, code=OK):
        done = cli.main(list(words))
        got = capsys.readouterr()
        assert done == code, (got, self.bench.dongle.crashes, list(self.bench.dongle.log)[-10:])
        return got


@pytest.fixture(scope="module")
def dongle(tmp_path_factory, firmware):
    with Talking(tmp_path_factory.mktemp("dongle"), firmware) as talking:
        talking.wait(120)
        yield talking


def check(rows, said):
    """Each row says what the meter said; none is missing between the first and the last."""
    numbers = [int(row["seq"]) for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    for row in rows:
        for name, value in said[row["time"]].items():
            if isinstance(value, str) and name.endswith("time"):
                assert row[name] == value, (name, row)
            elif not isinstance(value, (str, list, tuple)) and name in row and row[name] != "":
                assert int(row[name]) == int(value), (name, value, row)
        assert int(row["energy_import_t1_wh"]) and row["meter_id"]


def test_every_format_says_what_the_meter_said(dongle, capsys):
    before = len(dongle.said) - 1
    got = dongle.export(capsys, "--format", "ndjson")
    after = len(dongle.said)
    rows = [json.loads(line) for line in got.out.splitlines()]
    check(rows, dongle.said)
    assert rows[0]["seq"] == 1 and before - 1 <= len(rows) <= after and after > before + 1, "it read on meanwhile"
    assert {row["kind"] for row in rows} == {"reading"} and {row["boot"] for row in rows} == {1}
    assert f"{len(rows)} readings from {rows[0]['time']} to {rows[-1]['time']}" in got.err

    got = dongle.export(capsys, "--format", "csv")
    assert got.out.splitlines()[0].startswith("time,local_time,time_source,boot,seq,uptime_s,meter_id,")
    table = list(csv.DictReader(io.StringIO(got.out)))
    check(table, dongle.said)
    for row, line in zip(rows, table):
        for name, value in row.items():
            assert name == "kind" or line[name].lstrip("'") == str(value), name

    document = json.loads(dongle.export(capsys, "--format", "json").out)
    assert document["readings"][: len(rows)] == [{name: value for name, value in row.items() if name != "kind"} for row in rows]
    about = document["readings_about"]
    assert about["quantities"]["energy_import_t1_wh"] == {"unit": "Wh", "kind": "counter"} and about["missing"] == about["damaged_files"] == []
    assert about["quantities"]["power_w"]["unit"] == "W" and about["count"] == len(document["readings"])
    assert document["device"]["version"] and document["device"]["boot"] == 1
    assert not dongle.bench.dongle.crashes


def test_a_span_of_time(dongle, capsys):
    times = [list(dongle.said)[at] for at in (20, 60)]
    rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson", "--from", times[0], "--to", times[1]).out.splitlines()]
    assert [row["time"] for row in rows] == list(dongle.said)[20:61]
    assert "nothing is kept of that time" in dongle.export(capsys, "--from", "2050", code=FAILED).err
    assert "nothing is kept of that time" in dongle.export(capsys, "--to", "2020", code=FAILED).err


def test_quarter_hours_are_the_meters_counters(dongle, capsys):
    rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson", "--what", "quarters").out.splitlines()]
    assert len(rows) >= 7
    for before, row in zip(rows[1:], rows[2:]):
        truth, earlier = dongle.said[row["end"]], dongle.said[before["end"]]
        counter = sum(int(truth[f"energy_import_t{n}_wh"]) for n in (1, 2))
        assert row["energy_import_wh"] == counter and set(row["flags"].split()) <= {"step", "gap"} and row["kind"] == "quarter"
        assert row["energy_imported_wh"] == counter - sum(int(earlier[f"energy_import_t{n}_wh"]) for n in (1, 2))


def test_all_tables_and_a_copy(dongle, capsys, tmp_path):
    out, kept = tmp_path / "tables", tmp_path / "copy"
    dongle.export(capsys, "--what", "all", "-o", str(out), "--keep", str(kept))
    tables = {path.stem: list(csv.DictReader(open(path, newline=""))) for path in out.iterdir()}
    assert set(tables) == {"readings", "quarters", "days", "peaks", "gas", "log"}
    check(tables["readings"], dongle.said)
    assert any("meterbridge" in row["text"] and row["level"] == "info" and row["uptime_s"] for row in tables["log"]), tables["log"]
    assert tables["days"] and tables["days"][-1]["end"].endswith("00Z")
    again = json.loads(dongle.export(capsys, "--what", "all", "--format", "json", "--folder", str(kept)).out)
    for name, rows in tables.items():
        assert len(again[name]) == len(rows), name
    assert again["device"]["boot"] == 1
    (kept / RAM).unlink()
    with open(next((kept / "journal").iterdir()), "r+b") as file:  # a byte is wrong
        file.seek(1500)
        byte = file.read(1)
        file.seek(1500)
        file.write(bytes([byte[0] ^ 1]))
    got = dongle.export(capsys, "--folder", str(kept), "--format", "ndjson")
    some = [json.loads(line) for line in got.out.splitlines()]
    assert 0 < len(some) < len(tables["readings"]) and "damaged, read as far as possible: 00000001" in got.err
    for row in some:
        assert int(row["energy_import_t1_wh"]) == int(dongle.said[row["time"]]["energy_import_t1_wh"])


NONSENSE = {
    "binary": bytes(range(256)) * 20 + b"\n",
    "a long line": b"x" * 10_000 + b"\n",
    "commands in a long line": b"erase all " * 1000 + b"\n",
    "ends of files": b"\x04\x04\n\x1a\n\x00\n",
    "escapes": b"send ../config.json 0\nsend /flash/config.json\nsend journal/../../flash/config.json 0\nsend config.json\n",
    "JSON": b'{"erase":"all"}\n[' + b"[" * 100 + b"\n",
    "formats": b"%s%s%s%n\nsend %s %d\nerase {}\n",
    "half a line": b"erase al",
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_on_the_console(dongle, what):
    with serial.Serial(dongle.port.path, 115200, timeout=0.1) as port:
        port.write(NONSENSE[what])
    with Console(dongle.port.path) as console:
        heard = "".join(console._heard)
        assert console.files()
    assert "secret word" not in heard
    assert not dongle.bench.dongle.crashes and dongle.bench.dongle.running


def test_the_port_says_no_secrets(dongle):
    with serial.Serial(dongle.port.path, 115200, timeout=1) as port:
        for line in (b"help", b"status", b"files", b"hello 1", b"send config.json 0", b"send log/log 0"):
            port.write(line + b"\n")
            heard = port.read_until(b'{"done": "%s"}' % line)
            assert b'"done"' in heard and b"secret word" not in heard
            assert line != b"help" or b"erase WHAT" in heard


def test_erase(dongle, capsys, tmp_path):
    count = len(dongle.said)
    out = dongle.run(capsys, "erase", "--port", dongle.port.path, "--what", "readings", "--yes").out
    assert f"the first of {next(iter(dongle.said))}" in out and "readings: forgotten, " in out and "esptool --port" in out
    dongle.wait(count + 20)
    rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson").out.splitlines()]
    check(rows, dongle.said)
    assert list(dongle.said)[count - 1] <= rows[0]["time"] and rows[0]["seq"] >= count - 2, "what came before is forgotten, numbers go on"
    assert dongle.export(capsys, "--format", "ndjson", "--what", "quarters").out
    assert "profiles: forgotten, " in dongle.run(capsys, "erase", "--port", dongle.port.path, "--yes").out
    assert not dongle.bench.dongle.crashes


def test_readings_of_earlier_starts(dongle, capsys):
    dongle.wait(len(dongle.said) + 20)
    with Console(dongle.port.path) as console:
        console.save()
    with dongle._pause:
        since = dongle.bench.dongle.mark()
        dongle.bench.dongle.power_cycle()
        dongle.bench.dongle.wait_for("listening at", PATIENCE_S, since)
    dongle.wait(len(dongle.said) + 20)
    rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson").out.splitlines()]
    assert [row["boot"] for row in rows] == sorted(row["boot"] for row in rows) and {row["boot"] for row in rows} == {1, 2}
    check(rows, dongle.said)


def test_a_dongle_that_keeps_readings_in_ram_alone(tmp_path, firmware, capsys):
    with Talking(tmp_path / "dongle", firmware, journal_flash_kb=0) as dongle:
        dongle.wait(JUMP_AT + 5)
        rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson", "--keep", str(tmp_path / "copy")).out.splitlines()]
        check(rows, dongle.said)
        assert len(rows) > JUMP_AT and {row["boot"] for row in rows} == {1}
        again = dongle.export(capsys, "--format", "ndjson", "--folder", str(tmp_path / "copy"))
        assert [json.loads(line) for line in again.out.splitlines()] == rows


def test_readings_before_the_clock_was_ever_set(tmp_path, firmware, capsys):
    with Talking(tmp_path, firmware, "sml") as dongle:
        dongle.wait(5)
        got = dongle.export(capsys, "--format", "ndjson")
        rows = [json.loads(line) for line in got.out.splitlines()]
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) >= 5
        assert {(row["time"], row["time_source"], row["boot"]) for row in rows} == {(None, "uptime", 1)}
        assert all(0 <= row["uptime_s"] < 2 * PATIENCE_S for row in rows)
        assert f"{len(rows)} of them have no time but the seconds since a start" in got.err
        table = list(csv.DictReader(io.StringIO(dongle.export(capsys).out)))
        assert table[0]["time"] == table[0]["local_time"] == "" and table[0]["uptime_s"] == str(rows[0]["uptime_s"])
        got = dongle.export(capsys, "--from", "2020", code=FAILED)
        assert "more of unknown time are left out" in got.err


def test_ctrl_c_ends_the_firmware_with_all_on_flash(tmp_path, firmware, capsys):
    with Talking(tmp_path, firmware) as dongle:
        dongle.wait(10)
        chip = dongle.bench.dongle
        with dongle._pause:
            with Console(dongle.port.path) as console:
                end = time.monotonic() + PATIENCE_S
                while console.status()["journal"]["next"] <= len(dongle.said):
                    assert time.monotonic() < end
            # Here a signal stops MicroPython anywhere, even while it tidies its heap; on a chip Ctrl-C waits for the next instruction.
            while Path(f"/proc/{chip.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
                time.sleep(0.01)
            os.kill(chip.pid, signal.SIGINT)
            while chip.running:
                assert time.monotonic() < end, list(chip.log)[-40:]
                time.sleep(0.02)
            assert "stopped; a reset starts it again" in chip.log and not chip.crashes and not any("Traceback" in line for line in chip.log)
            said = list(dongle.said)
            since = chip.mark()
            chip.start()
            chip.wait_for("listening at", PATIENCE_S, since)
        dongle.wait(len(said) + 2)
        rows = [json.loads(line) for line in dongle.export(capsys, "--format", "ndjson").out.splitlines()]
        check(rows, dongle.said)
        assert [row["time"] for row in rows if row["boot"] == 1] == said
