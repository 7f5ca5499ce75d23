"""The composition root: board data and settings in, a supervisor with all tasks out. Every object is made here and given to who needs it.

Tasks: `reader` (UART to store), `detection`, `keeper` (store to flash), one per sink, `wifi`, `time`, `console`, `network`.
The vital ones must show life, or the watchdog resets the chip.
What is made keeps no function of this module, so that main.py can forget it when all runs. Code is imported where it is needed:
what only the start needs goes before the rest comes.
"""

import gc
import os
from binascii import unhexlify

from micropython import const

from bridge.core.unload import unload

VERSION = "0.1.0"
# Modules that are needed only to get here.
ONCE = ("bridge.app", "bridge.care", "bridge.hal.board", "bridge.hal.chip", "bridge.hal.wlan", "bridge.hal.watchdog", "bridge.uart.settings")
_SETTINGS_FILE = "config.json"
_BOOTS_FILE = "boots"
_PORT = const(80)  # of HTTP
_FOUND_FILE = "meter.json"  # line settings and protocol of the meter that was found
# RAM for readings in KB. Beside flash it holds those that are not written yet, at a reading each second six times as many as there can be.
_RAM_KB, _RAM_ALONE_KB, _RAM_PSRAM_KB = const(4), const(12), const(64)
_LEAST_FLASH_KB = const(64)  # a journal smaller than this is not worth its wear
_SLOTS_KB = (0, 704, 96)  # of flash for the next update where no, one or both copies of the firmware are there: each small file takes a block
_LOG_LINES = const(8)  # kept for the status, which shows the last of them
_READER_DEADLINE_S = const(20)
_WIFI_DEADLINE_S = const(60)  # a name look-up blocks for seconds where DNS is dead
# What is read at the start alone; the settings of a sink that is off are not kept either.
_START_ONLY = ("wifi", "host", "ntp", "journal", "log", "time", "unlock", "update")
_SINKS = ("mqtt", "http", "influx")


def compose():
    """Makes the whole dongle; never raises for what a file holds. `run()` of the result lives as long as the device is on."""
    if "forget" in os.listdir():  # a factory reset was asked for
        from bridge.core.forget import finish

        finish()
    settings, problems, mark = _settings()
    from bridge.hal import board as boards

    board = boards.load()
    flash_kb = _flash_kb(board, settings["journal_flash_kb"])
    # The one large piece of memory is taken while the heap is still in one.
    room = bytearray((settings["journal_kb"] or (_RAM_KB if flash_kb else _RAM_PSRAM_KB if board.psram else _RAM_ALONE_KB)) * 1024)

    from bridge.core.clock import Clock
    from bridge.core.log import Log
    from bridge.core.status import Status
    from bridge.core.supervisor import Supervisor
    from bridge.hal import memory, rtc, watchdog
    from bridge.store.log_file import LogFile

    clock = Clock(None, rtc.set_utc)
    log_file = LogFile(board.storage + "/log", clock.uptime_s)
    log = Log(_LOG_LINES, settings["log_level"], stamp=clock.stamp, keep=log_file.keep)
    status = Status()
    supervisor = Supervisor(log, watchdog.start(), board.strict, (clock.uptime_s, memory.collect))
    identity = _identity(board, log, status)
    for problem in board.problems:
        log.error("board", problem)
    for problem in problems:
        log.error("config", problem)
    problems = board.problems + problems
    status.add("uptime_s", clock.uptime_s)
    status.add("clock", clock.status)
    status.add("memory", memory.status)
    store = _store(board, settings, clock, room, flash_kb, identity.boot)
    keeper = _keep(store, clock, log_file, supervisor)
    desk = _receiving(board, settings, clock, log, store, supervisor, status, problems)
    station = _network(board, settings, clock, log, identity, supervisor, status)
    sinks = _sinks(store, clock, log, settings, identity, station, supervisor, status, desk)
    status.add("journal", store.status)
    status.add("profile", store.profile.status)
    from bridge import care

    console = _console(board, identity, store, keeper, log_file, supervisor, status, desk)
    _door(console, log, supervisor, status)
    care.begin(board, console, sinks, station, clock, log, supervisor, status, settings["update_url"], VERSION, mark)
    status.add("tasks", supervisor.status)
    status.add("problems", problems)
    status.add("log", log.recent)
    return supervisor


