"""The lamp while the program is stopped: by the collector, by other work, for longer than RMT has pulses for; with RMT and without. MicroPython, virtual time.

Whatever happens, the light is never longer on than a pulse (by hand: and what the program stood still), never for 3.5 to 5.5 s, and dark at the end.
"""

import random

import pytest

from tests.sim.pin_bench import PinBench

PIN = "3052"
# By protocols 4.4: two wake pulses of 0.4 s with 1 s of dark behind each; 0.3 s within a digit, 3.8 s behind it, 3.1 s more for a 0.
BEGUN = [0, 1.4, 2.8, 3.5, 4.2, 11.5, 12.2, 12.9, 13.6, 14.3, 18.5, 19.2]
ON_S = 0.4
ALLOWED_S = 0.02
KINDS_OF_LIGHT = {"head": {"pin": 17, "on": 0}, "led": {"pin": 4, "on": 1}, "led-low": {"pin": 4, "on": 0}}


@pytest.fixture
def bench(tmp_path):
    with PinBench(tmp_path) as one:
        yield one


def exact(bench, far=ALLOWED_S):
    found = bench.pulses()
    assert len(found) == len(BEGUN)
    assert all(abs(at - wanted) <= far and abs(lasted - ON_S) <= far for (at, lasted), wanted in zip(found, BEGUN)), found
    return True


def opened(bench, **how):
    (eye,), said = bench.play(PIN, "generic", **how)
    assert not eye.erased and not bench.light.lit
    return eye.unlocked, said["whole"], said


@pytest.mark.parametrize("wired", KINDS_OF_LIGHT)
@pytest.mark.parametrize("rmt", [True, False])
def test_each_kind_of_light_plays_the_same(wired, rmt, tmp_path):
    wired = KINDS_OF_LIGHT[wired]
    with PinBench(tmp_path, **wired) as bench:
        assert opened(bench, rmt=rmt, led=[wired["pin"], wired["on"]])[:2] == (True, True) and exact(bench, 0.002)


@pytest.mark.parametrize("gc_ms", [5, 30, 250])
def test_a_collection_of_250_ms_moves_nothing_that_rmt_plays(gc_ms, bench):
    assert opened(bench, gc_ms=gc_ms)[:2] == (True, True) and exact(bench, 0.002)


@pytest.mark.parametrize("gc_ms", [5, 30, 250])
def test_by_hand_it_is_collected_in_the_dark_which_is_long_enough(gc_ms, bench):
    unlocked, whole, said = opened(bench, gc_ms=gc_ms, rmt=False)
    assert unlocked and whole and said["lit"] == 0
    assert all(abs(lasted - ON_S) < 0.002 for _, lasted in bench.pulses())
    gaps = [after[0] - at - lasted for (at, lasted), after in zip(bench.pulses(), bench.pulses()[1:])]
    wanted = [after - at - ON_S for at, after in zip(BEGUN, BEGUN[1:])]
    # between digits one more, before the next part
    assert all(-0.002 < gap - right <= (0.002 if right < 2.5 else gc_ms / 1000 + 0.002) for gap, right in zip(gaps, wanted)), gaps


@pytest.mark.parametrize("for_ms", [300, 1000, 1990])
def test_stops_of_two_seconds_anywhere_move_nothing_that_rmt_plays(for_ms, bench):
    for after_ms in range(0, 20000, 400):
        assert opened(bench, stops=[[after_ms, for_ms]])[:2] == (True, True) and exact(bench, 0.002), after_ms


def test_stops_of_up_to_three_seconds_make_a_gap_longer_and_the_pin_is_right_all_the_same(bench):
    for after_ms in range(0, 20000, 200):
        unlocked, whole, _ = opened(bench, stops=[[after_ms, 2900]])
        found = bench.pulses()
        assert unlocked and whole and all(abs(lasted - ON_S) < 0.002 for _, lasted in found), after_ms
        assert -0.002 < found[-1][0] - BEGUN[-1] < 0.95, found


@pytest.mark.parametrize("for_ms", [3500, 8000, 30000, 140000])
def test_longer_stops_leave_it_dark_and_end_it_before_a_second_pin_could_begin(for_ms, bench):
    broken = 0
    for after_ms in range(0, 20000, 500):
        unlocked, whole, _ = opened(bench, stops=[[after_ms, for_ms]])
        assert all(abs(lasted - ON_S) < 0.002 for _, lasted in bench.pulses()), after_ms
        assert len([one for one in bench.eyes[0].log if one.kind == "wrong"]) <= 1
        assert whole == (len(bench.pulses()) == len(BEGUN)) and unlocked <= whole, after_ms
        broken += not whole
        bench.eyes[0].tick(bench.eyes[0].log[-1].at + 130)
        assert len([one for one in bench.eyes[0].log if one.kind == "wrong"]) <= 1
    assert broken


def test_many_stops_at_random(bench):
    for seed in range(60):
        dice = random.Random(seed)
        stops = [[dice.randrange(24000), dice.randrange(10, 1900)] for _ in range(dice.randrange(1, 8))]
        opened(bench, stops=stops, gc_ms=dice.randrange(30))
        assert all(abs(lasted - ON_S) < 0.002 for _, lasted in bench.pulses()), seed


def test_by_hand_a_stop_lengthens_what_it_meets_and_shortens_nothing(bench):
    for after_ms in range(0, 20000, 250):
        unlocked, whole, _ = opened(bench, rmt=False, stops=[[after_ms, 900]])
        found = bench.pulses()
        assert unlocked and whole and all(ON_S - 0.002 < lasted < ON_S + 0.902 for _, lasted in found), after_ms
        assert all(after[0] - at - lasted > 0.298 for (at, lasted), after in zip(found, found[1:]))


def test_by_hand_it_is_broken_off_after_a_longer_stop_and_no_pulse_is_3_5_s_long(bench):
    for after_ms in range(0, 19000, 250):
        unlocked, whole, _ = opened(bench, rmt=False, stops=[[after_ms, 3000]])
        assert all(ON_S - 0.002 < lasted < 3.5 for _, lasted in bench.pulses()), after_ms
        assert unlocked <= whole and not {one.kind for one in bench.eyes[0].log} & {"long", "undefined"}
        bench.eyes[0].tick(bench.eyes[0].log[-1].at + 130)
        assert len([one for one in bench.eyes[0].log if one.kind == "wrong"]) <= 1
