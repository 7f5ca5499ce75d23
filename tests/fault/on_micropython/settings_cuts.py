"""Runs on MicroPython: settings saved by the dongle and from a computer, the power cut at every step of the flash; how many cuts out.

After each cut the file holds the old settings or the new, without a complaint; the same for the copy of what ran well; and it can be saved anew.
"""

import json
import os

from bridge.config import settings
from bridge.core import good
from flash_in_ram import Flash, cuts

BLOCKS = 16
CONFIG = "/data/config.json"
OLD, NEW = {"wifi_ssid": "home", "wifi_password": "x" * 60}, {"wifi_ssid": "away", "mqtt_url": "mqtt://broker", "http_header": "X: " + "y" * 250}


def by_dongle() -> None:
    settings.save(CONFIG, NEW)


def from_computer() -> None:
    """What `meterbridge configure` has a board do: a file of its own in pieces, then the name."""
    data = json.dumps(NEW).encode()
    with open(CONFIG + ".new", "wb") as file:
        for at in range(0, len(data), 100):
            file.write(data[at : at + 100])
    os.rename(CONFIG + ".new", CONFIG)


def copy() -> None:
    good.keep(CONFIG, good.mark(CONFIG))


def holds(path: str, *wanted: dict) -> None:
    found = settings.read(path)
    if found not in wanted:
        raise RuntimeError("%s holds %s" % (path, found))


def life(flash: Flash, action) -> bytearray:
    """The flash before the action, whose steps are in `flash`."""
    os.VfsLfs2.mkfs(flash)
    os.mount(os.VfsLfs2(flash), "/data")
    settings.save(CONFIG, OLD)
    good.keep(CONFIG, good.mark(CONFIG))
    if action is copy:
        settings.save(CONFIG, NEW)
    before = bytearray(flash.image)
    flash.steps.clear()
    action()
    os.umount("/data")
    return before


def main() -> None:
    number = 0
    for action in (by_dongle, from_computer, copy):
        flash, torn = Flash(BLOCKS), Flash(BLOCKS)
        before = life(flash, action)
        for _ in cuts(before, flash.steps, torn):
            os.mount(os.VfsLfs2(torn), "/data")
            holds(CONFIG, *((NEW,) if action is copy else (OLD, NEW)))
            holds(CONFIG + ".good", *((OLD, NEW) if action is copy else (OLD,)))
            if settings.load(CONFIG).problems:
                raise RuntimeError(settings.load(CONFIG).problems)
            action()
            holds(CONFIG, NEW)
            os.umount("/data")
            number += 1
    print("cuts", number)


main()
