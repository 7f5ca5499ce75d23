"""Runs on MicroPython: two updates of a dongle's flash, one that stays and one that is taken back, and the power cut at every step of it; figures out.

    micropython update_cuts.py FIRST EVERY SECOND.update THIRD.update

After each cut the dongle starts: one of the firmwares that may run at that point does, whole to the byte; settings and readings are as they were;
and an update can be done from there.
"""

import asyncio
import os
import sys

import boot
from bridge.update.life import Life
from bridge.update.receiver import Receiver
from flash_in_ram import Flash, cuts

BLOCKS = 96
PIECE = 700  # of a bundle at a time
KEPT = {"config.json": b'{"wifi_ssid": "home"}', "journal/00000001": bytes(range(256)) * 20, "boots": b"7"}
AGAIN = 9  # after each so many cuts an update is done again
MINUTES_11 = 660


class Store:
    """Readings that come all the time, or none."""

    def __init__(self):
        self.next = 5

    async def wait(self, seq):
        pass


class Quiet:
    """What the firmware gives an update: a log, a supervisor; `restarts` counts."""

    def __init__(self):
        self.chores = ()
        self.restarts = 0

    def info(self, area, text):
        pass

    warning = error = info

    def close(self):
        pass

    def restart(self):
        self.restarts += 1


def files(bundle: bytes) -> dict:
    """What a bundle holds, by path."""
    head, _, rest = bundle.partition(b"\n")
    size = int(head.split()[2])
    at = size + 384
    found = {}
    for line in rest[:size].decode().split("\n"):
        words = line.split()
        if words and words[0] == "file":
            found[words[3]] = rest[at : at + int(words[1])]
            at += int(words[1])
    return found


def write(path: str, data: bytes) -> None:
    at = path.find("/")
    while at >= 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass
        at = path.find("/", at + 1)
    with open(path, "wb") as file:
        file.write(data)


def tree(folder: str) -> dict:
    """All files below, by path."""
    found = {}
    folders = [folder]
    while folders:
        folder = folders.pop()
        for row in os.ilistdir(folder):
            kind = row[1]
            path = folder + "/" + row[0]
            if kind == 0x4000:
                folders.append(path)
            else:
                with open(path, "rb") as file:
                    found[path] = file.read()
    return found


def mount(flash: Flash) -> None:
    os.mount(os.VfsLfs2(flash), "/flash")
    os.chdir("/flash")


def umount() -> None:
    os.chdir("/")
    os.umount("/flash")


def start() -> str:
    """A start of the chip: the slot that runs."""
    sys.path[:] = PATH
    boot.begin()
    return sys.path[0][-1:]


def update(bundle: bytes, told: dict) -> None:
    """Takes an update in the firmware that runs."""
    receiver = Receiver("sim", "0.1.0", told, Store())

    async def take():
        for at in range(0, len(bundle), PIECE):
            await receiver.take(bundle[at : at + PIECE])

    try:
        asyncio.run(take())
    finally:
        receiver.end()
    check(receiver.done, "the update is not complete")


def live(good: bool) -> int:
    """Eleven minutes of the firmware that runs, with a reading and its destination or without; how often it restarted the chip."""
    quiet, store, now = Quiet(), Store(), [0]
    life = Life("0.2.0", store, {"mqtt": lambda: {"last_ack_age_s": 1 if good else None}}, lambda: now[0], quiet, quiet, quiet.restart)
    store.next += good
    while life.look in quiet.chores and now[0] < MINUTES_11:
        now[0] += 10
        life.look()
    check(life.look not in quiet.chores, "it is never decided")
    return quiet.restarts


def check(truth, *words) -> None:
    if not truth:
        raise RuntimeError(" ".join([str(word) for word in words]))


