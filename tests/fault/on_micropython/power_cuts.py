"""Runs on MicroPython: a scenario of a dongle's storage, then the power cut at every step that its flash made; figures or what was wrong out.

    micropython power_cuts.py FIRST EVERY        cuts each EVERY-th step from FIRST on, so that several processes share the work

The firmware's own store, on a real VfsLfs2. After each cut the device starts anew: nothing may raise; all readings are those that were made,
without a hole, none missing that a finished write had put on flash, at most 60 s lost; then it goes on, and that is kept too.
"""

import os
import sys
from binascii import crc32

import household
from bridge.config import settings
from bridge.core.boots import count
from bridge.core.clock import Clock
from bridge.reading.reading import UPTIME
from bridge.store import history
from bridge.store.journal import Journal
from bridge.store.keeper import Keeper
from bridge.store.log_file import LogFile
from bridge.store.profile import Profile
from bridge.store.segments import Segments
from bridge.store.store import Store
from flash_in_ram import Flash, cuts

BLOCKS = 32
CAPACITY = 3 * 4096  # of readings on flash: three segments, the smallest there are
RAM = 2048
EVERY_S = 3  # a reading
LATEST_S = 60  # what may be lost
CONFIG = "/data/config.json"
KINDS = ("quarters", "days", "gas")  # of rows that are added to
ALL = KINDS + ("peaks",)
home = household.Household()


class Life:
    """One start of the device at `now`, as app.py makes it. `synced`: the clock gets set after some readings."""

    def __init__(self, now: int, synced: bool = True):
        self.began = self.now = now
        self.synced = synced
        self.boot = count("/data/boots")
        self.settings = settings.load(CONFIG)
        self.clock = Clock(lambda: (self.now - self.began) * 1000)
        self.archive = Segments("/data/journal", CAPACITY, self.boot)
        self.profile = Profile("/data/profile", "CET", self.clock.uptime_s)
        self.log_file = LogFile("/data/log", self.clock.uptime_s)
        self.journal = Journal(RAM, 0, archive=self.archive)
        self.store = Store(self.journal, self.profile)
        self.keeper = Keeper(self.store, (self.profile, self.log_file), self.clock)
        self.quick, self.slow = [self.store.cursor(key, self.store.oldest) for key in ("mqtt:11111111", "http:22222222")]
        self.written = now

    def read(self, which: int) -> None:
        """A reading comes, and is delivered to one of two destinations."""
        self.now += EVERY_S
        uptime = self.now - self.began
        if self.synced and uptime > 20:
            self.clock.set(self.now, "ntp")
        seq = self.store.next
        self.store.append(home.reading(which, self.boot, seq, self.now, None if self.clock.synced else uptime))
        self.quick.ack(seq - 2)
        if seq % 40 == 0:
            self.slow.ack(seq - 40)
            self.log_file.keep(2, "mqtt", "%d readings" % seq)

    def due(self) -> bool:
        """As the keeper's task asks after each reading."""
        return self.now - self.written >= 50 or self.journal.filling

    def save(self) -> None:
        self.written = self.now
        self.keeper.save()


def mount(flash: Flash) -> None:
    os.mount(os.VfsLfs2(flash), "/data")


class Scenario:
    """Runs it once. `marks`: (steps by then, what it guarantees) of each finished write; `made`: (steps by then, start, number, time) of each reading."""

    def __init__(self):
        self.flash = Flash(BLOCKS)
        os.VfsLfs2.mkfs(self.flash)
        self.flash.steps.clear()
        self.image = bytearray(self.flash.image)
        self.marks = [(0, Mark())]
        self.made = []
        mount(self.flash)
        settings.save(CONFIG, {"wifi_ssid": "home"})
        self.now = household.START
        self.live(230, True)
        self.now += 3000  # a long outage
        self.live(40, False)
        settings.save(CONFIG, {"wifi_ssid": "away", "mqtt_url": "mqtt://broker"})
        self.now += 5
        self.live(130, True)
        check(self.marks[-1][1].oldest > 100, "no segment was deleted")
        os.umount("/data")

    def live(self, readings: int, synced: bool) -> None:
        """A start of the device, until its power goes some readings after a write."""
        life = Life(self.now, synced)
        for number in range(readings):
            which = number // 25 % 3 if number > 100 else 0
            life.read(which)
            self.made.append((len(self.flash.steps), life.boot, life.store.next - 1, life.now))
            if life.due():
                life.save()
                check(not life.archive.problem and life.archive.next == life.store.next, "not all is written:", life.archive.problem)
                check(life.archive.utc_offset(life.boot) == (life.began if synced else None), "the UTC offset is not written")
                self.marks.append((len(self.flash.steps), Mark(life)))
        self.now = life.now


class Mark:
    """What a finished write guarantees, or what there is after a cut."""

    def __init__(self, life=None):
        self.boot = self.last = self.oldest = 0
        self.newest = ()
        self.places, self.offsets = {}, {}
        self.rows = {kind: [] for kind in ALL}
        self.lines = []
        if life:
            self.boot = life.boot
            self.last = life.archive.next - 1
            self.oldest = life.archive.oldest
            self.places = {key: cursor.place for key, cursor in life.store.cursors.items()}
            self.offsets = {boot: life.archive.utc_offset(boot) for boot in (1, 2, 3)}
            self.rows, self.lines = rows(), lines()


def rows() -> dict:
    return {kind: list(history.rows("/data/profile", kind)) for kind in ALL}


def lines() -> list:
    found = []
    for name in ("/data/log/log.old", "/data/log/log"):
        try:
            with open(name) as file:
                found += file.read().split("\n")[:-1]
        except OSError:
            pass
    return found


