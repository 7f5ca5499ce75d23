"""A PIN entered by light as `meterbridge run` shows it: pictures of an eye at known moments, of a whole run in virtual time, and of the real command."""

import io
import json
import re
import signal
from types import SimpleNamespace

import pytest
from rich.console import Console

from host_tools import big_digits, build, dashboard_display, meters
from host_tools.dashboard_model import Facts, Model
from host_tools.meters.eye import Eye
from host_tools.meters.eye_profiles import PROFILES
from host_tools.run_views import unlock_lines
from host_tools.unlock_watch import Unlocking
from tests.sim.test_run import COMMAND, Run, Terminal, failed, nothing_left
from tests.sim.cellar import START, Cellar

SIZES = [(80, 24), (80, 23), (78, 40), (120, 40), (200, 60), (79, 22), (60, 20), (40, 12), (20, 5)]
FACTS = Facts("sml-locked  a meter", "9600 8N1", 1, "mqtt://127.0.0.1:1883", "meterbridge/mb-d4e5f6/#", "http://127.0.0.1:8080/", 112 * 1024, "listen")


class Scene:
    """An eye under a light at moments of our choice; what the dongle's status would say is set."""

    def __init__(self, pin="3052", profile="generic", asks="3052"):
        self.eye, self.now, self.typed = Eye(PROFILES[profile], pin), 1000.0, []
        self.eye.values = {"energy_import_wh": 4648295, "energy_export_wh": 637132, "power_w": 512}
        self.eye.tick(self.now)
        self.light = SimpleNamespace(seen=[], lit=False)
        self.model = Model(FACTS, clock=lambda: self.now)
        self.unlocking = self.model.unlocking = Unlocking(self.model, self.eye, self.light, self.typed.append, asks, clock=lambda: self.now)

    def shine(self, on):
        self.eye.light(on, self.now)
        self.light.lit = on
        self.light.seen.append((on, self.now))

    def flash(self, count=1, on=0.4, off=0.3):
        for _ in range(count):
            self.shine(True)
            self.now += on
            self.shine(False)
            self.now += off

    def status(self, **pin):
        self.model.message("b/status", json.dumps({"meter": {"pin": {"state": "missing", "reason": "", "phase": "", "result": "", **pin}}}).encode(), False)

    def reading(self, **values):
        self.model.message("b/state", json.dumps({"boot": 1, "seq": self.model.live + 1, "time": "2026-01-01T10:00:00Z", **values}).encode(), False)

    @property
    def picture(self):
        return self.unlocking.picture()


def screen(scene, width, height):
    out = io.StringIO()
    console = Console(file=out, width=width, height=height)
    console.print(dashboard_display.draw(scene.model, scene.picture, width, height), end="")
    return out.getvalue().rstrip("\n").split("\n")


def shows(lines, display):
    """Whether the drawn glass says the two lines of that display, the second in large figures."""
    glass = [line[3:36] for line in lines[3:7]]
    return glass[0].strip() == display[0].strip() and [row.strip() for row in glass[1:]] == [row.strip() for row in big_digits.big(display[1])]


# pictures of an eye ----------------------------------------------------------------------------------------------------


def test_each_moment_of_an_entry_is_drawn_as_the_meter_displays_it():
    scene = Scene()
    scene.reading(energy_import_wh=4648000)
    scene.status(phase="pulsing", state="pending", left_s=0)
    seen = []
    for flashes, dark in ((1, 0.7), (1, 0.7), (3, 3.5), (0, 3.1), (5, 3.5), (2, 3.5), (0, 4.0)):
        scene.flash(flashes)
        for _ in range(8):
            scene.now += dark / 8
            display = scene.eye.display(scene.now)
            assert shows(screen(scene, 80, 24), display), display
            seen.append(display[1])
    told = [text for at, text in enumerate(seen) if seen[at - 1] != text]
    # by protocols 4.3: the display test; the digits from left to right, each from what was flashed; the check; the menu's first page
    assert told == ["88888888", " -0---", " -3---", " --0--", " ---0-", " ---5-", " ----0", " ----2", " -----", "P 512 W"]
    assert scene.picture.extended and scene.picture.taken == 4


