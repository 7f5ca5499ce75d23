"""The whole firmware before a locked meter when things go wrong: pulses that do not arrive, resets in each phase, light where none may be, faults of the program."""

import random

import pytest

from host_tools import build, meters
from host_tools.meters.eye import CHECK, ENTRY, MENU, NORMAL
from host_tools.simulation.dongle import HARD_RESET, POWER_ON
from tests.sim.cellar import FAR_S, RESTS_S, Cellar

STEP_S = 0.1  # between looks at what a reset waits for
QUIET_S = 150  # past the end of the meter's menu, in which nothing may go on by itself
LONGEST_S = 3.5  # of a short pulse


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


def harmless(cellar, long=0):
    assert not cellar.eye.erased and not cellar.light.lit
    assert all(lasted < LONGEST_S or 5.9 < lasted < 6.1 for lasted in cellar.pulses())
    assert len([lasted for lasted in cellar.pulses() if lasted > LONGEST_S]) == len(cellar.happened("long")) == long
    assert not cellar.happened("undefined")
    return True


# pulses that do not arrive, or twice ----------------------------------------------------------------------------------------


class Misplaced:
    """A head whose pulses (by their numbers) the meter misses, or takes twice because something flickers between."""

    def __init__(self, missed=(), twice=()):
        self.missed, self.twice, self.count = missed, twice, -1

    def __call__(self, lit, at, shine):
        self.count += lit
        if self.missed == "all" or self.count in self.missed:
            return
        if not lit and self.count in self.twice:
            shine(False, at - 0.25)
            shine(True, at - 0.15)
        shine(lit, at)


@pytest.mark.parametrize("head", [
    {"missed": "all"}, {"missed": (0,)}, {"missed": (0, 1)}, {"missed": (5,)}, {"missed": range(4, 20)}, {"twice": (1,)}, {"twice": (7, 8)},
], ids=str)  # fmt: skip
def test_pulses_that_are_missed_or_taken_twice_fail_once_and_delete_nothing(head, tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="1234", between=Misplaced(**head)) as cellar:
        cellar.run(RESTS_S)
        cellar.run(90, "unlock 1234")
        found = cellar.pin()
        assert (found["state"], found["reason"], found["phase"], found["result"]) == ("failed", "no_change", "", "no_change")
        assert len(cellar.pulses()) == 2 + 1 + 2 + 3 + 4 and not cellar.eye.unlocked
        cellar.run(QUIET_S)
        assert len(cellar.pulses()) == 12 and cellar.pin()["state"] == "failed" and cellar.eye.state == NORMAL
        assert len(cellar.happened("wrong")) == (head != {"missed": "all"}) and harmless(cellar)
        assert any("some meters lock" in line for line in cellar.run(5, "unlock 1234"))  # nor by asking once more


@pytest.mark.parametrize("seed", range(2))
def test_edges_moved_by_20_ms_enter_the_pin(seed, tmp_path, firmware):
    dice = random.Random(seed)
    with Cellar(tmp_path, firmware, pin="9003", between=lambda lit, at, shine: shine(lit, at + dice.choice((-FAR_S, FAR_S)))) as cellar:
        cellar.run(RESTS_S)
        cellar.run(90, "unlock 9003")
        assert cellar.eye.unlocked and cellar.pin()["result"] == "entered" and not cellar.happened("wrong") and not cellar.happened("late") and harmless(cellar)


def test_a_head_that_sees_nothing_of_its_own_light_says_so(tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="1234", between=Misplaced("all")) as cellar:
        cellar.run(RESTS_S)
        send, cellar.meter.telegram = cellar.meter.telegram, lambda unix: b"" if cellar.light.seen and unix - cellar.light.seen[0][1] < 27 else send(unix)
        cellar.run(90, "unlock 1234")
        found = cellar.pin()
        assert (found["state"], found["reason"]) == ("failed", "nothing_seen") and harmless(cellar)


# resets ---------------------------------------------------------------------------------------------------------------------


def said(cellar, text):
    return any(text in line for line in cellar.dongle.log)


def lit_in(entered):
    return lambda c: c.light.lit and c.eye.state == ENTRY and c.eye.entered == entered


PHASES = {
    "checking": lambda c: said(c, "looking whether the meter waits"),
    "waiting": lambda c: said(c, "waiting until the meter rests"),
    "wake": lambda c: len(c.light.seen) == 1,
    "between wakes": lambda c: len(c.light.seen) == 2,
    "digit 1": lit_in(""), "digit 2": lit_in("2"), "digit 3": lit_in("22"), "digit 4": lit_in("222"),
    "behind a digit": lambda c: not c.light.lit and c.eye.entered == "2",
    "check": lambda c: c.eye.state == CHECK,
    "judging": lambda c: c.eye.state == MENU and not said(c, "took the PIN"),
    "open": lambda c: said(c, "the meter's menu is open"),
    "countdown": lambda c: said(c, "a long press comes: only right"),
    "flash": lambda c: said(c, "kept alive") and c.light.lit,
    "holding": lambda c: len(c.light.seen) == 21 and c.dongle.now - c.light.seen[-1][1] > 1,
}  # fmt: skip


