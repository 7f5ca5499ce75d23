"""Joins a network: a Station that is offline in, one that is online out, however long it takes. Loaded for as long as that takes.

The driver tries once per connect(); what it says of an earlier try it goes on saying until there is an address, so a code that was there before
counts only after a while, and not while an access point has taken the station.
A scan stands still for 2 to 3 s, in which the UART's buffer takes what the meter sends (4 KB); so there is one at the start, where it chooses
between several known networks, and now and then when access points refuse. All other tries are by name: then the driver searches by itself.
"""

import time

from micropython import const

from bridge.core.backoff import Backoff
from bridge.wifi.choosing import by_name, order
from bridge.wifi.reasons import LASTING, PASSWORD, why

_STEP_MS = const(500)
_JOIN_MS = const(20000)  # joining and DHCP take 2 to 8 s; after this the try counts as failed
_LASTING_MS = const(6000)  # a search over all channels takes 2 to 3 s, and an answer up to 1 s
_GONE_MS = const(2000)
_FIRST_RETRY_MS = const(1000)
# An access point that is back is joined within a minute: three networks tried for 6 s each, this pause, and 10 s for joining.
_LAST_RETRY_MS = const(20000)
_PASSWORD_ROUNDS = const(6)
_PASSWORD_RETRY_MS = const(120000)  # access points shut out who knocks too often
_REFUSALS = const(4)  # rounds, of which the last begins with a scan
_GENTLE_DBM = const(5)  # for the first try where the supply is weak
_SAID = const(4)  # problems told of one outage


async def join(station) -> None:
    """Tries all networks in turn, with pauses that grow, until one is joined."""
    wlan, networks = station.wlan, station.networks
    dbm = 0
    scan = False
    if station.start:
        dbm = await begin(station)
        scan = len(networks) > 1
    backoff = Backoff(_FIRST_RETRY_MS, _LAST_RETRY_MS)
    said = []
    rounds = passwords = 0
    while True:
        await _pause(station, _pause_of(station, backoff, rounds, passwords))
        wrong = 0
        plan = _plan(station, scan)
        for number, bssid in plan:
            kind, station.problem = await _try(station, number, bssid)
            if not kind:
                station.number, station.bssid = number, bssid
                if dbm:
                    wlan.config(txpower=dbm)
                return
            wlan.disconnect()
            wrong += kind == PASSWORD
            if station.problem not in said and len(said) < _SAID:
                said.append(station.problem)
                station.log.warning("wifi", station.problem)
        if dbm:
            wlan.config(txpower=dbm)
        passwords = passwords + 1 if wrong == len(plan) else 0
        rounds += 1
        scan = rounds % _REFUSALS == 0 and kind != 1


async def begin(station) -> int:
    """Switches the radio on. Gives the transmit power to go up to after the first try, 0 when it has its power already."""
    wait_ms, dbm, address = station.start
    await _pause(station, wait_ms)
    wlan = station.wlan
    wlan.active(True)
    # With retries of the driver's own, status() says "connecting" for ever and never why.
    wlan.config(reconnects=0)
    wlan.config(pm=wlan.PM_NONE)
    if dbm:
        wlan.config(txpower=min(dbm, _GENTLE_DBM))
    if address:
        from bridge.core.ipv4 import parse
        from bridge.core.unload import unload

        wlan.ifconfig(parse(address))
        del parse
        unload("bridge.core.ipv4")
    station.start = None
    return dbm


def _pause_of(station, backoff, rounds: int, passwords: int) -> int:
    """Milliseconds before this round. A network that is lost again and again is not joined again at once."""
    if passwords >= _PASSWORD_ROUNDS:
        return _PASSWORD_RETRY_MS
    if rounds:
        return backoff.next_ms()
    return min(_FIRST_RETRY_MS << station.flaps, _LAST_RETRY_MS) if station.flaps > 1 else 0


def _plan(station, scan: bool) -> list:
    networks, first = station.networks, station.number
    if station.bound:  # to go over to
        plan, station.bound = [(first, station.bound)], None
        return plan
    if scan:
        try:
            return order(station.wlan.scan(), networks, first)
        except OSError:
            pass  # the driver is not ready to
    return by_name(networks, first)


async def _try(station, number: int, bssid) -> tuple:
    """(0, "") when joined, else (kind, words)."""
    wlan = station.wlan
    name, password = station.networks[number]
    cannot = "cannot join %s: " % name
    waited = 0
    while wlan.isconnected() and waited < _GONE_MS:  # on its way out
        await _pause(station, _STEP_MS)
        waited += _STEP_MS
    before = wlan.status()
    try:
        wlan.connect(name, password or None, bssid=bssid)
    except OSError as error:
        return 3, "the Wi-Fi driver refused to connect: %s" % error
    began = time.ticks_ms()
    while True:
        await _pause(station, _STEP_MS)
        if wlan.isconnected():
            return 0, ""
        waited = time.ticks_diff(time.ticks_ms(), began)
        code = wlan.status()
        kind, text = why(code, number)
        lasting = code == before and code in LASTING
        if kind and (not lasting or waited >= _LASTING_MS and not _taken(wlan)):
            return kind, cannot + text
        if waited >= _JOIN_MS:
            if _taken(wlan):
                text = "the access point takes it, but gives no address: restart the router, or set wifi_address"
            return 3, cannot + (text or "no answer in %d s" % (_JOIN_MS // 1000))


def _taken(wlan) -> bool:
    """Whether an access point has taken it; then only the address is missing."""
    try:
        wlan.status("rssi")
    except OSError:
        return False
    return True


async def _pause(station, ms: int) -> None:
    while ms > 0:
        await station.nap(min(ms, _STEP_MS))
        ms -= _STEP_MS
