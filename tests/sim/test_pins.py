"""Every PIN there is before every eye there is, by the firmware's plan: as it stands, with edges moved, with pulses that the meter missed or took twice.

`PINS=all` (as `make pins`) also plays every PIN of every plan through the firmware's lamp on MicroPython, and more of the rest.
"""

import dataclasses
import itertools
import os
import random

import pytest

from host_tools import runtime
from host_tools.meters import make
from host_tools.meters.eye import NORMAL, Eye
from host_tools.meters.eye_profiles import PROFILES
from host_tools.meters.sml_locked import SML_LOCKED_METERS
from tests.sim.pin_bench import PinBench

runtime.firmware_importable()
from bridge.core.counters import Counters  # noqa: E402
from bridge.pipeline import Pipeline  # noqa: E402
from bridge.reading.builder import Builder  # noqa: E402
from bridge.unlock.plan import digits, entry  # noqa: E402
from bridge.unlock.profiles import makers, profile  # noqa: E402

ALL = os.environ.get("PINS") == "all"
START = 1_767_261_600.0
JITTER_S = 0.02  # that an edge may be moved by
# Eyes of which there is no meter here: Lepus is Apator's; what begins to count with the first pulse is nobody's known.
NO_METER = {"apator-lepus": "APA"}
FIRST_PULSE = "first-pulse"
# A PIN of each kind: few pulses, many, zeros at each place, alone and in a row.
TELLING = ("0000", "0001", "0010", "0100", "1000", "1001", "0110", "1100", "0101", "1010", "9000", "0900", "0009", "9009", "9999", "1234", "9090", "5000", "1111", "4711")


class _Store:
    next = 0

    def append(self, reading):
        self.meter = reading.meter


class _Clock:
    synced = True

    def now(self):
        return int(START)

    uptime_s = now


def maker_of(kind):
    """The maker that the firmware reads in a telegram of a locked meter."""
    store = _Store()
    counters = Counters()
    pipeline = Pipeline("sml", Builder(counters, True), store, _Clock(), counters, None)
    pipeline.feed(memoryview(make(kind.name).telegram(int(START))), 0)
    return profile(store.meter.manufacturer or store.meter.id).maker


def eye_of(kind):
    return kind.meter(kind, 1).eye.profile.name


def timing(maker):
    one = profile(maker)
    return one.on_ms, one.off_ms, one.wake, one.wake_gap_ms, one.digit_wait_ms, one.zero_wait_ms


def pairs():
    """(maker, eye), one of each kind that differs in anything that a PIN meets, with the eyes for which it stands."""
    found = {eye_of(kind): maker_of(kind) for kind in SML_LOCKED_METERS} | NO_METER
    assert set(found) == set(PROFILES) - {FIRST_PULSE}
    kinds = {}
    for name, maker in found.items():
        eye = PROFILES[name]
        key = timing(maker), eye.shortest, eye.short, eye.long, eye.digit, eye.check, eye.wakes, eye.test, eye.fails
        kinds.setdefault(key, []).append((maker, name))
    return kinds.values()


PAIRS = list(pairs())
BY_PLAN = {timing(maker): maker for maker in reversed(makers())}  # of each plan the first maker


def edges(pin, maker):
    """Seconds of each edge since the first; the last is the end of all."""
    plan = entry(digits(pin), profile(maker))
    return [0.0, *itertools.accumulate(ms / 1000 for ms in plan)]


def see(which, pin, times):
    """The eye of that profile, or its name, and PIN after these edges."""
    eye = Eye(PROFILES[which] if isinstance(which, str) else which, pin)
    eye.tick(START - 1)
    for index, at in enumerate(times[:-1]):
        eye.light(not index & 1, START + at)
    eye.tick(START + times[-1] + 5.0)
    return eye


def opens(eye):
    """It is open by the right PIN, nothing else happened."""
    kinds = {one.kind for one in eye.log}
    return eye.unlocked and not eye.erased and kinds <= {"short", "state", "digit", "unlocked"}


