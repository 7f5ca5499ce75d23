"""Each fault that can be injected by hand, in a whole simulated run: what it costs (readings) and how long it takes until all is well (seconds).

The runs go side by side, as most of their time is waiting; each test looks at its own. Longer outages are in virtual time, in test_long_outages.py.
"""

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from host_tools import faults, run_source
from host_tools.errors import UserError
from host_tools.faults.injection import RECOVERED
from host_tools.simulated_run import Choices, SimulatedRun
from tests.brokers import available

SIDE_BY_SIDE = 6
AFTER_S, FOR_S = 3.0, 4.0
PATIENCE_S = 75
RECOVERY_S = 60  # what the project promises
BEGINNING = threading.Lock()


@dataclass
class Trial:
    """What became of a run with a fault."""

    recovered: bool = False
    recovery_s: float = 0.0
    lost: dict = field(default_factory=dict)
    most: dict = field(default_factory=dict)
    news: list = field(default_factory=list)
    log: str = ""
    crashes: int = 0
    restarts: int = 0
    statuses: list = field(default_factory=list)


def attempt(name: str, folder) -> Trial:
    """Runs the main job until the fault is over and all has arrived, or patience ends."""
    broker = "mosquitto" if "mosquitto" in available() else "embedded"
    choices = Choices(broker, folder=str(folder), fault=faults.find(name), fault_after_s=AFTER_S, fault_for_s=FOR_S)
    trial = Trial()
    with contextlib.ExitStack() as stack:
        with BEGINNING:  # one after the other: what is started is measured by nobody
            run = stack.enter_context(SimulatedRun(choices, run_source.of_meter("p1-nl"), lambda _name, start: start()))
        end = time.monotonic() + PATIENCE_S
        while run.injection.state != RECOVERED and time.monotonic() < end:
            run.check()
            status = run.model.status
            if status and (not trial.statuses or trial.statuses[-1] is not status):
                trial.statuses.append(status)
            time.sleep(0.05)
        trial.recovered, trial.recovery_s = run.injection.state == RECOVERED, run.injection.recovery_s or 0.0
        trial.lost, trial.most, trial.news = run.injection.lost, run.injection.most, run.injection.news
        if trial.lost["http"] == 1 and not run.http.holes():
            trial.lost["http"] = 0  # every one came: the newest is on its way a little longer than before
        trial.log, trial.crashes, trial.restarts = "\n".join(run.dongle.log), len(run.dongle.crashes), run.dongle.restarts
    print(f"{name}: {trial.news[-1]}; at most waited {trial.most}")
    return trial


@pytest.fixture(scope="module")
def trials(tmp_path_factory, request):
    """A run for each test that was chosen, as futures by the fault's name."""
    chosen = {item.callspec.params["name"] for item in request.session.items if item.module is request.module and hasattr(item, "callspec")}
    chosen |= {item.function.fault for item in request.session.items if item.module is request.module and hasattr(item.function, "fault")}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(attempt, name, tmp_path_factory.mktemp(name)) for name in sorted(chosen)}


def result(trials: dict[str, Future], name: str) -> Trial:
    """What became of it; it cost nothing and was over in time."""
    trial = trials[name].result()
    assert trial.recovered, (trial.news, trial.log[-3000:])
    assert trial.recovery_s < RECOVERY_S
    assert not trial.crashes, trial.log[-3000:]
    return trial


# Name of the fault; what the dongle's log says of it; whose readings wait meanwhile.
FREE = [
    ("broker-killed", "mqtt: connection refused", ("mqtt",)),
    ("broker-stalls", "", ("mqtt",)),  # too short for its time-out: test_sinks.py has that
    ("wifi-lost", "warning wifi: connection lost", ("mqtt", "http")),
    ("dns-failing", "warning mqtt: connection closed", ()),  # addresses that worked are remembered
    ("half-open", "mqtt: the broker did not answer in 10 s", ("mqtt", "http")),
    ("tls-expired", "mqtt: the server's certificate has expired by the dongle's clock", ("mqtt",)),
    ("clock-unset", "mqtt: the server's certificate is not valid yet by the dongle's clock (is it set?)", ("mqtt",)),
    ("sink-500", "warning http: 500", ("http",)),
    ("low-memory", "MemoryError", ("http",)),
]
WAITING = 3  # readings of those that had to wait
PROMPT = 2  # readings that are on their way to who need not wait: one, and one more on a busy computer


@pytest.mark.parametrize("name, said, waits", FREE, ids=[row[0] for row in FREE])
def test_nothing_is_lost(name, said, waits, trials):
    trial = result(trials, name)
    assert trial.lost == {"mqtt": 0, "http": 0}, (trial.news, trial.log[-3000:])
    assert said in trial.log, trial.log[-3000:]
    assert not trial.restarts
    if name != "low-memory":  # there each task has its own luck
        assert all(most >= WAITING if way in waits else most <= PROMPT for way, most in trial.most.items()), trial.most


def test_a_hundred_readings_per_second(trials, tmp_path):
    trial = result(trials, "fast-meter")
    if any(trial.lost.values()):  # this computer is the chip: where others kept it busy, its receive buffer overflowed. Now alone
        trial = attempt("fast-meter", tmp_path)
        assert trial.recovered and not trial.crashes, trial.log[-3000:]
    assert trial.lost == {"mqtt": 0, "http": 0}
    assert trial.statuses[-1]["journal"]["next"] > 50 * FOR_S


test_a_hundred_readings_per_second.fault = "fast-meter"


def problems(trial: Trial) -> list[str]:
    """What the status said of the flash."""
    return [status["journal"]["flash"]["problem"] for status in trial.statuses]


def test_a_flash_that_takes_nothing_costs_nothing(trials):
    trial = result(trials, "flash-full")
    assert trial.lost == {"mqtt": 0, "http": 0}
    assert "flash is full" in problems(trial), problems(trial)


test_a_flash_that_takes_nothing_costs_nothing.fault = "flash-full"


def test_bad_blocks_are_not_noticed(trials):
    trial = result(trials, "flash-bad-block")
    assert trial.lost == {"mqtt": 0, "http": 0}
    assert not any(problems(trial)), problems(trial)


test_bad_blocks_are_not_noticed.fault = "flash-bad-block"


def test_a_flash_full_of_garbage_is_made_anew(trials):
    """What had arrived is not lost with it; the telegrams of the time without power are."""
    trial = result(trials, "flash-damaged")
    assert trial.restarts == 1 and "no file system can be mounted" in trial.log.split("start 2")[0]
    assert not any(problems(trial)[-1:])
    assert max(trial.lost.values()) <= 4, trial.news


test_a_flash_full_of_garbage_is_made_anew.fault = "flash-damaged"


def test_a_wrong_name_lists_all():
    with pytest.raises(UserError) as refused:
        faults.find("broker-kiled")
    assert all(fault.name in str(refused.value) for fault in faults.FAULTS) and "did you mean broker-killed" in str(refused.value)


def test_each_fault_fits_the_screen():
    assert all(len(fault.what) <= 76 and len(fault.sees) <= 71 for fault in faults.FAULTS)
