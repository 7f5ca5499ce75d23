"""The set-up portal's life: the door in; an access point closed by WPA2, whose guests are answered, and its end out. In memory while it is open.

It opens where no network is set, when its owner asks for it (button, serial console), in safe mode, and once more after it has set up the
dongle. It never opens because a network cannot be joined: whoever disturbs that network would be let in otherwise.
"""

import asyncio
import os
import time

from micropython import const

from bridge.core.unload import unload

_OPEN_MS = const(900000)  # after the last sign of a guest
_SHOWN_MS = const(180000)  # after its guest has seen that all works
_LOOK_MS = const(500)
_RADIO_LOOKS = const(140)  # of those: the longest wait for a board's power, and some
_LEAST = const(8)  # characters of a password, WPA2
MARK = "portal"  # a file: the next start opens it once more


class Portal:
    """What its guests' requests need. `name`: of the network; `address`: its own there; `after`: it has set up the dongle, which was then restarted.

    `trial`: what is being tried out, as the page is told, or None; `joined`: (name, password) of the network that the trial has joined;
    `heard`: what the last scan found, and `scanned`: ticks of that.
    """

    def __init__(self, door, point, name: str, after: bool):
        self.door = door
        self.point = point
        self.name = name
        self.after = after
        self.address = point.ifconfig()[0]
        self.clock = door.clock
        self.identity = door.console.identity
        self.trial = self.joined = self.scanned = self.end = None
        self.heard = ()
        self.why = door.safe.why if door.safe else ""
        self.busy()

    def is_guest(self, address: str) -> bool:
        """Whether that is an address of the access point's network. One that the home's network uses too belongs to the home."""
        network = self.address[: self.address.rfind(".") + 1]
        return address.startswith(network) and not self.door.station.address().startswith(network)

    def busy(self, ms: int = _OPEN_MS) -> None:
        """Somebody is there."""
        if self.why:
            self.door.safe.busy()
        self.due = time.ticks_add(time.ticks_ms(), ms)

    def seen(self) -> None:
        """All works, and its guest was told."""
        if self.after and self.end is None:
            self.close(_SHOWN_MS)

    def close(self, ms: int) -> None:
        """In a while, whoever is there."""
        self.end = time.ticks_add(time.ticks_ms(), ms)

    def over(self) -> bool:
        """Whether it is to be closed."""
        now = time.ticks_ms()
        return time.ticks_diff(now, self.due) > 0 or self.end is not None and time.ticks_diff(now, self.end) > 0


async def run(door) -> None:
    """Opens it and closes it again."""
    from bridge.config.access import load

    found = load(door.console.access)
    del load
    unload("bridge.config.access")
    if not found or len(found[1]) < _LEAST:
        return door.log.error("portal", "not opened: access.json has no password for it; 'access new' on the serial console makes it")
    after = MARK in os.listdir()
    if after:
        os.remove(MARK)
    name = "meterbridge-" + door.console.identity.device[-6:]
    station = door.station
    dbm = await _radio(station)
    from bridge.hal.access_point import start
    from bridge.portal import names

    try:
        point = start(name, found[1], dbm)
    except OSError as error:
        return door.log.error("portal", "the chip opens no access point: %s" % error)
    door.portal = portal = Portal(door, point, name, after)
    answers = asyncio.create_task(names.serve(portal))
    door.log.warning("portal", "open: join the Wi-Fi %s with its password, then http://%s/" % (name, portal.address))
    try:
        while not portal.over():
            await asyncio.sleep_ms(_LOOK_MS)
    finally:
        answers.cancel()
        door.portal = None
        if not station.networks:
            station.online.clear()
            station.wlan.disconnect()
        station.lent = False
        point.active(False)
        door.log.warning("portal", "closed")


async def _radio(station) -> int:
    """Lets the station's radio be on, as the board's supply allows, and tells with how many dBm (0: as it is)."""
    for _ in range(_RADIO_LOOKS):
        if station.wlan.active():
            return 0
        if not station.networks and station.start:
            from bridge.wifi.joining import begin

            dbm = await begin(station)
            del begin
            unload("bridge.wifi.joining", "bridge.wifi.choosing", "bridge.wifi.reasons")
            return dbm
        await asyncio.sleep_ms(_LOOK_MS)
    return 0
