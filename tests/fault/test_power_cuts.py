"""The power is cut at every program and every erase of the flash, with a part of it done: what is on flash stays whole, at most 60 s are lost.

The scenario and what must hold after each cut are in on_micropython/power_cuts.py; it runs on real MicroPython and a real LittleFS.
"""

import random
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from host_tools import build, runtime
from tests.brokers import available, make_broker
from tests.fault.bench_dongle import PATIENCE_S, Bench, check

HERE = Path(__file__).parent / "on_micropython"
SIDE_BY_SIDE = 2  # processes that share the cuts
LATEST_S = 60  # the most that may be lost
CUTS = 10  # of the whole firmware
MOST_STEPS = 90  # of the flash from one of these cuts to the next: some three writes
PACE_S = 0.016  # a telegram: the meter's minute in a second, so that the 0.1 s that a write waits are 6 s of it


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """The folder of the compiled firmware, with its own names; from sources the code that is loaded when needed would cost far more time."""
    folder = tmp_path_factory.mktemp("parts")
    build.build("sim", folder, own_names=True)
    return folder


def micropython(parts: Path, script: str, *words: object) -> str:
    """What a program beside this one prints."""
    command = [runtime.find_micropython(), "-X", "heapsize=6m", str(HERE / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=runtime.environment(HERE, runtime.BOARDS / "sim", parts))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


def test_power_cut_at_every_step(parts: Path) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        told = list(pool.map(lambda first: micropython(parts, "power_cuts.py", first, SIDE_BY_SIDE), range(SIDE_BY_SIDE)))
    found = [{name: int(number) for name, number in re.findall(r"(\w+) (\d+)", part)} for part in told]
    cuts, steps = sum(part["cuts"] for part in found), found[0]["steps"]
    print(f"{cuts} power cuts at {steps} steps of the flash: at most {max(part['lost'] for part in found)} s of readings lost")
    assert cuts > 2.5 * steps > 1000
    assert max(part["lost"] for part in found) <= LATEST_S


def test_power_cut_while_the_file_system_is_made(parts: Path) -> None:
    assert int(micropython(parts, "first_start.py").split()[-1]) > 10


def test_power_cut_while_settings_are_saved(parts: Path) -> None:
    assert int(micropython(parts, "settings_cuts.py").split()[-1]) > 20


def life(bench: Bench) -> list[dict]:
    """Sends telegrams until the power is cut; what each said."""
    said = []
    restarts, since = bench.dongle.restarts, bench.dongle.mark()
    while bench.dongle.restarts == restarts:
        assert len(said) < 1000 and not bench.dongle.crashes, bench.log
        data, truth = bench.telegram()
        after = time.monotonic() + PACE_S
        bench.wire.write(data)
        said.append(truth)
        bench.wire.wait(after)
        while bench.wire._waiting() and bench.dongle.restarts == restarts:
            bench.wire.wait(time.monotonic() + 0.001)
    bench.dongle.wait_for("listening at", PATIENCE_S, since)
    return said


def test_power_cuts_of_the_whole_firmware(tmp_path: Path, firmware: Path) -> None:
    """While no destination can be reached the power goes again and again, in the middle of writing; then all is delivered that a write had kept."""
    chance = random.Random(4)
    settings = {"meter_protocol": "p1", "journal_flash_kb": 512, "journal_kb": 1}  # so little RAM that a write comes before the meter's minute is over
    with make_broker(available()[-1], tmp_path) as broker, Bench(tmp_path / "dongle", firmware, broker, **settings) as bench:
        broker.stop()
        sent = []
        for _ in range(CUTS):
            bench.dongle.storage.cut_power(chance.randint(1, MOST_STEPS), chance.choice(("none", "half", "most")))
            sent += life(bench)
        for _ in range(5):
            data, truth = bench.telegram()
            bench.send(data)
            sent.append(truth)
        bench.restart_broker()
        bench.owner.wait(lambda owner: any(reading["time"] == truth["time"] for (_, reading, _), *_ in owner.arrived.values()), PATIENCE_S)
        bench.status(lambda status: status["sinks"]["mqtt"]["backlog"] == 0)
        assert bench.dongle.storage.wear().cuts == CUTS and not bench.dongle.crashes, bench.log
        found = {name: reading for name, ((_, reading, _), *_) in bench.owner.arrived.items()}
    place = {truth["time"]: number for number, truth in enumerate(sent)}
    last_start, last = 0, -1
    for (start, _), reading in sorted(found.items()):
        number = place[reading["time"]]
        check(reading, sent[number], exact=False)
        assert 0 <= number - last - 1 <= LATEST_S * (start - last_start), "too many are lost, or one has two names"
        last_start, last = start, number
    assert (last_start, last) == (CUTS + 1, len(sent) - 1)
