"""The composition root: board data and settings in, a supervisor with all tasks out. Every object is made here and given to who needs it.

Tasks: `reader` (UART to store), one per sink, `wifi`, `time`, `housekeeping`. The vital ones must show life, or the
watchdog resets the chip. What is made keeps no function of this module, so that main.py can forget it when all runs.
"""

from micropython import const

from bridge.config import settings as config
from bridge.core import boots
from bridge.core.clock import Clock
from bridge.core.counters import Counters
from bridge.core.housekeeping import Housekeeping
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
from bridge.wifi.ntp import TimeKeeper
from bridge.wifi.station import Station

VERSION = "0.1.0"
# Modules that are needed only to get here.
ONCE = (
    "bridge.app",
    "bridge.config.settings",
    "bridge.config.table",
    "bridge.config.rules",
    "bridge.config.help",
    "bridge.hal.board",
    "bridge.core.boots",
    "bridge.uart.settings",
)
_SETTINGS_FILE = "config.json"
_BOOTS_FILE = "boots"
_READER_DEADLINE_S = const(20)
_WIFI_DEADLINE_S = const(60)  # a name look-up blocks for seconds where DNS is dead


def compose() -> Supervisor:
    """Makes the whole dongle; never raises for what a file holds. `run()` of the result lives as long as the device is on."""
    clock = Clock()
    log = Log(stamp=clock.stamp)
    board = boards.load()
    loaded = config.load(_SETTINGS_FILE)
    settings = loaded.values
    log.set_level(settings["log_level"])
    identity = Identity(system.device_id(), VERSION, board.name, boots.count(_BOOTS_FILE))
    system.full_speed(board.chip)
    log.info("app", "meterbridge %s on %s, start %d (%s)" % (VERSION, board.name, identity.boot, system.reset_cause()))
    problems = _problems(log, board, loaded)
    # The one large piece of memory is taken while the heap is still in one.
    store = Store(Journal(settings["journal_kb"] * 1024, settings["journal_detail_s"]))
    status = Status()
    supervisor = Supervisor(log, watchdog.start(), board.strict)
    status.add("device", identity.status)
    status.add("reset_cause", system.reset_cause)
    status.add("uptime_s", clock.uptime_s)
    status.add("clock", clock.status)
    status.add("memory", system.memory)
    station = _network(board, settings, clock, log, identity, supervisor, status)
    _receiving(board, settings, clock, log, store, supervisor, status, problems)
    _sinks(Context(store, clock, log, settings, identity, status.document, station.online), supervisor, status)
    supervisor.add("housekeeping", Housekeeping(clock, system.collect).run)
    status.add("journal", store.status)
    status.add("tasks", supervisor.status)
    status.add("problems", problems.copy)
    status.add("log", log.recent)
    return supervisor


def _problems(log: Log, board, loaded) -> list:
    for problem in board.problems:
        log.error("board", problem)
    for problem in loaded.problems:
        log.error("config", problem)
    if not loaded.problems:
        config.keep_good(_SETTINGS_FILE)
    return board.problems + loaded.problems


def _network(board, settings, clock, log, identity, supervisor, status) -> Station:
    wlan_object = wlan.station(board, identity.device)
    station = Station(wlan_object, settings["wifi_ssid"], settings["wifi_password"], log, wlan.failure, supervisor.beat("wifi"))
    supervisor.add("wifi", station.run, _WIFI_DEADLINE_S)
    supervisor.add("time", TimeKeeper(settings["ntp_server"], clock, log, station.online).run)
    status.add("wifi", station.status)
    return station


def _receiving(board, settings, clock, log, store, supervisor, status, problems) -> None:
    counters = Counters()
    protocol = settings["meter_protocol"]
    pipeline = Pipeline(protocol, Builder(counters), store, clock, counters, log)
    status.add("meter", pipeline.status)
    status.add("counters", counters.as_dict)
    line = _line(settings["meter_line"], board.line_for(protocol), log, problems)
    try:
        stream = uart.open_uart(board, line)
    except OSError as error:
        log.error("meter", str(error))
        problems.append(str(error))
        return
    uart.request_data(board)
    log.info("meter", "listening at %s" % line.text())
    supervisor.add("reader", Reader(stream, pipeline.feed, supervisor.beat("reader")).run, _READER_DEADLINE_S)


def _line(wanted: str, usual: str, log, problems):
    try:
        return parse(wanted or usual)
    except ValueError as error:
        problems.append("meter_line: %s; using %s" % (error, usual))
        log.error("config", problems[-1])
        return parse(usual)


def _sinks(context: Context, supervisor, status) -> None:
    """Makes the sinks that have an address; the code of the others is not even imported."""
    made = {}
    if context.settings["mqtt_url"]:
        from bridge.push.mqtt_sink import MqttSink

        made["mqtt"] = MqttSink("mqtt", context)
    for name in ("http", "influx"):
        if context.settings[name + "_url"]:
            from bridge.push.http_sink import HttpSink

            made[name] = HttpSink(name, context)
    for name, sink in made.items():
        supervisor.add(name, sink.run)
    status.add("sinks", {name: sink.status for name, sink in made.items()})
