"""The simulated dongle as a process: resets of each kind, what survives them, and that nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tools import runtime
from host_tools.errors import UserError
from host_tools.simulation import child
from host_tools.simulation.dongle import Dongle

POWER_ON, HARD_RESET, WATCHDOG = 1, 2, 3  # machine.reset_cause() of the ESP32 port

# A firmware of its own: obeys one letter at a time on its line.
PROGRAM = """
import asyncio, json, machine, network, os, time
uart = machine.UART(2, 115200, rx=16, tx=17, rxbuf=4096, timeout=0)
rtc = machine.RTC()
print('up', json.dumps([machine.reset_cause(), rtc.memory().decode(), sorted(os.listdir())]))
station = network.WLAN(network.STA_IF)
station.active(True)
async def main():
    stream = asyncio.StreamReader(uart)
    buffer = bytearray(256)
    print('ready')
    while True:
        n = await stream.readinto(buffer)
        for letter in bytes(buffer[:n or 0]).decode():
            if letter == 'R':
                machine.reset()
            elif letter == 'W':
                machine.WDT(timeout=1000)
                time.sleep(60)
            elif letter == 'F':
                machine.WDT(timeout=1000).feed()
            elif letter == 'X':
                1 // 0
            elif letter == 'M':
                rtc.memory(b'kept')
                with open('note', 'w') as file:
                    file.write('on flash')
            elif letter == 'D':
                with open('/data/note', 'a') as file:
                    file.write('x' * 100)
            elif letter == 'L':
                print('data', os.stat('/data/note')[6] if 'note' in os.listdir('/data') else os.listdir('/data'))
            elif letter == 'Q':
                raise SystemExit(0)
            elif letter == 'N':
                station.config(reconnects=-1)
                station.connect('home', 'secret1')
            elif letter == 'S':
                print('station', station.isconnected())
            print('did', letter)
