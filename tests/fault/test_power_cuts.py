"""The power is cut at every program and every erase of the flash, with a part of it done: what is on flash stays whole, at most 60 s are lost.

The scenario and what must hold after each cut are in on_micropython/power_cuts.py; it runs on real MicroPython and a real LittleFS.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host_tools import runtime

HERE = Path(__file__).parent / "on_micropython"
SIDE_BY_SIDE = 2  # processes that share the cuts
LATEST_S = 60  # the most that may be lost


def micropython(script: str, *words: object) -> str:
    """What a program of this folder prints."""
    command = [runtime.find_micropython(), "-X", "heapsize=6m", str(HERE / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=runtime.environment(HERE))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


def test_power_cut_at_every_step() -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        parts = list(pool.map(lambda first: micropython("power_cuts.py", first, SIDE_BY_SIDE), range(SIDE_BY_SIDE)))
    found = [{name: int(number) for name, number in re.findall(r"(\w+) (\d+)", part)} for part in parts]
    cuts, steps = sum(part["cuts"] for part in found), found[0]["steps"]
    print(f"{cuts} power cuts at {steps} steps of the flash: at most {max(part['lost'] for part in found)} s of readings lost")
    assert cuts > 2 * steps > 1000
    assert max(part["lost"] for part in found) <= LATEST_S


def test_power_cut_while_the_file_system_is_made() -> None:
    assert int(micropython("first_start.py").split()[-1]) > 10
