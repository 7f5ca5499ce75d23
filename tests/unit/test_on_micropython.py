"""The unit tests of this folder once more, on real MicroPython."""

import os
import pathlib
import subprocess

import pytest

from host_tools import runtime

HERE = pathlib.Path(__file__).parent
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem != "test_on_micropython")


@pytest.mark.parametrize("module", MODULES)
def test_on_micropython(module):
    environment = dict(os.environ, MICROPYPATH=f"{HERE}:{runtime.FIRMWARE}:.frozen")
    command = [str(runtime.find_micropython()), "-X", "heapsize=2m", str(HERE / "on_micropython.py"), module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=runtime.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
