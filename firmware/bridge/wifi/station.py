"""Stays in the owner's Wi-Fi network and asks it the time: the WLAN object in, a connection kept up with back-off, its state and a set clock out."""

import asyncio

from micropython import const

from bridge.core.backoff import Backoff
from bridge.core.unload import unload

_POLL_MS = const(500)  # the port has no event for a lost network
_JOIN_MS = const(20000)  # joining and DHCP take 2 to 8 s; after this the try counts as failed
_FIRST_RETRY_MS = const(1000)
_LAST_RETRY_MS = const(60000)
_TIME_AGAIN_S = const(14400)  # a crystal of 20 ppm is off by 0.3 s after four hours
_TIME_FIRST_RETRY_MS = const(2000)
_TIME_LAST_RETRY_MS = const(300000)


class Station:
    """`wlan`: an active station (API of network.WLAN); `explain(code)`: words for its status; `beat()`: sign of life."""

    def __init__(self, wlan, ssid: str, password: str, log, explain, beat):
        self._wlan = wlan
        self._ssid = ssid
        self._password = password
        self._log = log
        self._explain = explain
        self._beat = beat
        self._backoff = Backoff(_FIRST_RETRY_MS, _LAST_RETRY_MS)
        self._said = ""
        self.online = asyncio.Event()
        self.joins = 0
        self.problem = "" if ssid else "no Wi-Fi network is set: set wifi_ssid and wifi_password"

    async def run(self) -> None:
        """Joins, watches, joins again; for ever. Without a network name there is nothing to do but to be alive."""
        if not self._ssid:
            self._log.warning("wifi", self.problem)
        while True:
            if self._ssid and not self._wlan.isconnected():
                await self._lost()
            self._beat()
            await asyncio.sleep_ms(_POLL_MS)

    async def _lost(self) -> None:
        if self.online.is_set():
            self.online.clear()
            self._log.warning("wifi", "connection lost")
        if await self._join():
            self._backoff.reset()
            self._said = self.problem = ""
            self.joins += 1
            self.online.set()
            self._log.info("wifi", "connected to %s as %s" % (self._ssid, self.address()))
            return
        self._wlan.disconnect()
        if self.problem != self._said:
            self._said = self.problem
            self._log.warning("wifi", self.problem)
        await self._pause(self._backoff.next_ms())

    async def _join(self) -> bool:
        try:
            self._wlan.connect(self._ssid, self._password or None)
        except OSError as error:
            self.problem = "the Wi-Fi driver refused to connect: %s" % error
            return False
        waited = 0
        while waited < _JOIN_MS:
            if self._wlan.isconnected():
                return True
            await self._pause(_POLL_MS)
            waited += _POLL_MS
            text = self._explain(self._wlan.status())
            if text:
                self.problem = "cannot join %s: %s" % (self._ssid, text)
                return False
        self.problem = "cannot join %s: no answer in %d s" % (self._ssid, _JOIN_MS // 1000)
        return False

    async def _pause(self, ms: int) -> None:
        while ms > 0:
            self._beat()
            await asyncio.sleep_ms(min(ms, _POLL_MS))
            ms -= _POLL_MS

    def address(self) -> str:
        """The IPv4 address, "" while offline."""
        return self._wlan.ifconfig()[0] if self._wlan.isconnected() else ""

    def status(self) -> dict:
        """For the status document; `rssi` in dBm."""
        connected = self._wlan.isconnected()
        rssi = None
        if connected:
            try:
                rssi = self._wlan.status("rssi")
            except OSError:
                pass  # lost between the two calls
        return {"connected": connected, "ssid": self._ssid, "address": self.address(), "rssi": rssi, "joins": self.joins, "problem": self.problem}


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
