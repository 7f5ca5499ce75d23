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
        self.dongle = Dongle(folder / "dongle", os.ttyname(self.slave), settings, main=folder / "program.py", **options)

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
    files = ["board.json", "config.json"]
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
