"""Memory budgets of the design on 32-bit MicroPython, the ESP32's word size; loud where it cannot be had."""

import os

import pytest

from bench import decode, micropython32, running, samples

GARBAGE_BYTES = 512  # per telegram, from framing to store
CI = os.environ.get("CI", "") not in ("", "0", "false")


@pytest.fixture(scope="module")
def micropython() -> str:
    try:
        return micropython32.need()
    except micropython32.Missing as problem:
        if CI:
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.mark.parametrize("protocol", samples.SAMPLES)
def test_garbage_per_telegram(micropython, protocol, tmp_path):
    path = samples.write(samples.SAMPLES[protocol][0], tmp_path / protocol)
    assert decode.garbage(protocol, path) <= GARBAGE_BYTES


@pytest.mark.parametrize("name", running.CASES)
def test_whole_firmware_runs_without_a_restart(micropython, name):
    memory = running.heap_after(*running.CASES[name], micropython, running.HEAP_32, readings=200)
    assert memory["restarts"] == 0