def test_the_lamp_the_digits_and_the_strip_say_what_the_light_does():
    scene = Scene()
    scene.reading(energy_import_wh=4648000)
    scene.status(phase="pulsing", state="pending", left_s=0)
    scene.flash(2, off=1.0)
    scene.flash(2)
    scene.shine(True)
    scene.now += 0.2
    lines = screen(scene, 80, 24)
    assert any("LIGHT" in line for line in lines) and any("▐████▌" in line for line in lines) and scene.picture.lively
    assert any(re.search(r"digit 1 ●● +digit 2 · +digit 3 ·", line) for line in lines), lines
    light, below = dashboard_display.strip(scene.picture, 40)
    # one column is 0.2 s: 2 of light and 5 of dark twice, then 2 of light and 1.5 of dark twice, then 1 of light until now
    assert len(light) == len(below) == 40 and sum({"█": 2, "▌": 1, "▐": 1}.get(cell, 0) for cell in light) in range(15, 20)
    assert re.fullmatch("▁+[▐█▌]{2,3}▁{4,5}[▐█▌]{2,3}▁{4,5}[▐█▌]{2,3}▁[▐█▌]{2,3}▁[▐█▌]+▁?", light), light
    assert below.index("╵wake") < below.index("╵digit 1")
    scene.now += 0.2
    scene.shine(False)
    scene.now += 7
    assert not any("LIGHT" in line for line in screen(scene, 80, 24)) and scene.picture.taken == 2


def test_the_screen_fits_every_size_in_every_phase():
    words = [{"phase": phase, "left_s": 99} for phase in ("checking", "waiting", "pulsing", "judging", "open", "countdown", "keeping")]
    words += [{"state": "failed", "reason": word, "result": word} for word in ("no_change", "nothing_seen", "meter_silent")]
    words += [{"reason": "inf_off", "result": "inf_off"}, {"result": "cancelled"}, {"state": "entered"}, {"phase": "a_new_one", "left_s": "x"}, {}]
    for words in words:
        scene = Scene()
        scene.reading(energy_import_wh=10**12, energy_export_wh=637000, power_w=-99999)
        scene.status(**words)
        scene.flash(2, off=1.0)
        for width, height in SIZES:
            lines = screen(scene, width, height)
            assert len(lines) <= height and max(len(line) for line in lines) <= width, (words, width, height)
        assert "3052" not in "\n".join(screen(scene, 80, 24))
    for hostile in (None, 5, [], {"phase": {}, "state": []}, {"state": "\x1b[2J", "left_s": -5}):
        scene.model.message("b/status", json.dumps({"meter": {"pin": hostile}}).encode(), False)
        assert "\x1b" not in "".join(screen(scene, 80, 24))


def test_whole_kwh_before_and_all_digits_after():
    scene = Scene()
    scene.reading(energy_import_wh=4648000, energy_export_wh=637000)
    text = "\n".join(screen(scene, 80, 24))
    assert " 4648 kWh" in text and " 637 kWh" in text and "the meter does not send it" in text
    scene.eye.unlocked = True
    scene.reading(energy_import_wh=4648295, energy_export_wh=637000, power_w=512)
    text = "\n".join(screen(scene, 80, 24))
    assert "4648.295 kWh" in text and "637.000 kWh" in text and "importing" in text and all(row in text for row in big_digits.big("512"))


def test_the_owner_asks_once_the_meter_is_heard_and_again_when_it_showed_all_at_first():
    scene = Scene(profile="sagemcom-install")
    scene.unlocking.look()
    assert scene.typed == []
    scene.reading(energy_import_wh=4648000)
    scene.unlocking.look()
    scene.unlocking.look()
    assert scene.typed == ["unlock 3052"]
    scene.now += 10  # the dongle said nothing: it did not arrive
    scene.unlocking.look()
    assert scene.typed == ["unlock 3052"] * 2
    scene.model.log_line("2026-01-01T10:00:00Z info unlock: refused: the meter shows all it has already")
    scene.status(state="entered")
    scene.unlocking.look()
    assert len(scene.typed) == 2 and "for now" in scene.picture.title
    scene.status(state="missing")
    scene.unlocking.look()
    scene.model.log_line("2026-01-01T10:30:00Z info unlock: asked to enter the PIN")
    scene.now += 100
    scene.unlocking.look()
    assert len(scene.typed) == 3


def test_without_a_pin_nothing_is_asked_and_it_is_said_how():
    scene = Scene(asks=None)
    scene.reading(energy_import_wh=4648000)
    scene.status()
    scene.unlocking.look()
    assert scene.typed == [] and "make run METER=sml-locked PIN=1234" in " ".join(line.strip("│ ") for line in screen(scene, 80, 24))


def test_a_request_that_was_refused_or_forgotten_is_told_so():
    scene = Scene()
    scene.reading(energy_import_wh=4648000)
    scene.status()
    scene.unlocking.look()
    scene.model.log_line("2026-01-01T10:00:00Z info unlock: refused: one request at a time")
    assert "refused: one request at a time" in "\n".join(screen(scene, 80, 24))
    scene.model.restarts = 1
    assert "the dongle was started anew" in "\n".join(screen(scene, 80, 24))
    scene.now += 100
    scene.unlocking.look()
    assert len(scene.typed) == 1, "nobody asked again"