def _settings() -> tuple:
    """(values, problems, mark by which they are known again when they have proved good) of the settings file."""
    from bridge.config import settings as config

    loaded = config.load(_SETTINGS_FILE)
    from bridge.core import good

    mark = None if loaded.problems else good.mark(_SETTINGS_FILE)
    del config, good
    unload("bridge.config.settings", "bridge.config.table", "bridge.config.rules", "bridge.config.help", "bridge.core.ipv4", "bridge.core.good")
    return loaded.values, loaded.problems, mark


def _flash_kb(board, wanted: int) -> int:
    """KB of flash for readings: what is wanted as far as there is room, 0 where there is not; the rest is for profiles, logs and updates."""
    folder = board.storage + "/journal"
    try:
        stat = os.statvfs(board.storage or "/")
        names = os.listdir(board.storage or "/")
    except OSError:
        return 0
    used = 0
    try:
        for name in os.listdir(folder):
            used += os.stat(folder + "/" + name)[6]
    except OSError:  # no reading was kept yet
        pass
    slots = ("a" in names) + ("b" in names)
    rest = stat[1] * stat[2] // 12 if slots else stat[1] * stat[2] * 3 // 16
    kb = min(wanted, (stat[1] * stat[3] + used - rest) // 1024 - _SLOTS_KB[slots])
    return kb if kb >= _LEAST_FLASH_KB else 0


def _identity(board, log, status):
    from bridge.core.boots import count
    from bridge.hal import chip
    from bridge.push.sink import Identity

    identity = Identity(chip.device_id(), VERSION, board.name, count(_BOOTS_FILE))
    del count
    unload("bridge.core.boots")
    chip.set_speed(board.chip, board.mhz)
    cause = chip.reset_cause()
    log.info("app", "meterbridge %s on %s, start %d (%s)" % (VERSION, board.name, identity.boot, cause))
    status.add("device", identity.status)
    status.add("reset_cause", cause)
    return identity


def _store(board, settings, clock, room, flash_kb: int, boot: int):
    from bridge.store.journal import Journal
    from bridge.store.profile import Profile
    from bridge.store.store import Store

    gc.collect()
    archive = None
    if flash_kb:
        from bridge.store.segments import Segments

        archive = Segments(board.storage + "/journal", flash_kb * 1024, boot)
    profile = Profile(board.storage + "/profile", settings["time_zone"], clock.uptime_s)
    return Store(Journal(len(room), settings["journal_detail_s"], room, archive), profile)


def _keep(store, clock, log_file, supervisor):
    from bridge.store.keeper import Keeper

    keeper = Keeper(store, (store.profile, log_file), clock)
    supervisor.add("keeper", keeper.run)
    supervisor.chores += (keeper.look,)
    supervisor.close = keeper.save
    return keeper


def _console(board, identity, store, keeper, log_file, supervisor, status, desk):
    from bridge.serve.console import Console

    erasers = {"readings": store.journal.erase, "profiles": store.profile.erase, "logs": log_file.erase}
    console = Console(board.storage, identity, store, status.document, keeper.save, erasers)
    console.desk = desk
    supervisor.add("console", console.run)
    return console


def _door(console, log, supervisor, status) -> None:
    """Opens the way in from the home network, if there is a token; at the first start one is made, and shown on the serial console alone."""
    from bridge.config.access import digest_of, load, renew
    from bridge.hal import chip
    from bridge.serve.door import Door

    found = load(console.access)
    if not found:
        try:
            token, password = renew(console.access)
        except OSError as error:
            return log.error("network", "no token could be kept, so nobody is let in: %s" % error)
        print("token of this dongle, shown this once, write it down: %s\npassword of its own access point: %s" % (token, password))
        found = (digest_of(token.encode()), password)
    console.door = door = Door(_PORT, found[0], console, log, _SETTINGS_FILE, console.identity.host, chip.restart)
    supervisor.add("network", door.run)
    status.add("network", door.status)
    del load, renew, digest_of
    unload("bridge.config.access")


def _receiving(board, settings, clock, log, store, supervisor, status, problems):
    """The Desk where a PIN can be asked for, None where there is no light."""
    from bridge.core.counters import Counters
    from bridge.reading.builder import Builder

    gc.collect()
    from bridge.hal import uart
    from bridge.pipeline import Pipeline
    from bridge.uart.detection import Detection
    from bridge.uart.reader import Reader

    counters = Counters()
    protocol = settings["meter_protocol"]
    line, fixed = _line(settings["meter_line"], board.line_for(protocol), log, problems)
    gc.collect()
    try:
        port = uart.Port(board, line)
    except OSError as error:
        log.error("meter", str(error))
        problems.append(str(error))
        return None
    keys = [unhexlify(settings[name]) if settings[name] else None for name in ("meter_key", "meter_auth_key")]
    pipeline = Pipeline(protocol, Builder(counters, True), store, clock, counters, log, keys, port.stream.write)
    detection = Detection(pipeline, port, line.text(), protocol, fixed, clock, log, board.interfaces, _FOUND_FILE, settings["meter_poll_s"])
    status.add("meter", detection.status)
    status.add("counters", counters.as_dict)
    uart.request_data(board)
    log.info("meter", "listening at %s" % line.text())
    supervisor.add("reader", Reader(port.stream, pipeline.feed, supervisor.beat("reader")).run, _READER_DEADLINE_S)
    supervisor.add("detection", detection.run)
    if "ir" not in board.interfaces or port.mute and not board.light or protocol not in ("auto", "sml"):
        return None
    gc.collect()
    from bridge.unlock.desk import Desk

    desk = Desk(pipeline, port, store, clock, log, settings["unlock_keep_alive"], settings["unlock_commands"])
    detection.pin = desk.status
    return desk


def _line(wanted: str, usual: str, log, problems) -> tuple:
    """The line to begin with, and whether its owner fixed it."""
    from bridge.uart.settings import parse

    try:
        return parse(wanted or usual), bool(wanted)
    except ValueError as error:
        problems.append("meter_line: %s; using %s" % (error, usual))
        log.error("config", problems[-1])
        return parse(usual), False


def _network(board, settings, clock, log, identity, supervisor, status):
    """The Station, whose Event `online` is set while there is a network."""
    from bridge.hal import wlan
    from bridge.wifi.station import Station, TimeKeeper

    host = identity.host = settings["host_name"] or "meterbridge-" + identity.device[-6:]
    networks = [(settings["wifi_ssid" + n], settings["wifi_password" + n]) for n in ("", "_2", "_3") if settings["wifi_ssid" + n]]
    start = (board.wifi_start_s * 1000, settings["wifi_txpower_dbm"] or board.txpower_dbm or 0, settings["wifi_address"])
    station = Station(wlan.station(host, settings["wifi_country"]), networks, start, log, supervisor.beat("wifi"))
    supervisor.add("wifi", station.run, _WIFI_DEADLINE_S)
    supervisor.add("time", TimeKeeper(settings["ntp_server"], clock, log, station.online).run)
    status.add("wifi", station.status)
    gc.collect()
    return station


def _sinks(store, clock, log, settings, identity, station, supervisor, status, desk) -> dict:
    """Makes the sinks that have an address; the code of the others is not even imported. What gives the status of each, by name."""
    from bridge.push.sink import Context

    wanted = [name for name in _SINKS if settings[name + "_url"]]
    kept = {}
    for name in settings:
        area = name.split("_")[0]
        if area not in _START_ONLY and (area not in _SINKS or area in wanted):
            kept[name] = settings[name]
    context = Context(store, clock, log, kept, identity, status.document, station.online)
    context.desk = desk
    made = {}
    for name in wanted:
        if name == "mqtt":
            from bridge.push.mqtt_sink import MqttSink as Made
        else:
            from bridge.push.http_sink import HttpSink as Made
        gc.collect()
        sink = Made(name, context)
        supervisor.add(name, sink.run)
        station.sinks += (sink,)
        made[name] = sink.status
    status.add("sinks", made)
    return made
