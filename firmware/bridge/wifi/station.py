"""Stays in the owner's Wi-Fi networks and asks one the time: the WLAN object in, a connection kept up, its state and a set clock out.

How a network is joined stands in `joining.py`, and what is done about one that serves badly in `watching.py`; both are loaded when they are needed.
"""

import asyncio
import time
from binascii import hexlify

from micropython import const

from bridge.core.backoff import Backoff
from bridge.core.unload import unload

_POLL_MS = const(500)  # the port has no event for a lost network
_LOOK = const(20)  # polls from one look at signal and destinations to the next: 10 s
_WEAK_DBM = const(-75)
_GOOD_DBM = const(-70)
_FIRST_LOOKS = const(6)  # so many bad ones, a minute, and something is done; if it stays bad, next time after twice as many
_LAST_LOOKS = const(90)
_BRIEF_MS = const(60000)  # a connection shorter than this promises nothing for the next
_FLAPS = const(4)  # brief connections in a row that are told of one by one
_TIME_AGAIN_S = const(14400)  # a crystal of 20 ppm is off by 0.3 s after four hours
_TIME_FIRST_RETRY_MS = const(2000)
_TIME_LAST_RETRY_MS = const(300000)


class Station:
    """`wlan`: a station (API of network.WLAN); `networks`: ((name, password), ...); `start`: (ms to wait, transmit power in dBm or 0, fixed address or "").

    `beat()`: sign of life. `sinks`: what is reached over the network, each with a `state`. `number`: which of the networks, `bssid`: the access
    point where it was chosen. `flaps`: connections in a row that did not last. `lost`, `reason`: when and why the last one ended.
    """

    def __init__(self, wlan, networks, start, log, beat):
        self.wlan = wlan
        self.networks = networks
        self.start = start
        self.log = log
        self.beat = beat
        self.online = asyncio.Event()
        self.sinks = ()
        self.lent = False
        self.joins = self.number = self.flaps = 0
        self.bssid = self.bound = self.lost = None
        self.reason = ""
        self._weak = self._silent = 0
        self._patience = [_FIRST_LOOKS, _FIRST_LOOKS]
        self.problem = "" if networks else "no Wi-Fi network is set: set wifi_ssid and wifi_password"

    async def run(self) -> None:
        """Joins, watches, joins again; for ever. Without a network name there is nothing to do but to be alive."""
        if not self.networks:
            self.log.warning("wifi", self.problem)
        since = polls = 0
        while True:
            if self.networks and not self.wlan.isconnected():
                if self.online.is_set():
                    self._gone(time.ticks_diff(time.ticks_ms(), since))
                await self._join()
                since, polls = time.ticks_ms(), 0
            polls += 1
            if polls >= _LOOK and self.online.is_set():
                polls = 0
                await self._look()
            await self.nap(_POLL_MS)

    async def nap(self, ms: int) -> None:
        """Sleeps, alive; for as long as another uses the radio."""
        while True:
            self.beat()
            await asyncio.sleep_ms(ms)
            if not self.lent:
                return
            ms = _POLL_MS

    def _gone(self, lasted_ms: int) -> None:
        from bridge.wifi.reasons import why

        self.online.clear()
        self.lost = self.log.stamp()
        self.reason = why(self.wlan.status())[1]
        if not self.reason:  # left by ourselves, which was told
            self.reason = "left"
            return
        self.flaps = self.flaps + 1 if 0 <= lasted_ms < _BRIEF_MS else 0
        if self.flaps < _FLAPS:
            self.log.warning("wifi", "connection lost: %s" % self.reason)
        elif self.flaps == _FLAPS:
            self.log.warning("wifi", "the connection never lasts a minute: no more is told of it until it does")

    async def _join(self) -> None:
        try:
            from bridge.wifi.joining import join

            await join(self)
        finally:
            unload("bridge.wifi.joining", "bridge.wifi.choosing", "bridge.wifi.reasons")
        self.problem = ""
        self.joins += 1
        self.online.set()
        if self.flaps < _FLAPS:
            self.log.info("wifi", "connected to %s as %s" % (self.networks[self.number][0], self.address()))

    async def _look(self) -> None:
        """Counts looks with a weak signal, and with no destination reached."""
        try:
            rssi = self.wlan.status("rssi")
        except OSError:
            return  # lost meanwhile
        patience = self._patience
        self._weak = self._weak + 1 if rssi < _WEAK_DBM else 0
        if rssi >= _GOOD_DBM:
            patience[0] = _FIRST_LOOKS
        self._silent += 1
        for sink in self.sinks:
            if sink.state == "connected":
                self._silent = 0
                patience[1] = _FIRST_LOOKS
        weak = self._weak >= patience[0]
        if not weak and (not self.sinks or self._silent < patience[1]):
            return
        from bridge.wifi import watching

        if weak:
            self._weak = 0
            patience[0] = min(2 * patience[0], _LAST_LOOKS)
            watching.go_over(self, rssi)
        else:
            self._silent = 0
            await watching.join_anew(self)
            patience[1] = min(2 * patience[1], _LAST_LOOKS)
        del watching
        unload("bridge.wifi.watching", "bridge.wifi.choosing")

    def address(self) -> str:
        """The IPv4 address, "" while offline."""
        return self.wlan.ifconfig()[0] if self.wlan.isconnected() else ""

    def status(self) -> dict:
        """For the status document; `rssi` in dBm, `lost` and `reason`: when and why the last connection ended."""
        wlan = self.wlan
        connected = wlan.isconnected()
        found = {"connected": connected, "ssid": self.networks[self.number][0] if self.networks else "", "address": self.address(), "rssi": None}
        if connected:
            try:
                found["rssi"] = wlan.status("rssi")
                found["channel"] = wlan.config("channel")
            except OSError:
                pass  # lost between the two calls
            if self.bssid:
                found["bssid"] = hexlify(self.bssid, ":").decode()
        found["joins"] = self.joins
        found["problem"] = self.problem
        if self.lost:
            found["lost"] = self.lost
            found["reason"] = self.reason
        return found


class TimeKeeper:
    """Sets `clock` from `server` whenever `online` (an Event) allows."""

    def __init__(self, server: str, clock, log, online):
        self._server = server
        self._clock = clock
        self._log = log
        self._online = online

    async def run(self) -> None:
        """For ever: a few hours after each answer the next question."""
        backoff = Backoff(_TIME_FIRST_RETRY_MS, _TIME_LAST_RETRY_MS)
        said = ""
        while True:
            await self._online.wait()
            problem = await self._once()
            if not problem:
                said = ""
                backoff.reset()
                self._log.info("ntp", "clock set from %s" % self._server)
                await asyncio.sleep(_TIME_AGAIN_S)
                continue
            if problem != said:
                said = problem
                self._log.warning("ntp", problem)
            await asyncio.sleep_ms(backoff.next_ms())

    async def _once(self) -> str:
        from bridge.wifi.ntp import ask

        try:
            utc = await ask(self._server)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            return "%s does not answer: %s" % (self._server, str(error) or "time-out")
        finally:
            del ask
            unload("bridge.wifi.ntp")
        return "" if self._clock.set(utc, "ntp") else "the time server's time is before this firmware was made: not used"
