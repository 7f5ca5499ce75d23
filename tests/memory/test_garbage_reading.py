"""What a telegram costs in memory beyond its registers: begin to finish, and append, on 32-bit MicroPython (the ESP32's word size)."""

import os
import pathlib
import subprocess

import pytest

from bench import micropython32
from host_tools import runtime

SCRIPT = pathlib.Path(__file__).parent / "on_micropython_reading.py"
READING_BYTES = 250  # of a P1 telegram with 30 quantities; the reading itself is most of it
APPEND_BYTES = 32  # a list of the decoder grows now and then


def test_garbage_of_reading_and_store():
    micropython = micropython32.command()
    if micropython is None:
        pytest.skip("no 32-bit MicroPython here")
    environment = dict(os.environ, MICROPYPATH=f"{runtime.FIRMWARE}:.frozen")
    done = subprocess.run([micropython, "-X", "heapsize=300k", str(SCRIPT)], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    reading, append = [int(word) for word in done.stdout.split()]
    assert reading <= READING_BYTES and append <= APPEND_BYTES, done.stdout
