"""What a minute's write of readings to flash costs in memory, beside what the file system takes: on 32-bit MicroPython (the ESP32's word size)."""

import os
import pathlib
import subprocess

import pytest

from bench import micropython32
from host_tools import runtime

SCRIPT = pathlib.Path(__file__).parent / "on_micropython_segments.py"
MINUTE_BYTES = 1200
BLOCK_BYTES = 2600  # with the start of a block, every few minutes: its meter's texts


def test_garbage_of_a_write(tmp_path):
    micropython = micropython32.command()
    if micropython is None:
        pytest.skip("no 32-bit MicroPython here")
    environment = dict(os.environ, MICROPYPATH=f"{runtime.FIRMWARE}:.frozen")
    command = [micropython, "-X", "heapsize=300k", str(SCRIPT), "journal"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    mostly, most = [int(word) for word in done.stdout.split()]
    assert mostly <= MINUTE_BYTES and most <= BLOCK_BYTES, done.stdout
