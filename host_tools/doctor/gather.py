"""Talks to a dongle and looks around it: its serial port or address in; facts for `doctor.examine` out. Changes nothing on it."""

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from host_tools.doctor import serial_ear, starts
from host_tools.dongle_console import Console, NoDongle, Silence
from host_tools.errors import UserError

_TRY_S = 3.0  # to reach what the dongle delivers to, from this computer
_LISTEN_S = 6.0  # to a port where nobody answers: a chip in a boot loop starts every second or two
_LONGEST = 16384  # bytes of what it says meanwhile
_LOG_BYTES = 16384
_LARGEST_BYTES = 65536  # of the newest file of the journal: it is half of that at most
_PORTS = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}
_SINKS = ("mqtt", "http", "influx")
_LOGS, _ACCESS = ("log/log.old", "log/log"), ("log/access.old", "log/access")


def by_serial(port: str, seconds: int, tool: str, say: Callable[[str], None]) -> dict:
    """Facts about the dongle at a serial port; also where nobody answers there. UserError when the port itself cannot be had."""
    say(f"{port}: asking the dongle ...")
    try:
        with Console(port) as console:
            if console.hello.get("safe_mode") or console.hello["version"] == "safe mode":
                return _safe_mode(console, tool)
            facts = _facts(console, "serial", seconds, tool, say)
            facts["access"] = next((row for row in _rows(console, "access") if "token" in row), {})
            facts["brownouts"] = serial_ear.brownouts(console._heard)
            return facts
    except NoDongle as trouble:
        say(f"{port}: nobody answers; listening for {_LISTEN_S:.0f} s ...")
        return silent(port, list(trouble.heard), tool)


def by_network(host: str, token: str, seconds: int, tool: str, say: Callable[[str], None]) -> dict:
    """Facts about the dongle at an address; also where nobody answers there."""
    from host_tools.dongle_http import Dongle
    from host_tools.doctor.network_ear import knock

    contact = knock(host, token)
    if contact:
        return _nobody("network", contact, tool)
    try:
        with Dongle(host, token) as dongle:
            return _facts(dongle, "network", seconds, tool, say)
    except UserError as error:
        return _nobody("network", [("contact.broken", {"why": str(error).partition(": ")[2] or str(error)})], tool)


def _nobody(way: str, contact: list[tuple[str, dict]], tool: str) -> dict:
    return {"way": way, "status": {}, "contact": contact, "tool": tool}


def _facts(dongle, way: str, seconds: int, tool: str, say: Callable[[str], None]) -> dict:
    began = time.monotonic()
    try:
        before = starts.now()
        status = dongle.status()
        if not isinstance(status, dict) or not isinstance(status.get("device"), dict):
            return _nobody(way, [("contact.broken", {"why": "its status is none"})], tool)
        asked = (before, starts.now())
        took = time.monotonic() - began
        facts: dict = {"way": way, "status": status, "at": asked[1], "tool": tool, "contact": [], "computer": {"asked": asked, "answer_s": took}}
        if seconds:
            say(f"counting for {seconds} s ...")
            time.sleep(seconds)
            facts |= {"later": dongle.status(), "seconds": seconds}
        facts["settings"] = settings = _settings(dongle)
        facts["room"] = _room(dongle)
        _keep(dongle, facts)
    except UserError as error:
        return _nobody(way, [("contact.broken", {"why": str(error).partition(": ")[2] or str(error)})], tool)
    facts["computer"]["targets"] = {name: reach(settings[f"{name}_url"]) for name in _SINKS if isinstance(settings.get(f"{name}_url"), str) and settings[f"{name}_url"]}
    address, port = ((status.get(area) or {}).get(name) for area, name in (("wifi", "address"), ("network", "port")))
    if way == "serial" and address and port and status["device"].get("board") != "sim":
        facts["computer"]["reach"] = reach(f"http://{address}:{port}")
    return facts