def die_when(cellar, seconds, phase, cause, line):
    """Lets it run; the first time that it is so the chip's power goes, or it resets. The moment."""
    died = []

    def look(unix):
        cellar.light.look(unix)
        cellar.eye.tick(unix)
        if died and unix > died[0] + (3 if cause == POWER_ON else 0):
            cellar.dongle.power_on()
        elif not died and PHASES[phase](cellar):
            died.append(unix)
            cellar.dongle.die(cause)
            cellar.light.dark(unix)

    for step in range(1, int(seconds / STEP_S)):
        cellar.dongle.at(cellar.end + 0.55 + step * STEP_S, lambda unix=cellar.end + 0.55 + step * STEP_S: look(unix))
    cellar.run(seconds, *line)
    assert len(died) == 1, phase
    return died[0]


@pytest.mark.parametrize("phase", sorted(set(PHASES) - {"flash"}))
def test_a_reset_in_each_phase_leaves_it_dark_and_nothing_goes_on(phase, tmp_path, firmware):
    cause = HARD_RESET if len(phase) & 1 else POWER_ON
    with Cellar(tmp_path, firmware, pin="2222") as cellar:
        cellar.run(5 if phase in ("checking", "waiting") else RESTS_S)
        if phase in ("countdown", "holding"):
            cellar.run(60, "unlock 2222")
            assert cellar.pin()["phase"] == "open"
        died = die_when(cellar, 70, phase, cause, ["unlock hold" if phase in ("countdown", "holding") else "unlock 2222"])
        cellar.run(QUIET_S)
        assert not [at for lit, at in cellar.light.seen if at > died + 0.001] and not cellar.light.lit
        assert cellar.eye.state == NORMAL and len(cellar.happened("wrong")) <= 1
        assert not cellar.eye.erased and not cellar.happened("undefined") and not cellar.happened("long")
        assert all(abs(lasted - 0.4) < FAR_S for lasted in cellar.pulses()[:-1]) and all(lasted < LONGEST_S for lasted in cellar.pulses())
        assert len(cellar.dongle.boots) == 2
        found = cellar.pin()
        assert (found["state"], found["phase"], found["result"]) == ("missing", "", "") and "left_s" not in found


def test_a_reset_while_it_is_kept_alive_forgets_the_pin(tmp_path, firmware):
    line = str(meters.make("sml-locked-easymeter").line)
    with Cellar(tmp_path, firmware, "sml-locked-easymeter", "1111", meter_line=line, unlock_keep_alive=True) as cellar:
        cellar.run(RESTS_S)
        died = die_when(cellar, 260, "flash", HARD_RESET, ["unlock 1111"])
        assert cellar.dongle.now - died > 1
        cellar.run(1250)  # longer than until the PIN would have been entered again
        assert not [at for _, at in cellar.light.seen if at > died + 0.001] and not cellar.eye.unlocked
        found = cellar.pin()
        assert (found["state"], found["phase"], found["result"]) == ("missing", "", "") and harmless(cellar)


# light where none may be ----------------------------------------------------------------------------------------------------


LIGHTS = {"head": ({}, {}), "led": ({"light": {"pin": 4}}, {"pin": 4, "on": 1}), "led-low": ({"light": {"pin": 4, "active_low": True}}, {"pin": 4, "on": 0}),
          "head beside a led": ({"light": {"pin": 4}}, {"pin": 17, "on": 0})}  # fmt: skip


@pytest.mark.parametrize("light", LIGHTS)
def test_it_is_dark_from_power_on_to_the_first_pulse_and_after_the_last(light, tmp_path, firmware):
    board, wired = LIGHTS[light]
    with Cellar(tmp_path, firmware, pin="0110", board=board, wired=wired, meter_line="", meter_protocol="auto") as cellar:
        cellar.run(RESTS_S)
        assert not cellar.light.seen
        cellar.run(90, "unlock 0110")
        if light == "head beside a led":
            assert not cellar.light.seen
            return
        assert cellar.eye.unlocked and len(cellar.pulses()) == 4 and all(abs(lasted - 0.4) < FAR_S for lasted in cellar.pulses())
        cellar.dongle.reset(cellar.end + 1)
        cellar.run(200)
        assert len(cellar.pulses()) == 4 and not cellar.light.lit


# faults of the program ------------------------------------------------------------------------------------------------------


def test_a_fault_of_the_program_while_a_session_lives_ends_a_strict_run(tmp_path, firmware):
    broken = tmp_path / "firmware"
    build.build("sim", broken, own_names=True)
    (broken / "bridge" / "unlock" / "player.mpy").unlink()
    (broken / "bridge" / "unlock" / "player.py").write_text("async def play(desk):\n    desk.nothing_of_this_name\n")
    with Cellar(tmp_path, broken) as cellar:
        cellar.run(10)
        with pytest.raises(RuntimeError, match="AttributeError"):
            cellar.run(10, "unlock 0110")
        assert any("died of AttributeError" in line for line in cellar.dongle.log)
