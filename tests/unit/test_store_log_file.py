"""Lines of the log on flash: which are kept, how many, how often it is written."""

import os

from bridge.core.log import Log
from bridge.store.log_file import LogFile

try:
    from readings import empty_folder
except ImportError:
    from tests.unit.readings import empty_folder


class World:
    """A log of its own level, its file, a clock that a test moves."""

    def __init__(self, name, level="info"):
        self.folder = empty_folder("log-" + name)
        self.now = 100
        self.file = LogFile(self.folder, lambda: self.now)
        self.shown = []
        self.log = Log(4, level, self.shown.append, lambda: "2026-11-10T10:00:%02dZ" % (self.now % 60), self.file.keep)

    def save(self, after=60):
        self.now += after
        self.file.save()

    def text(self, name="log"):
        try:
            with open(self.folder + "/" + name, "rb") as file:
                return file.read().decode()
        except OSError:
            return None


def test_warnings_errors_and_starts_are_kept_with_their_time():
    world = World("kinds", "error")  # what the console shows is another matter
    world.log.info("app", "meterbridge 0.1.0 on sim, start 7 (power)")
    world.log.info("wifi", "connected")
    world.log.debug("app", "detail")
    world.log.warning("mqtt", "refused")
    world.log.error("meter", "no\nline")
    world.log.warning("access", "refused 192.168.1.9")
    world.log.info("access", "wrong token")
    world.save()
    assert world.text() == (
        "2026-11-10T10:00:40Z info app: meterbridge 0.1.0 on sim, start 7 (power)\n"
        "2026-11-10T10:00:40Z warning mqtt: refused\n"
        "2026-11-10T10:00:40Z error meter: no line\n"
    )
    assert world.text("access") == "2026-11-10T10:00:40Z warning access: refused 192.168.1.9\n2026-11-10T10:00:40Z info access: wrong token\n"
    assert world.shown == ["2026-11-10T10:00:40Z error meter: no line"] == world.log.lines()


def test_a_log_without_file_is_as_before():
    shown = []
    log = Log(2, "warning", shown.append)
    log.info("a", "1")
    log.warning("a", "2")
    assert shown == ["warning a: 2"] == log.lines()


def test_a_write_a_minute_of_a_few_lines():
    world = World("rate")
    world.log.warning("a", "first")
    world.save(0)  # the first one at once: it may be the last thing that a dying device does
    assert world.text().count("\n") == 1
    for number in range(1000):
        world.log.warning("a", "flood %d" % number)
        world.save(0)
    world.log.error("access", "x")
    world.save(59)
    assert world.text().count("\n") == 1
    world.save(1)
    lines = world.text().split("\n")
    assert lines[1].endswith("flood 0") and lines[8].endswith("flood 7") and lines[9:] == ["... and 992 more", ""]
    assert world.text("access").count("\n") == 1
    size = len(world.text())
    world.save()
    assert len(world.text()) == size


def test_what_is_kept_is_bounded_and_the_newest():
    world = World("bound")
    number = 0
    for _ in range(60):
        for _ in range(8):
            world.log.warning("access", "\u00e9" * 200)  # two bytes each, cut at 160 letters
            world.log.warning("a", "line %04d " % number + "x" * 200)
            number += 1
        world.save()
        for name in os.listdir(world.folder):
            assert os.stat(world.folder + "/" + name)[6] <= 8192
    assert sorted(os.listdir(world.folder)) == ["access", "access.old", "log", "log.old"]
    kept = (world.text("log.old") + world.text()).split("\n")[:-1]
    first = number - len(kept)
    assert [line[32:41] for line in kept] == ["line %04d" % index for index in range(first, number)] and len(kept) >= 8192 // 161
    assert LogFile(world.folder, lambda: 0).erase()[0] == 4 and os.listdir(world.folder) == []


def test_a_flash_that_fails():
    world = World("fails")
    with open(world.folder, "wb") as file:  # in the folder's place
        file.write(b"x")
    for number in range(20):
        world.log.warning("a", "line %d" % number)
        world.save()
    assert world.file.problem
    os.remove(world.folder)
    world.save()
    assert world.file.problem == "" and world.text().count("\n") == 9 and world.text().endswith("... and 12 more\n")
    world.log.error("a", "waits")
    assert world.file.erase()[0] == 1
    world.save()
    assert os.listdir(world.folder) == []


def test_one_file_that_fails_does_not_hold_up_the_other():
    world = World("one")
    os.mkdir(world.folder)
    os.mkdir(world.folder + "/log")
    world.log.error("a", "x")
    world.log.error("access", "y")
    world.save()
    assert world.file.problem and world.text("access").endswith("y\n")
    os.rmdir(world.folder + "/log")


def test_a_restart_goes_on_in_the_same_file():
    world = World("restart")
    world.log.error("a", "before")
    world.save()
    again = LogFile(world.folder, lambda: 5)
    again.keep(1, "app", "start 8")
    again.save()
    assert world.text().split("\n")[1:] == ["start 8", ""]