def harmless(eye):
    return not eye.erased and not {one.kind for one in eye.log} & {"long", "undefined", "inf", "pin", "asked"}


def sample(step):
    return [f"{pin:04d}" for pin in range(10000)] if ALL else sorted({*TELLING, *(f"{pin:04d}" for pin in range(0, 10000, step))})


@pytest.mark.parametrize("alike", PAIRS, ids=lambda alike: "-".join(name for _, name in alike))
def test_every_pin_opens_every_meter_with_the_plan_of_its_maker(alike):
    maker, name = alike[0]
    for pin in range(10000):
        eye = see(name, f"{pin:04d}", edges(f"{pin:04d}", maker))
        assert opens(eye), (pin, maker, name, list(eye.log))


def test_the_makers_are_those_that_telegrams_name():
    assert {name: maker for alike in PAIRS for maker, name in alike} == {
        "generic": "", "emh": "EMH", "emh-ed300l": "EMH", "easymeter": "ESY", "dzg": "DZG", "apator": "APA", "apator-lepus": "APA", "iskra": "ISK", "itron": "ITR",
        "sagemcom": "DNT", "sagemcom-install": "DNT", "kaifa": "KFM"}  # fmt: skip


def test_a_meter_that_counts_from_the_first_pulse_only_takes_ten_pulses_and_no_wrong_pin_of_waits():
    for pin in sample(37):
        assert opens(see(FIRST_PULSE, pin, edges(pin, "APA"))), pin
        eye = see(FIRST_PULSE, pin, edges(pin, ""))
        assert opens(eye) == ("0" not in pin) and harmless(eye) and not [one for one in eye.log if one.kind == "wrong"], pin
        eye.tick(START + 200)
        assert eye.state == NORMAL and not [one for one in eye.log if one.kind == "wrong"], pin


@pytest.mark.parametrize("maker", BY_PLAN.values(), ids=lambda maker: maker or "generic")
def test_the_light_of_the_firmware_s_lamp_is_the_plan(maker, tmp_path):
    """Plan, lamp, RMT and pin on MicroPython, before each eye for which that plan is."""
    names = [name for alike in PAIRS for other, name in alike[:1] if timing(other) == timing(maker)]
    with PinBench(tmp_path) as bench:
        for pin in sample(17):
            eyes, said = bench.play(pin, *names, maker=maker)
            assert said["whole"] and all(map(opens, eyes)), (pin, [list(eye.log) for eye in eyes])
            wanted = edges(pin, maker)
            assert all(abs(at - begin) < 0.002 and abs(lasted - (end - begin)) < 0.002 for (at, lasted), begin, end in zip(bench.pulses(), wanted[::2], wanted[1::2]))


# edges that are moved -------------------------------------------------------------------------------------------------------