@pytest.mark.parametrize("height", [24, 29, 40])
def test_what_is_broken_on_purpose_is_shown_as_well(height):
    scene = Scene()
    scene.reading(energy_import_wh=4648000)
    scene.model.fault = SimpleNamespace(state="on", words=lambda: "since 3 s", fault=SimpleNamespace(name="broker-killed", what="the broker dies", sees="nothing"))
    lines = screen(scene, 80, height)
    assert len(lines) <= height and "broker-killed" in "\n".join(lines) and "since 3 s" in "\n".join(lines)


# the real firmware in virtual time ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.mark.parametrize("entered, ends", [("0110", "the meter took the PIN"), ("1010", "failed: the PIN changed nothing")])
def test_a_whole_run_second_by_second(entered, ends, tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="0110") as cellar:
        model = Model(FACTS, clock=lambda: cellar.end)
        typed = []
        unlocking = model.unlocking = Unlocking(model, cellar.eye, cellar.light, typed.append, entered, clock=lambda: cellar.end + 0.25)
        pictures, plain = [], []
        while len(pictures) < 170 and (not pictures or pictures[-1].title != ends):
            said = cellar.run(1, *typed[:1], "unlock status")
            typed.clear()
            for line in said:
                model.log_line(line) if line[:1] != "\x1e" else None
                row = json.loads(line[1:]) if line.startswith('\x1e{"') else {}
                if row.get("pin"):
                    model.message("b/status", json.dumps({"meter": {"pin": row["pin"]}}).encode(), False)
            if cellar.end == START + 3:
                model.message("b/state", b'{"boot": 1, "seq": 1, "energy_import_wh": 1000}', False)
            unlocking.look()
            pictures.append(unlocking.picture())
            plain += unlock_lines(pictures[-1], pictures[-2] if len(pictures) > 1 else None)
            assert pictures[-1].display == cellar.eye.display(cellar.end + 0.25)
    words = [picture.word for at, picture in enumerate(pictures) if not at or picture.word != pictures[at - 1].word]
    assert words[-5:] == ["checking", "waiting", "pulsing", "judging", "open" if entered == "0110" else "no_change"], words
    waits = [picture.left_s for picture in pictures if picture.word == "waiting"]
    assert waits == sorted(waits, reverse=True) and waits[0] > 100 and waits[-1] <= 2
    assert max(picture.taken for picture in pictures) == 4 and pictures[-1].extended == (entered == "0110")
    text = "\n".join(plain)
    assert all(f"digit {digit} is taken" in text for digit in range(1, 5)) and ends in text
    assert ("sends all it has" in text) == (entered == "0110") and entered not in text


# the command -------------------------------------------------------------------------------------------------------------


def test_plain_lines_of_the_real_command():
    run = Run("--meter", "sml-locked", "--pin", "1234", "--enter", "4321")
    run.wait_for(r"^\*\*\* PIN: waiting until the meter rests, 1[12]\d s left$")
    children = run.children()
    code, out, errors = run.end(signal.SIGINT)
    assert (code, errors) == (0, "")
    assert re.search(r"^\*\*\* meter: normal display  \[[12]\.8\.0  \d{8} kWh\]$", out, re.MULTILINE)
    assert "*** meter: sends whole kWh only" in out and re.search(r"^  PIN: waiting", out, re.MULTILINE)
    assert "4321" not in out and "1234" not in out
    nothing_left(children)


def test_the_live_screen_without_a_pin_says_how_to_see_it():
    terminal = Terminal("--meter", "sml-locked", "--seconds", "1")
    for words in ("the meter's display", "what the dongle reads", "sends whole kWh only", "PIN=1234"):
        terminal.wait_for(words)
    assert terminal.wait_end() == 0


@pytest.mark.parametrize("words, said", [
    (["--meter", "sml-locked", "--pin", "12"], "four digits"),
    (["--meter", "sml-locked", "--pin", "abcd"], "four digits"),
    (["--meter", "sml-locked", "--pin", ""], "four digits"),
    (["--meter", "sml-locked", "--pin", "1234", "--enter", "١٢٣٤"], "four digits"),
    (["--meter", "sml-locked", "--enter", "1234"], "goes with --pin"),
    (["--meter", "p1-nl", "--pin", "1234"], "p1-nl has no PIN; these have: sml-locked"),
    (["--capture", "x", "--pin", "1234"], "a capture has no eye"),
])
def test_a_pin_that_cannot_be_is_told_before_anything_starts(words, said):
    assert said in failed(*words, code=2)


def test_every_meter_that_waits_for_a_pin_can_be_watched():
    assert COMMAND[-1] == "run" and len(meters.LOCKED) >= 11
    from host_tools import run_source

    for name in meters.LOCKED:
        source = run_source.of_meter(name, pin="0471")
        assert source.eye is source.telegrams.meter.eye and source.eye.pin == "0471"
        next(iter(source.telegrams))
        assert all(len(line) == 33 for line in dashboard_display.glass(source.eye.display(0)))
    assert run_source.of_meter("sml").eye is None