def _settings(dongle) -> dict:
    if not isinstance(dongle, Console):
        return dongle.settings()
    return {row["setting"]: row.get("value") for row in _rows(dongle, "settings") if "setting" in row}


def _room(dongle) -> dict:
    if not isinstance(dongle, Console):
        return dongle.room()
    return next((row for row in _rows(dongle, "room") if "free" in row), {})


def _rows(console: Console, line: str) -> list[dict]:
    """The rows of an answer that comes whole; none when it does not, or the firmware is too old for it."""
    try:
        rows = list(console.ask(line))
    except Silence:
        return []
    return rows if all(isinstance(row, dict) for row in rows) else []


def _keep(dongle, facts: dict) -> None:
    """What its flash tells: the log, refusals, times of its starts."""
    files = dongle.files()
    for key, names in (("log", _LOGS), ("access_log", _ACCESS)):
        data = b"".join(dongle.copy(name, min(files[name], _LOG_BYTES)) or b"" for name in names if name in files)
        facts[key] = data.decode("utf-8", "replace").splitlines()
    newest = max((path for path in files if path.startswith("journal/")), default="")
    data = dongle.copy(newest, files[newest]) if newest and files[newest] <= _LARGEST_BYTES else None
    facts["starts"] = starts.read(facts["log"], _times(newest, data) if data else {}, facts["status"], facts["at"])


def _times(path: str, data: bytes) -> dict[int, int]:
    """UTC of the first reading of each start in a file of the journal, which the firmware's own code reads."""
    from host_tools.kept import Kept

    times: dict[int, int] = {}
    with tempfile.TemporaryDirectory(prefix="meterbridge-") as folder:
        place = Path(folder) / path
        place.parent.mkdir()
        place.write_bytes(data)
        for utc, reading in Kept(Path(folder)).readings():
            if utc is not None:
                times.setdefault(reading.boot, utc)
    return times


def reach(url: str) -> str:
    """Why this computer gets no connection to where a URL points; "" when it does."""
    try:
        parts = urlsplit(url)
        place = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
        socket.create_connection(place, _TRY_S).close()
    except socket.gaierror:
        return "host name not found"
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError, UnicodeError) as error:
        return (getattr(error, "strerror", None) or str(error)).lower()
    return ""


def ping(host: str) -> bool:
    """Whether a host answers this computer's ping; False as well where there is no such program."""
    if not re.fullmatch(r"[\w.:-]+", host) or host.startswith("-"):
        return False
    count = "-n" if sys.platform == "win32" else "-c"
    try:
        return subprocess.run(["ping", count, "1", host], capture_output=True, timeout=_TRY_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# where nobody answers ------------------------------------------------------------------------------------------------


def silent(port: str, heard: list[str], tool: str) -> dict:
    """What a port tells that has no console: by what it said already, and says in a few seconds more."""
    from host_tools.device import ports

    lines = heard + listen(port, _LISTEN_S, serial_ear.ASK if serial_ear.at_prompt(heard) else "")
    facts = _nobody("serial", serial_ear.judge(lines, port, ports(), round(_LISTEN_S)), tool)
    return facts | {"brownouts": serial_ear.brownouts(lines)}


def listen(port: str, seconds: float, question: str = "") -> list[str]:
    """The lines that come within that time; `question` is typed first."""
    from host_tools.dongle_console import _open

    data = b""
    with _open(port) as link:
        until = time.monotonic() + seconds
        try:
            if question:
                link.write(b"\r" + question.encode() + b"\r")
            while time.monotonic() < until and len(data) < _LONGEST:
                data += link.read(max(1, link.in_waiting))
                if question and b"\nmb: " in data and data.rstrip().endswith(b">>>"):
                    break
        except (OSError, TypeError):
            pass  # it was pulled out
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _safe_mode(console: Console, tool: str) -> dict:
    status = next((row for row in _rows(console, "status") if "safe_mode" in row), {"safe_mode": console.hello.get("safe_mode", "")})
    return {"way": "serial", "status": status, "contact": [], "tool": tool, "computer": {}}