class Scenario:
    """Done once. `marks`: (steps by then, firmwares that may run from there on)."""

    def __init__(self, first: dict, bundles: list):
        self.flash = Flash(BLOCKS)
        os.VfsLfs2.mkfs(self.flash)
        mount(self.flash)
        for name in first:
            write("a/" + name, first[name])
        for name in KEPT:
            write(name, KEPT[name])
        write("slot", b"a")
        with open("/host/update.pub", "rb") as file:
            write("update.pub", file.read())
        umount()
        self.flash.steps.clear()
        self.image = bytearray(self.flash.image)
        self.all = [first] + [files(bundle) for bundle in bundles]
        self.marks = [(0, (0,))]
        mount(self.flash)
        check(start() == "a", "not a")
        live(True)
        update(bundles[0], {})
        self.mark(0, 1)
        check(start() == "b", "not b")
        check(not live(True), "it restarted")
        self.mark(1)
        check(start() == "b" and boot.read("slot") == "b - updated to 0.2.0", boot.read("slot"))
        update(bundles[1], {})
        self.mark(1, 2)
        check(start() == "a", "not a again")
        check(live(False) == 1, "it was not taken back")
        self.mark(1)
        check(start() == "b", "not back")
        check(boot.read("slot") == "b - update 0.2.0 was taken back: no reading came within 10 minutes", boot.read("slot"))
        umount()

    def mark(self, *may) -> None:
        """From this step on only these firmwares may run."""
        self.marks.append((len(self.flash.steps), may))

    def may(self, step: int) -> tuple:
        """What may run after a cut at that step: also what comes to be allowed or forbidden by the very write that was cut."""
        found = set()
        for at in range(len(self.marks)):
            begin, allowed = self.marks[at]
            end = self.marks[at + 1][0] if at + 1 < len(self.marks) else 1 << 30
            if begin <= step < end:
                found |= set(allowed)
                if end - step <= LAST_WRITE and at + 1 < len(self.marks):
                    found |= set(self.marks[at + 1][1])
        return tuple(found)


LAST_WRITE = 8  # steps of the flash that one small file takes to be replaced


def judge(scenario: Scenario, step: int) -> int:
    """What a start after the cut finds; which firmware ran."""
    slot = start()
    runs = tree(slot)
    found = [number for number, wanted in enumerate(scenario.all) if runs == {slot + "/" + name: wanted[name] for name in wanted}]
    check(found, "no whole firmware runs from", slot, sorted(runs), boot.read("slot"))
    check(found[0] in scenario.may(step), "firmware", found[0], "runs, not one of", scenario.may(step), boot.read("slot"))
    for name in KEPT:
        with open(name, "rb") as file:
            check(file.read() == KEPT[name], name, "is not what it was")
    return found[0]


def go_on(bundle: bytes) -> None:
    """From here an update can be done, unless one is on trial; then that is decided first."""
    live(True)
    slot = sys.path[0][-1:]
    update(bundle, {})
    other = start()
    check(other != slot and tree(other) == {other + "/" + name: data for name, data in files(bundle).items()}, "an update after it is not whole")


def main(first: int, every: int, paths: list) -> None:
    bundles = []
    for path in paths:
        with open(path, "rb") as file:
            bundles.append(file.read())
    old = {"bridge/app.mpy": b"the first app", "bridge/base.mpy": b"one " * 3000, "bridge/core/log.mpy": b"log", "bridge/stale.py": b"gone later"}
    os.mount(os.VfsPosix(paths[0].rpartition("/")[0]), "/host")
    scenario = Scenario(old, bundles)
    flash = Flash(BLOCKS)
    ran = [0, 0, 0]
    number = 0
    for step, done in cuts(scenario.image, scenario.flash.steps, flash, first, every):
        try:
            mount(flash)
            ran[judge(scenario, step)] += 1
            number += 1
            if number % AGAIN == 0:
                go_on(bundles[1])
            umount()
        except Exception as error:
            print("cut at step %d of %d, %s of it done; marks %s:" % (step, len(scenario.flash.steps), done, scenario.marks))
            raise error
    print("steps %d cuts %d first %d second %d third %d" % (len(scenario.flash.steps), number, ran[0], ran[1], ran[2]))


PATH = list(sys.path)
if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