def check(truth: bool, *words) -> None:
    if not truth:
        raise RuntimeError(" ".join([str(word) for word in words]))


def readings(life: Life, first: int) -> list:
    """All readings kept from number `first` on, read in batches."""
    cursor = life.store.cursor(None, first)
    found = []
    batch = cursor.batch(50)
    while batch:
        found += batch
        cursor.ack(batch[-1].seq)
        batch = cursor.batch(50)
    return found


def check_readings(life: Life, first: int) -> list:
    """What is kept from number `first` on; it is without a hole, and each reading as it was made."""
    found = readings(life, first)
    check([reading.seq for reading in found] == list(range(first, life.store.next)), "from", first, "to", life.store.next, "but found", [r.seq for r in found])
    for reading in found:
        wrong = home.differs(reading, reading.boot or life.boot)
        check(not wrong, wrong)
    return found


def prefix(found: list, most: list, least: list, what: str) -> None:
    check(found == most[: len(found)] and len(found) >= len(least), what, "has", found, "of", most, "and had", least)


class After:
    """What there is after a cut. `seen`: by the check sum of all files, what the device found in them at its start and no other start need look up."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.seen = {}
        self.cuts = self.worst = 0

    def check(self, flash: Flash, step: int) -> None:
        """The device starts on what a cut at this step left."""
        mount(flash)
        try:
            told = contents("/data")
            kept = None if told in self.seen else (rows(), lines())
            life = Life(self.scenario.now + 100)
            if kept:
                self.seen[told] = self._found(life, *kept)
            self._judge(self.seen[told], step)
            made = home.made
            home.made = dict(made)
            self._go_on(life)
            home.made = made
        finally:
            os.umount("/data")
        self.cuts += 1

    def _found(self, life: Life, kept_rows: dict, kept_lines: list) -> "Mark":
        """What the device has after its start, once it is known to be what was made."""
        check(not life.settings.problems, life.settings.problems)
        found = Mark(life)
        found.rows, found.lines = kept_rows, kept_lines
        for reading in check_readings(life, life.store.oldest):
            check(0 < reading.boot < life.boot, "reading", reading.seq, "is of start", reading.boot, "in start", life.boot)
            check(reading.time_source != UPTIME or found.offsets[reading.boot] is None, "reading", reading.seq, "got no time")
            found.newest = reading.boot, reading.seq
        return found

    def _judge(self, found: "Mark", step: int) -> None:
        """Whether it is what must be there by then: all that the last finished write guarantees, and nothing of what was to come."""
        scenario = self.scenario
        done = [mark for steps, mark in scenario.marks if steps <= step][-1]
        coming = ([mark for steps, mark in scenario.marks if steps > step] or [done])[0]
        check(done.last <= found.last <= coming.last, "the newest reading kept is", found.last, "not from", done.last, "to", coming.last)
        check(found.boot > done.boot, "start", found.boot, "comes after", done.boot)
        made = [row for row in scenario.made if row[0] <= step]
        if found.newest:
            (kept,) = [row[3] for row in made if row[1:3] == found.newest]
            lost = [row[3] for row in made if row[1] == found.newest[0]][-1] - kept
            self.worst = max(self.worst, lost)
            check(lost <= LATEST_S, lost, "s are lost")
        for kind in KINDS:
            prefix(found.rows[kind], coming.rows[kind], done.rows[kind], kind)
        check(found.rows["peaks"] in (done.rows["peaks"], coming.rows["peaks"]), "month peaks are", found.rows["peaks"])
        prefix(found.lines, coming.lines, done.lines, "log")
        for boot in found.offsets:
            check(found.offsets[boot] in (done.offsets.get(boot), coming.offsets.get(boot)), "UTC offset", found.offsets[boot], "of start", boot)
        for key, place in found.places.items():
            least, most = done.places.get(key, 1), coming.places.get(key, 1)
            check(least <= place <= max(most, found.oldest), key, "resumes at", place, "not from", least, "to", most)
            check(place <= found.last + 1, key, "resumes at", place, "and the newest is", found.last)

    def _go_on(self, life: Life) -> None:
        """The device works on; what it writes now is there at the start after."""
        first = max(life.store.oldest, life.store.next - 3)
        for _ in range(6):
            life.read(0)
            if life.due():
                life.save()
        life.save()
        check(not life.archive.problem and life.archive.next == life.store.next, life.archive.problem)
        again = Life(life.now + 100)
        check(again.store.next == life.store.next and again.boot == life.boot + 1, "after the next start", again.store.next, "not", life.store.next)
        check_readings(again, max(first, again.store.oldest))
        for key, cursor in again.store.cursors.items():
            check(cursor.place == life.store.cursors[key].place, key, "resumes at", cursor.place)


def contents(folder: str) -> int:
    """A check sum of all files in a folder and those in it."""
    total = 0
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind == 0x4000:
            total = crc32(path.encode(), total ^ contents(path))
        else:
            with open(path, "rb") as file:
                total = crc32(file.read(), crc32(path.encode(), total))
    return total


def main(first: int, every: int) -> None:
    scenario = Scenario()
    after = After(scenario)
    flash = Flash(BLOCKS)
    steps = scenario.flash.steps
    for step, done in cuts(scenario.image, steps, flash, first, every):
        try:
            after.check(flash, step)
        except Exception as error:
            print("cut at step %d of %d, %s of it done:" % (step, len(steps), done))
            raise error
    print("steps %d cuts %d readings %d contents %d lost %d" % (len(steps), after.cuts, len(scenario.made), len(after.seen), after.worst))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
