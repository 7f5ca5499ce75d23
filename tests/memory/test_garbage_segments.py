"""What a minute's write of readings to flash costs in memory, beside what the file system takes: on 32-bit MicroPython (the ESP32's word size)."""

import os
import pathlib
import subprocess

import pytest

from bench import micropython32
from host_tools import build

SCRIPT = pathlib.Path(__file__).parent / "on_micropython_segments.py"
# Mostly, and with the start of a block, every few minutes: its meter's texts.
LIMITS = {"kept": (1400, 2900), "loaded": (5000, 8000)}


@pytest.mark.parametrize("code", LIMITS)
def test_garbage_of_a_write(tmp_path, code):
    micropython = micropython32.command()
    if micropython is None:
        pytest.skip("no 32-bit MicroPython here")
    build.build("sim", tmp_path / "firmware", own_names=True)
    environment = dict(os.environ, MICROPYPATH=f"{tmp_path / 'firmware'}:.frozen")
    command = [micropython, "-X", "heapsize=300k", str(SCRIPT), "journal", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    mostly, most = [int(word) for word in done.stdout.split()]
    print(done.stdout)
    assert mostly <= LIMITS[code][0] and most <= LIMITS[code][1], done.stdout
