"""The short run of the fuzzing, and that it sees what it is there to see: judges, counters and mutations tried on wrong things."""

import os
import re
import subprocess
import sys

import pytest

from host_tools import runtime
from host_tools.errors import UserError
from host_tools.meters import crc

SECONDS = 11  # of fuzzing on two processors: half a second of each target and processor
CI = os.environ.get("CI", "") not in ("", "0", "false")


def fuzz(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words], cwd=runtime.ROOT, capture_output=True, text=True, timeout=240
    )


def finished(done: subprocess.CompletedProcess) -> dict:
    """Executions of each target of a run in which none failed."""
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.search(r"^fuzz: [\d,]+ executions .* 0 failed$", done.stdout, re.MULTILINE), done.stdout
    rows = re.findall(r"^(\S+) +([\d,]+) executions .* ok$", done.stdout, re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in rows}


def test_short_run():
    from tests.fuzz import jobs, targets
    from tests.fuzz.protocols import ROWS

    names = {f"{name}.micropython" for name in ROWS}
    try:
        jobs.need_atheris()
        names |= set(targets.names())
    except UserError as error:
        if CI:
            pytest.fail(str(error))
    found = finished(fuzz("--seconds", str(SECONDS), *sorted(names)))
    assert {re.sub(r"micropython\d+$", "micropython", name) for name in found} == names and min(found.values()) > 0, found
    if len(names) == len(ROWS):
        pytest.skip("on MicroPython alone: atheris is not here, whose wheels are for CPython 3.11 to 3.13 on Linux x86-64")


def test_each_gets_the_same_time_until_enough_was_done():
    from tests.fuzz.__main__ import FLOOR, ROUND_S, rounds

    class Target:
        executions, seconds, failed = 0, 0, ""

        def __init__(self, speed):
            self.speed = speed

    for wanted in (1000, 10_000_000):
        targets = [Target(speed) for speed in (30, 1000, 5000)]
        for chosen, most, seconds in rounds(targets, wanted, 0, 2):
            assert 0 < seconds <= ROUND_S
            for target in chosen:
                target.executions += min(most, target.speed * seconds)
                target.seconds += seconds
        assert sum(target.executions for target in targets) >= wanted
        assert min(target.executions for target in targets) >= min(FLOOR, wanted // 3)
    assert targets[1].seconds == targets[2].seconds
    for target in targets:
        target.failed = "broken"
    assert not list(rounds(targets, wanted * 2, 0, 2))
    assert [row[1:] for row in rounds(targets, 0, 30, 2)] == [(1 << 30, 20)]


@pytest.fixture
def wire():
    from tests.fuzz import targets, work

    unload = work.unload.unload
    kept = [getattr(work.octets, name) for name in ("copy", "printable", "reflected")]
    work.install()
    yield lambda protocol: targets.make(f"{protocol}.wire")
    del work.frame.bytearray
    for name, function in zip(("copy", "printable", "reflected"), kept):
        setattr(work.octets, name, function)
    work.unload.unload = unload


def test_every_seed_passes(wire):
    from tests.fuzz import targets

    for name in targets.names():
        target = targets.make(name)
        for data in targets.seeds(name)[:30]:
            target(data)


def test_a_framer_that_believes_any_checksum_is_found(wire, monkeypatch):
    from bridge.framing import p1
    from tests.fuzz import targets

    target = wire("p1")
    monkeypatch.setattr(p1, "crc16_arc", lambda *_: 0x1234)
    with pytest.raises(targets.Broken, match="crc16 is not right"):
        target(b"\x41\x00/XYZ5x\r\n\r\n1-0:1.7.0(1*W)\r\n!1234\r\n")


def test_a_framer_that_loses_the_next_telegram_is_found(wire, monkeypatch):
    from bridge.framing import sml
    from tests.fuzz import targets

    target = wire("sml")
    monkeypatch.setattr(sml.SmlFramer, "_verified", lambda *_: False)
    with pytest.raises(targets.Broken, match="did not come out"):
        target(b"\x41\x00noise")


def test_work_without_bound_is_found(wire, monkeypatch):
    from bridge.framing import p1
    from tests.fuzz import targets

    search = p1.P1Framer._search

    def slow(self):
        for _ in range(2000):
            self._buffer.find(b"nowhere")
        return search(self)

    target = wire("p1")
    monkeypatch.setattr(p1.P1Framer, "_search", slow)
    with pytest.raises(targets.Broken, match="bytes looked at"):
        target(b"\x41\x00noise")


def test_python_that_runs_without_bound_is_found(wire, monkeypatch):
    from bridge.framing import p1
    from tests.fuzz import targets

    search = p1.P1Framer._search

    def slow(self):
        for _ in range(20_000):
            pass
        return search(self)

    target = wire("p1")
    monkeypatch.setattr(p1.P1Framer, "_search", slow)
    slow.__globals__["__name__"], name = "bridge.slow", __name__
    try:
        with pytest.raises(targets.Broken, match="lines of Python"):
            target(b"\x41\x00noise")
    finally:
        slow.__globals__["__name__"] = name


def test_judges_know_right_from_wrong():
    from tests.fuzz import checks
    from tests.fuzz.protocols import ROWS

    for row in ROWS.values():
        for telegram, payload in row.good:
            check = checks.CHECKS[row.name]
            kind = next(one for one in row.checksums if check(telegram, len(telegram), payload, one))
            if kind == "none":
                continue
            assert not check(telegram, len(telegram), payload[:-1] + bytes((payload[-1] ^ 1,)), kind)
            for at in range(telegram.find(b"\x02") if kind == "bcc" else 0, len(telegram)):  # what stands before STX no BCC covers
                wrong = telegram[:at] + bytes((telegram[at] ^ 4,)) + telegram[at + 1 :]
                assert not check(wrong, len(wrong), payload, kind), (row.name, at)
    text = b"/AAA5\r\n\r\n1-3:0.2.8(50)\r\n!"
    assert not checks.p1(text, len(text), text, "none")
    assert checks.p1(text + b"%x" % crc.arc(text), len(text) + 4, text, "crc16")


def test_judges_know_a_frame_that_holds_another_with_the_same_end():
    from host_tools.meters import mbus
    from tests.fuzz import checks

    inner = mbus.long_frame(b"\x53\xff\x11\x01\x67" + bytes(9))
    body = b"\x53\xff\x10\x01\x67\x0f"
    body += bytes(((-sum(body) - sum(inner[:4])) & 255,)) + inner[:-2]
    wire = mbus.long_frame(body)
    assert wire[-2:] == inner[-2:]
    assert checks.mbus(wire, len(wire), body[5:], "sum8")
    assert not checks.mbus(wire, len(wire), body[5:-1] + b"x", "sum8")