def moved(times, by):
    """Each edge moved by what `by(pulse, index of the edge)` says, in order."""
    return [at + by(index // 2, index) for index, at in enumerate(times[:-1])] + [times[-1] + JITTER_S]


def part_of(pin, maker):
    """For each pulse: 0 wake, 1 the first of a digit, 2 within, 3 the last."""
    parts = [0] * profile(maker).wake
    for digit in digits(pin):
        pulses = digit or (10 if not profile(maker).zero_wait_ms else 0)
        parts += [3 if at == pulses - 1 else 1 if not at else 2 for at in range(pulses)]
    return parts


@pytest.mark.parametrize("alike", PAIRS, ids=lambda alike: alike[0][1])
def test_edges_moved_by_20_ms_in_all_combinations(alike):
    maker, name = alike[0]
    most = 12 if ALL else 8  # edges of which each is moved both ways, independent of the others: 256 or 4,096 ways
    for pin in TELLING:
        times = edges(pin, maker)
        if len(times) - 1 <= most:
            for ways in itertools.product((-JITTER_S, JITTER_S), repeat=len(times) - 1):
                assert opens(see(name, pin, moved(times, lambda _, index: ways[index]))), (pin, ways)
    for pin in TELLING if ALL else ("0001", "1000", "9090"):  # edges of a kind are moved alike, the kinds independently
        times, parts = edges(pin, maker), part_of(pin, maker)
        for ways in itertools.product((-JITTER_S, JITTER_S), repeat=8):
            assert opens(see(name, pin, moved(times, lambda pulse, index: ways[parts[pulse] * 2 + (index & 1)]))), (pin, ways)


# How far each edge may be moved before a meter reads something else, by what is published: a pulse of 400 ms stays one of 100 ms (250 ms for an
# EasyMeter), and 300 ms of dark do not vanish. The digits' windows allow more: 3.8 s are 0.4 s for each edge more than 3 s. But for a Lepus, which
# takes a digit after 2 s: the next pulse ends 3.4 s + 0.4 s after the last one, and the next digit's 2 s are over after 4 s.
FARTHEST_S = {"easymeter": 0.075, "emh": 0.2, "emh-ed300l": 0.2, "apator-lepus": 0.1}
USUALLY_S = 0.15
BACK_S = 0.001


@pytest.mark.parametrize("alike", PAIRS, ids=lambda alike: alike[0][1])
def test_edges_moved_as_far_as_meters_allow_at_random(alike):
    maker, name = alike[0]
    for seed in range(10000 if ALL else 250):
        dice = random.Random(seed)
        pin = dice.choice(TELLING) if seed & 1 else f"{dice.randrange(10000):04d}"
        far = JITTER_S if seed % 5 else FARTHEST_S.get(name, USUALLY_S) - BACK_S
        way = (lambda: dice.uniform(-far, far)) if seed & 2 else (lambda: dice.choice((-far, far)))
        assert opens(see(name, pin, moved(edges(pin, maker), lambda *_: way()))), (pin, seed)


@pytest.mark.parametrize("alike", PAIRS, ids=lambda alike: alike[0][1])
def test_how_far_is_known(alike):
    maker, name = alike[0]
    far = FARTHEST_S.get(name, USUALLY_S)
    for pin in TELLING:
        times = edges(pin, maker)
        for way in (far - BACK_S, BACK_S - far):  # shorter pulses, longer ones
            eye = see(name, pin, moved(times, lambda _, index: -way if index & 1 else way))
            assert opens(eye), (pin, way, list(eye.log))
    # 10 ms more, and a pulse is none any more, or the dark before it, or it comes too late for its digit: another PIN, and nothing worse
    more = far + 0.01
    ways = (lambda _, index: -more if index & 1 else more, lambda _, index: more if index & 1 else -more, lambda pulse, _: more if pulse & 1 else -more)
    seen = [see(name, "1234", moved(edges("1234", maker), way)) for way in ways]
    assert not all(map(opens, seen)) and all(map(harmless, seen))


# zeros that are waited for --------------------------------------------------------------------------------------------------

# How long a meter may take to fix a digit (s), so that no zero is one too many or too few. Reckoned from the first pulse after k zeros in a row: it
# begins, dark since the last one, after 3.8 + 3.1 k s (after the wake presses 1 + 3.1 k s), must not begin before k + 1 (k) digits are fixed and
# must have ended before the next one is. Most telling: two zeros between digits, (3.8 + 6.2) / 3 = 3.333, and three at the front, (1 + 9.3 + 0.4) / 4 =
# 2.675, of EMH's longer pulses (1 + 9.3 + 0.5) / 4 = 2.7. Of ten pulses for a zero: 3.4 / 1 and (3.4 + 0.4) / 2.
BANDS_S = {"": (2.675, 3.333), "EMH": (2.7, 3.333), "APA": (1.9, 3.4)}


@pytest.mark.parametrize("maker", BANDS_S)
def test_zeros_do_not_drift_away_from_quick_and_slow_meters(maker):
    shortest, longest = BANDS_S[maker]
    pins = ["".join(pin) for pin in itertools.product("0159" if ALL else "019", repeat=4)]
    spare = 0.041 if maker == "APA" else 0.02  # two edges, each 20 ms off, over one digit or over three or four
    for digit in (shortest + spare, 3.0, longest - spare):
        eye = dataclasses.replace(PROFILES["generic"], digit=digit, check=digit)
        for pin in pins:
            times = edges(pin, maker)
            for off in (0, JITTER_S, -JITTER_S):
                assert opens(see(eye, pin, moved(times, lambda pulse, _: off if pulse & 1 else -off))), (pin, digit, off)
    for digit in (shortest - 0.01, longest + 0.01):
        assert not all(opens(see(dataclasses.replace(PROFILES["generic"], digit=digit), pin, edges(pin, maker))) for pin in pins)


# pulses that are missed or taken twice ---------------------------------------------------------------------------------------


def without(times, missed):
    """The edges without those of the pulses `missed` (numbers)."""
    return [at for index, at in enumerate(times[:-1]) if index // 2 not in missed] + times[-1:]


def twice(times, bounced):
    """Pulses `bounced` have a dark of a sixth in their middle."""
    found = []
    for index, at in enumerate(times[:-1]):
        found.append(at)
        if not index & 1 and index // 2 in bounced:
            lasts = times[index + 1] - at
            found += [at + lasts * 5 / 12, at + lasts * 7 / 12]
    return found + times[-1:]


MOST_WRONG = 3  # PINs that a meter can find in 53 s of light of which it sees any part: two presses and four zeros of 3 s are one


def wrongs(eye):
    return len([one for one in eye.log if one.kind == "wrong"])


def after(name, pin, times):
    """The eye two minutes later, when all of it is over; it may have been right all the same, as some eyes need no second wake press."""
    eye = see(name, pin, times)
    eye.tick(START + times[-1] + 125)
    assert harmless(eye), (pin, list(eye.log))
    assert eye.state in (NORMAL, "locked") and not eye.unlocked
    return eye


@pytest.mark.parametrize("alike", PAIRS, ids=lambda alike: alike[0][1])
def test_missed_pulses_delete_nothing(alike):
    """One of them anywhere: at most one wrong PIN, but for a Lepus, whose digits are short. Two of them: one more. Any of them: MOST_WRONG.

    A meter fills up with zeros what it saw no pulse of. Early enough, the rest of the PIN is a second one to it, and the head cannot know.
    """
    maker, name = alike[0]
    few = 2 if name == "apator-lepus" else 1
    for pin in TELLING if ALL else ("1234", "0001", "1000", "9090"):
        times = edges(pin, maker)
        pulses = range((len(times) - 1) // 2)
        for missed in itertools.combinations(pulses, 2):
            assert wrongs(after(name, pin, without(times, missed))) <= few + 1, (pin, missed)
        for one in pulses:
            assert wrongs(after(name, pin, without(times, {one}))) <= few, (pin, one)
            assert wrongs(after(name, pin, twice(times, {one}))) <= few, (pin, one)
        assert wrongs(after(name, pin, without(times, set(pulses)))) == 0
        for seed in range(500 if ALL else 40):
            dice = random.Random(seed)
            share = dice.random()
            after_missed = after(name, pin, without(times, {one for one in pulses if dice.random() < share}))
            begin = dice.choice(pulses)  # a hand before the head for a while
            after_covered = after(name, pin, without(times, set(range(begin, dice.randrange(begin, len(pulses)) + 1))))
            assert wrongs(after_missed) <= MOST_WRONG and wrongs(after_covered) <= MOST_WRONG, (pin, seed)
            assert wrongs(after(name, pin, twice(times, {one for one in pulses if dice.random() < share}))) <= MOST_WRONG
