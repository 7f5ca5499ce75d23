"""The composition root: board data and settings in, a running dongle out. Every object is made here and given to who needs it.

Tasks: `reader` (UART to store), one per sink, `wifi`, `time`, `housekeeping`. The vital ones must show life, or the
watchdog resets the chip.
"""

import asyncio

from micropython import const

from bridge.config import settings as config
from bridge.core import boots
from bridge.core.clock import Clock
from bridge.core.counters import Counters
from bridge.core.log import Log
from bridge.core.status import Status
from bridge.core.supervisor import Supervisor
from bridge.hal import board as boards
from bridge.hal import system, uart, watchdog, wlan
from bridge.pipeline import Pipeline
from bridge.push.sink import Context, Identity
from bridge.reading.builder import Builder
from bridge.store.journal import Journal
from bridge.store.store import Store
from bridge.uart.reader import Reader
from bridge.uart.settings import parse
from bridge.wifi.ntp import keep_time
from bridge.wifi.station import Station

VERSION = "0.1.0"
_SETTINGS_FILE = "config.json"
_BOOTS_FILE = "boots"
_READER_DEADLINE_S = const(20)
_WIFI_DEADLINE_S = const(60)  # a name look-up blocks for seconds where DNS is dead
_HOUSEKEEPING_S = const(10)


class App:
    """The dongle. `run()` lives as long as the device is on."""

    def __init__(self):
        self.counters = Counters()
        self.clock = Clock()
        self.log = Log(stamp=self.clock.stamp)
        self.board = boards.load()
        self.settings = config.load(_SETTINGS_FILE)
        self.log.set_level(self.settings["log_level"])
        system.full_speed(self.board.chip)
        self.identity = Identity(system.device_id(), VERSION, self.board.name, boots.count(_BOOTS_FILE))
        self._say_what_is_wrong()
        self.store = Store(Journal(self.settings["journal_kb"] * 1024, self.settings["journal_detail_s"]))
        self.status = Status()
        self.supervisor = Supervisor(self.log, watchdog.start(), self.board.strict)
        self._receiving()
        self._network()
        self._sinks()
        self.supervisor.add("housekeeping", self._housekeeping)
        self._sections()

    def _say_what_is_wrong(self) -> None:
        self.log.info("app", "meterbridge %s on %s, start %d (%s)" % (VERSION, self.board.name, self.identity.boot, system.reset_cause()))
        for problem in self.board.problems:
            self.log.error("board", problem)
        for problem in self.settings.problems:
            self.log.error("config", problem)
        if not self.settings.problems:
            config.keep_good(_SETTINGS_FILE)

    def _receiving(self) -> None:
        protocol = self.settings["meter_protocol"]
        line = parse(self.settings["meter_line"] or self.board.line_for(protocol))
        self.builder = Builder(self.counters)
        self.pipeline = Pipeline(protocol, self.builder, self.store, self.clock, self.counters, self.log)
        uart.request_data(self.board)
        self.log.info("meter", "listening at %s" % line.text())
        reader = Reader(uart.open_uart(self.board, line), self.pipeline.feed, lambda: self.supervisor.beat("reader"))
        self.supervisor.add("reader", reader.run, _READER_DEADLINE_S)

    def _network(self) -> None:
        settings = self.settings
        station = wlan.station(self.board, self.identity.device)
        beat = lambda: self.supervisor.beat("wifi")
        self.station = Station(station, settings["wifi_ssid"], settings["wifi_password"], self.log, wlan.failure, beat)
        self.supervisor.add("wifi", self.station.run, _WIFI_DEADLINE_S)
        self.supervisor.add("time", lambda: keep_time(settings["ntp_server"], self.clock, self.log, self.station.online))

    def _sinks(self) -> None:
        """Makes the sinks that have an address; the code of the others is not even imported."""
        context = Context(self.store, self.clock, self.log, self.settings, self.identity, self.status.document)
        self.sinks = []
        if self.settings["mqtt_url"]:
            from bridge.push.mqtt_sink import MqttSink

            self.sinks.append(MqttSink("mqtt", context))
        for name in ("http", "influx"):
            if self.settings[name + "_url"]:
                from bridge.push.http_sink import HttpSink

                self.sinks.append(HttpSink(name, context))
        for sink in self.sinks:
            self.supervisor.add(sink.name, lambda sink=sink: self._when_online(sink))

    async def _when_online(self, sink) -> None:
        await self.station.online.wait()
        await sink.run()

    def _sections(self) -> None:
        identity = self.identity
        add = self.status.add
        add("device", lambda: {"id": identity.device, "version": identity.version, "board": identity.board, "boot": identity.boot, "reset_cause": system.reset_cause()})
        add("uptime_s", self.clock.uptime_s)
        add("clock", lambda: {"utc": self.clock.stamp(), "source": self.clock.source})
        add("wifi", self.station.status)
        add("memory", system.memory)
        add("meter", self.pipeline.status)
        add("counters", self.counters.as_dict)
        add("journal", self.store.status)
        add("sinks", lambda: {sink.name: sink.status() for sink in self.sinks})
        add("tasks", self.supervisor.status)
        add("problems", lambda: self.board.problems + self.settings.problems)
        add("log", lambda: self.log.lines()[-5:])

    async def _housekeeping(self) -> None:
        while True:
            self.clock.uptime_s()  # asked often, so that wrapping ticks are never missed
            system.collect()
            await asyncio.sleep(_HOUSEKEEPING_S)

    async def run(self) -> None:
        """Starts all tasks; returns only by a programming error in a strict (simulated) device, which it raises."""
        system.collect()
        await self.supervisor.run()


def main() -> None:
    """What main.py calls."""
    asyncio.run(App().run())
