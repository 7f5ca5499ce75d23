"""The first minutes of a dongle that was just set up: its serial port in; what it sees, and what is missing and what to do about it, in plain words out."""

import time
from collections.abc import Callable

from host_tools.dongle_console import Console, Silence
from host_tools.errors import FAILED, UserError

_EVERY_S = 1.0  # between two looks
_STARTS_S = 40.0  # until the console answers: MicroPython's start, and making a new file system
_NAMES = {"p1": "P1", "sml": "SML", "d0": "D0", "hdlc": "DLMS (HDLC)", "mbus": "DLMS (M-Bus)", "dlms": "DLMS", "amis": "AMIS"}
_SINKS = {"mqtt": "MQTT", "http": "HTTP", "influx": "InfluxDB"}


def wait(port: str, seconds: float, say: Callable[[str], None]) -> bool:
    """Looks until there are readings and each destination has one, at most so long; says what it sees. Whether all is well.

    UserError when the firmware does not answer at all.
    """
    with _console(port) as console:
        if "safe_mode" in console.hello:
            raise UserError(f"{port}: the dongle is in safe mode, as its firmware failed three times: {console.hello['safe_mode']}", FAILED)
        say(f"{console.hello.get('id')} runs meterbridge {console.hello['version']}")
        until, told, status = time.monotonic() + seconds, "", {}
        while time.monotonic() < until:
            try:
                status = console.status()
            except Silence:
                continue
            if not missing(status):
                break
            if (news := brief(status)) != told and news:
                told = news
                say(f"  {news} ...")
            time.sleep(_EVERY_S)
    say(summary(status))
    for line in missing(status):
        say(f"  {line}")
    return not missing(status)


def _console(port: str) -> Console:
    until = time.monotonic() + _STARTS_S
    while True:
        try:
            return Console(port)
        except UserError:
            if time.monotonic() > until:
                raise
        time.sleep(_EVERY_S)


def readings(status: dict) -> int:
    """How many there are since the dongle began to count."""
    journal = status.get("journal", {})
    return max(0, journal.get("next", 1) - journal.get("oldest", 1))


def brief(status: dict) -> str:
    """What goes on while there is something missing."""
    meter = status.get("meter", {})
    if readings(status) == 0:
        line = f", trying {meter['line']}" if meter.get("protocol") == "searching" and meter.get("line") else ""
        return f"looking for the meter{line}"
    waiting = [_SINKS.get(name, name) for name, sink in _sinks(status) if not sink.get("acknowledged")]
    return f"{readings(status)} readings, waiting for {', '.join(waiting)}" if waiting else ""


def summary(status: dict) -> str:
    """One line: "P1 meter found (115200 8N1 inverted), 3 readings, MQTT connected"."""
    meter, count = status.get("meter", {}), readings(status)
    if not meter:
        return "the dongle says nothing about a meter"
    parts = ["no meter found yet"]
    if count or meter.get("heard") == "telegrams":
        name = _NAMES.get(meter.get("protocol", ""), meter.get("protocol", ""))
        parts = [f"{name} meter found" + (f" ({meter['line']})" if meter.get("line") else ""), f"{count} reading{'s' * (count != 1)}"]
    for name, sink in _sinks(status):
        parts.append(f"{_SINKS.get(name, name)} {sink.get('state', 'unknown')}")
    return ", ".join(parts)


def missing(status: dict) -> list[str]:
    """What is not there yet, each with what to do; nothing when all is well."""
    found = []
    if readings(status) == 0:
        meter = status.get("meter", {})
        what = {"silence": "no bytes from the meter yet", "held": "the line from the meter is not at rest"}.get(meter.get("heard", ""), "no reading yet")
        found.append(f"{what}: {meter.get('advice') or 'is the cable in the meter, and is this the port of the meter?'}")
    wifi = status.get("wifi", {})
    if not _sinks(status):
        found.append("no destination is set: meterbridge configure --set mqtt_url=mqtt://..., or keep reading over USB")
    elif wifi.get("state") not in (None, "connected") and not wifi.get("connected"):
        found.append(f"Wi-Fi is not connected ({wifi.get('problem') or wifi.get('state')}): are name and password right? meterbridge configure sets them")
    else:
        for name, sink in _sinks(status):
            if not sink.get("acknowledged") and readings(status):
                why = f": {sink['last_error']}" if sink.get("last_error") else ""
                found.append(f"{_SINKS.get(name, name)} has not taken a reading yet{why}")
    return found


def _sinks(status: dict) -> list[tuple[str, dict]]:
    return [(name, sink) for name, sink in sorted((status.get("sinks") or {}).items()) if isinstance(sink, dict)]
