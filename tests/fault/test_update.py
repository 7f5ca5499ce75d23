"""Updates when something breaks: the power cut at every step of the flash, on real MicroPython and a real LittleFS.

The scenario and what must hold after each cut are in on_micropython/update_cuts.py.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from host_tools import bundle, runtime

HERE = Path(__file__).parent / "on_micropython"
SIDE_BY_SIDE = 2  # processes that share the cuts
SECOND = {
    "bridge/app.mpy": b"the second app", "bridge/base.mpy": b"other " * 2500, "bridge/core/log.mpy": b"log", "bridge/serve/door.mpy": b"door" * 300,
}  # fmt: skip
THIRD = {"bridge/app.mpy": b"the third app", "bridge/base.mpy": b"third " * 1000, "bridge/push/sink.mpy": b"sink"}


def cut(folder: Path, first: int) -> dict[str, int]:
    """The figures of a process that cuts each SIDE_BY_SIDE-th step from `first` on."""
    words = [str(first), str(SIDE_BY_SIDE), str(folder / "second.update"), str(folder / "third.update")]
    command = [runtime.find_micropython(), "-X", "heapsize=8m", str(HERE / "update_cuts.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=runtime.environment(HERE))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", done.stdout)}


def test_power_cut_at_every_step_of_an_update(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bundle.BITS)
    (tmp_path / "update.pub").write_bytes(bundle.public(key))
    for name, version, files in (("second", "0.2.0", SECOND), ("third", "0.3.0", THIRD)):
        (tmp_path / f"{name}.update").write_bytes(bundle.make(version, files, key))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(lambda first: cut(tmp_path, first), range(SIDE_BY_SIDE)))
    steps, cuts = found[0]["steps"], sum(part["cuts"] for part in found)
    ran = [sum(part[name] for part in found) for name in ("first", "second", "third")]
    print(f"{cuts} power cuts at {steps} steps of two updates: {ran} starts of the first, second and third firmware, each whole")
    assert cuts > 2.5 * steps > 500 and all(ran)
