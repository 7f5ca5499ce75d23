"""What connects a simulated dongle to its surroundings: a pseudo-terminal's path in, the same ready to carry bytes; files replaced whole."""

import hashlib
import json
import os
import socket
import termios
import tty
from pathlib import Path


def make_line(uart: str) -> None:
    """Lets a pseudo-terminal carry all bytes as they are, and never make its reader wait."""
    if not uart.startswith("/dev/"):
        return
    try:
        fd = os.open(uart, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return  # the firmware shall see for itself that no meter is there
    try:
        tty.setraw(fd)
        settings = termios.tcgetattr(fd)
        settings[6][termios.VMIN] = settings[6][termios.VTIME] = 0
        termios.tcsetattr(fd, termios.TCSANOW, settings)
    except termios.error:
        pass  # a device that is no terminal
    finally:
        os.close(fd)


def free_port() -> int:
    """A TCP port of this computer that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def write_access(flash: Path, token: str) -> None:
    """Gives the dongle a token, as `flash` does."""
    text = json.dumps({"ap_password": "simulated", "token": hashlib.sha256(token.encode()).hexdigest()})
    replace_file(flash / "access.json", text)


def replace_file(path: Path, text: str) -> None:
    """Replaces a file in one step, so that the firmware never reads half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)


def write_chip(folder: Path, told: dict) -> Path:
    """Writes what the simulated chip is connected to: `told`, and where in the folder its surroundings lie. The path of that file."""
    told |= {name: str(folder / name) for name in ("watchdog", "rtc")}
    told |= {name: str(folder / f"{name}.json") for name in ("wifi", "pins")}
    replace_file(folder / "chip.json", json.dumps(told))
    return folder / "chip.json"
