"""What cares for the dongle itself: parts that app.py made in; the judge of this start, the button, set-up by a phone and the search for updates out."""

import os

from bridge.core.unload import unload
from bridge.hal import chip
from bridge.update.slots import read, running


def begin(board, console, sinks: dict, station, clock, log, supervisor, status, url: str, version: str, mark) -> None:
    """`sinks`: by name, what gives its status; `url`: where to look for updates, or ""; `version`: what runs; `mark`: of its settings, see core/good.py."""
    _, back, note = read()
    if back:
        from bridge.update.life import Life

        console.update = Life(version, console.store, sinks, clock.uptime_s, log, supervisor, chip.restart, mark).told
    else:
        from bridge.update.waiting import Waiting

        Waiting(clock.uptime_s, supervisor, mark)
        console.update = {"slot": running(), "state": "", "last": note}
        if note:
            log.info("update", note)
    unload("bridge.update.slots")
    console.restart = chip.restart
    status.add("update", console.update)
    door = console.door
    if door:  # set-up by a phone: where no network is set, and once more after that has been done
        door.station, door.clock = station, clock
        if not station.networks or "portal" in os.listdir():
            door.invite()
    if board.button is not None:
        from bridge.hal.button import Button

        button = Button(board, log)
        button.short = door and door.invite
        supervisor.add("button", button.run)
    if url:
        from bridge.push.update_fetch import UpdateFetch

        supervisor.add("update", UpdateFetch(url, console, station.online, log).run)
