"""Tries settings out while the portal stays open: an open Portal and settings in; in its `trial` a code for the page, words and an address out.

The chip has one radio: the access point goes over to the channel of the network that is joined, and its guests may lose it for a moment.
Codes: "" all is well; absent, password, security, refused, address, silent, subnet for the Wi-Fi; those of `trial_sinks`.
"""

import asyncio
import time

from micropython import const

from bridge.core.unload import unload

_STEP_MS = const(150)
_JOIN_MS = const(20000)
_GONE_MS = const(3000)
_LASTING_MS = const(6000)  # the driver goes on telling of the last try for a while
_FIRST_MS = const(200)  # for the answer that the test goes on to arrive
_TIME_MS = const(12000)  # for the clock, by which certificates are judged
_PARTS = ("bridge.wifi.reasons", "bridge.portal.trial_sinks", "bridge.portal.trial", "bridge.push.tls", "bridge.push.http_url")


async def run(portal, values: dict, what: str) -> None:
    """The whole test; never raises for what networks and servers do."""
    trial = portal.trial
    station = portal.door.station
    station.lent = True
    await asyncio.sleep_ms(_FIRST_MS)
    code, detail = "", ""
    try:
        code, detail = await _join(portal, values.get("wifi_ssid", ""), values.get("wifi_password", ""))
        if not code:
            trial["address"] = station.address()
            code, detail = await _target(portal, values, what)
    except MemoryError:
        code = "memory"
    finally:
        trial["code"], trial["detail"], trial["over"] = code, detail, True
        portal.door.log.info("portal", "test of %s: %s" % (trial["stage"], detail or code or "well"))
        _give_back(portal, station)
        unload(*_PARTS)


async def _target(portal, values: dict, what: str) -> tuple:
    station = portal.door.station
    trial = portal.trial
    network = portal.address[: portal.address.rfind(".") + 1]
    if trial["address"].startswith(network):  # guests could not be told from the home
        station.wlan.disconnect()
        station.online.clear()
        portal.joined = None
        return ("", "") if what == "wifi" else ("subnet", "the home's network has the addresses of this one")
    if what == "wifi":
        return "", ""
    trial["stage"] = what
    clock = portal.clock
    waited = 0
    while values.get(what + "_url", "").split(":")[0] in ("mqtts", "https") and clock and not clock.synced and waited < _TIME_MS:
        await asyncio.sleep_ms(_STEP_MS)
        waited += _STEP_MS
    from bridge.portal.trial_sinks import test

    return await test(portal, values, what)


async def _join(portal, name: str, password: str) -> tuple:
    """("", "") when the network is joined, else (code, words)."""
    station = portal.door.station
    wlan = station.wlan
    ours = portal.joined or (station.networks[station.number] if station.networks else None)
    if wlan.isconnected() and ours == (name, password):
        return "", ""
    station.online.clear()
    portal.joined = None
    wlan.disconnect()
    waited = 0
    while wlan.isconnected() and waited < _GONE_MS:
        await asyncio.sleep_ms(_STEP_MS)
        waited += _STEP_MS
    from bridge.wifi.reasons import ABSENT, LASTING, PASSWORD, why

    before = wlan.status()
    try:
        wlan.connect(name, password or None)
    except OSError as error:
        return "refused", str(error)
    began = time.ticks_ms()
    while True:
        await asyncio.sleep_ms(_STEP_MS)
        if wlan.isconnected():
            portal.joined = (name, password)
            station.online.set()
            return "", ""
        waited = time.ticks_diff(time.ticks_ms(), began)
        number = wlan.status()
        kind, text = why(number)
        if kind and (number != before or number not in LASTING or waited >= _LASTING_MS):
            break
        if waited >= _JOIN_MS:
            kind, text = 0, "address" if _has_signal(wlan) else "silent"
            break
    wlan.disconnect()
    if not kind:
        return text, ""
    return "absent" if kind == ABSENT else "password" if kind == PASSWORD else "security" if number in LASTING else "refused", text


def _has_signal(wlan) -> bool:
    try:
        wlan.status("rssi")
        return True
    except OSError:
        return False


def _give_back(portal, station) -> None:
    """The station goes on as it was, if it has a network of its own; else it stays in the one that was tried."""
    if not station.networks:
        return
    if portal.joined and portal.joined != station.networks[station.number]:
        station.online.clear()
        station.wlan.disconnect()
        portal.joined = None
    station.lent = False