asyncio.run(main())
"""


class Rig:
    """A dongle that runs PROGRAM, and the other end of its line."""

    def __init__(self, folder: Path, **options):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        (folder / "program.py").write_text(PROGRAM)
        settings = {"wifi_ssid": "home", "wifi_password": "secret1"}
        self.dongle = Dongle(folder / "dongle", os.ttyname(self.slave), settings, main=folder / "program.py", **{"heap": "160k", **options})

    def tell(self, letter: str, expect: str) -> str:
        mark = self.dongle.mark()
        os.write(self.master, letter.encode())
        return self.dongle.wait_for(expect, 10, mark)

    def close(self) -> None:
        self.dongle.stop()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    try:
        rig.dongle.start().wait_for("ready")
        yield rig
    finally:
        rig.close()


def up(line: str) -> list:
    return json.loads(line.removeprefix("up "))


def test_reset_keeps_flash_and_rtc_memory_and_a_power_cut_only_flash(rig: Rig) -> None:
    files = ["access.json", "board.json", "config.json"]
    assert up(rig.dongle.wait_for("up ")) == [POWER_ON, "", files]
    rig.tell("M", "did M")
    assert up(rig.tell("R", "up ")) == [HARD_RESET, "kept", [*files, "note"]]
    mark = rig.dongle.mark()
    rig.dongle.power_cycle()
    assert up(rig.dongle.wait_for("up ", since=mark)) == [POWER_ON, "", [*files, "note"]]
    assert rig.dongle.restarts == 2
    assert rig.dongle.causes == [POWER_ON, HARD_RESET, POWER_ON]


def test_a_stuck_firmware_is_reset_by_its_watchdog(rig: Rig) -> None:
    assert up(rig.tell("W", "up "))[0] == WATCHDOG
    rig.dongle.wait_for("ready")
    assert rig.dongle.crashes == []


def test_a_crash_is_found_by_the_watchdog_and_counted(rig: Rig) -> None:
    assert up(rig.tell("X", "up "))[0] == WATCHDOG
    assert rig.dongle.crashes == [1]
    assert any("ZeroDivisionError" in line for line in rig.dongle.log)


def test_a_crash_can_end_the_run(tmp_path: Path) -> None:
    rig = Rig(tmp_path, restart_crashed=False)
    try:
        rig.dongle.start().wait_for("ready")
        os.write(rig.master, b"X")
        with pytest.raises(TimeoutError, match="has ended"):
            rig.dongle.wait_for("never", 10)
        assert (rig.dongle.restarts, rig.dongle.crashes, rig.dongle.running) == (0, [1], False)
    finally:
        rig.close()


def test_a_program_that_ends_stays_ended(rig: Rig) -> None:
    os.write(rig.master, b"Q")
    with pytest.raises(TimeoutError, match="has ended"):
        rig.dongle.wait_for("never", 10)
    assert rig.dongle.restarts == 0


def test_wifi_goes_and_comes(rig: Rig) -> None:
    rig.tell("N", "did N")
    for up_now, expected in ((True, "station True"), (False, "station False"), (True, "station True")):
        rig.dongle.set_wifi(up=up_now)
        until = time.monotonic() + 5
        while rig.tell("S", "station") != expected:
            assert time.monotonic() < until, f"wifi up={up_now}: never {expected}"


MADE = "flash: no file system can be mounted"


def test_what_is_on_flash_outlives_resets_crashes_and_power_cuts(rig: Rig) -> None:
    assert rig.tell("L", "data ") == "data []"
    rig.tell("D", "did D")
    for how in ("R", "X"):
        rig.tell(how, "ready")
        rig.tell("D", "did D")
    mark = rig.dongle.mark()
    rig.dongle.power_cycle()
    rig.dongle.wait_for("ready", since=mark)
    assert rig.tell("L", "data ") == "data 300"
    assert not any(MADE in line for line in rig.dongle.log), "a new flash is no news"
    wear = rig.dongle.storage.wear()
    assert wear.erases == sum(wear.blocks) >= 4 and len(wear.blocks) == 512  # two of the new file system, one of each append but the first, which lies in the folder
    assert wear.programs > wear.erases and wear.bytes_programmed >= 600 and wear.cuts == 0


def test_a_damaged_flash_is_made_anew_and_said(rig: Rig) -> None:
    rig.tell("D", "did D")
    rig.dongle.kill()
    with open(rig.dongle.storage.image, "r+b") as image:
        image.write(b"\xa5" * 8192)  # both copies of the root
    mark = rig.dongle.mark()
    rig.dongle.start().wait_for("ready", since=mark)
    assert MADE in rig.dongle.wait_for("flash:", since=mark)
    assert rig.tell("L", "data ") == "data []"


@pytest.mark.parametrize("arrives", ["none", "half", "most"])
def test_the_power_goes_in_the_middle_of_a_write(rig: Rig, arrives: str) -> None:
    rig.tell("D", "did D")
    rig.dongle.storage.cut_power(2, arrives)  # erase, then the first program of the copy
    assert up(rig.tell("D", "up "))[0] == POWER_ON
    rig.dongle.wait_for("the power is cut at step")
    rig.tell("D", "did D")
    assert rig.tell("L", "data ") == "data 200"
    assert rig.dongle.storage.wear().cuts == rig.dongle.restarts == 1 and rig.dongle.crashes == []


def test_flash_that_fails_while_it_runs(rig: Rig) -> None:
    rig.tell("D", "did D")
    rig.dongle.storage.spoil(*range(2, 400))
    rig.tell("D", "did D")  # LittleFS finds another block
    rig.dongle.storage.fail(5)
    mark = rig.dongle.mark()
    rig.tell("D", "EIO")
    rig.dongle.wait_for("ready", since=mark)
    rig.dongle.storage.fail(0)
    rig.tell("D", "did D")
    assert rig.tell("L", "data ") == "data 300"


def test_without_flash_nothing_is_mounted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, flash_kb=0)
    try:
        rig.dongle.start().wait_for("ready")
        assert rig.dongle.storage.wear().steps == 0 and not rig.dongle.storage.image.exists()
        assert "OSError" in rig.tell("L", "OSError")
    finally:
        rig.close()


def test_waiting_says_what_it_saw(rig: Rig) -> None:
    with pytest.raises(TimeoutError, match="(?s)not within 0.2 s.*ready"):
        rig.dongle.wait_for("no such line", 0.2)


def test_stop_leaves_no_process(rig: Rig) -> None:
    pid = rig.dongle.pid
    assert pid and Path(f"/proc/{pid}").exists() or sys.platform != "linux"
    rig.dongle.stop()
    rig.dongle.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert rig.dongle.pid is None and not rig.dongle.running


@pytest.mark.parametrize("kind", ["", "guard"])
def test_nothing_outlives_a_killed_host(tmp_path: Path, kind: str) -> None:
    """The host program is killed and can clean up nothing; its child goes all the same."""
    host = textwrap.dedent(
        """
        import subprocess, sys, time
        from host_tools.simulation.child import guarded
        process = subprocess.Popen(guarded([sys.executable, "-c", "print('child', flush=True); import time; time.sleep(120)"], sys.argv[1]))
        print(process.pid, flush=True)
        time.sleep(120)
        """
    )
    with subprocess.Popen([sys.executable, "-c", host, kind], cwd=runtime.ROOT, stdout=subprocess.PIPE, text=True) as process:
        lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
        assert "child" in lines
        pid = int((lines - {"child"}).pop())
        os.kill(pid, 0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout.read() == ""  # its end comes when the last process that holds the pipe is gone, the child too
    assert child.guarded(["x"])[-1] == "x"


def test_trouble_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no board named moon"):
        Dongle(tmp_path, "", {}, board="moon").start()
    dongle = Dongle(tmp_path, "", {}, micropython="/nowhere/micropython", restart_crashed=False)
    dongle.start()
    with pytest.raises(TimeoutError, match="/nowhere/micropython: No such file"):
        dongle.wait_for("ready", 10)
    dongle.stop()
