"""What a board keeps through being erased: its serial port in; its settings and what it runs out, kept on this computer until they are back."""

import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from host_tools import boards, runtime, slots
from host_tools.device import Device

_BOARD = "board.json"
_LOOK = ["main.py", "boot.py", _BOARD, slots.CHOICE, "config.json", "config.json.good", "access.json", "meter.json", slots.KEY]
_OWN = ("config.json", "config.json.good", "access.json", "meter.json", slots.KEY)  # the owner's, beside certificates
_CERTIFICATE = "_ca"  # how settings that name a certificate end


@dataclass
class Found:
    """`board`: name in its board.json, "" without; `ours`: there is a meterbridge on it, `empty`: no program at all; `names` of the files looked for."""

    machine: str = ""
    board: str = ""
    ours: bool = False
    empty: bool = True
    names: set[str] = field(default_factory=set)


def look(device: Device) -> Found:
    """What is on a board that is at its prompt."""
    there = device.hashes(_LOOK)
    found = Found(device.machine, names=set(there))
    found.empty = "main.py" not in there and "boot.py" not in there or there.keys() == {"boot.py"} and there["boot.py"][0] < 200  # MicroPython's own
    if _BOARD in there:
        try:
            name = json.loads(device.read(_BOARD))["name"]
            found.board = name if name in boards.names(simulator=True) else ""
            found.ours = True
        except (ValueError, KeyError, TypeError):
            pass  # somebody else's
    return found


def keep(device: Device, mac: bytes) -> list[str]:
    """Puts what is the owner's on this computer, readable by its user alone; the names."""
    there = device.hashes(list(_OWN))
    files = {name: device.read(name) for name in _OWN if name in there}
    try:
        settings = json.loads(files.get("config.json", b"{}"))
        certificates = [name for key, name in settings.items() if key.endswith(_CERTIFICATE) and name and isinstance(name, str)]
    except (ValueError, AttributeError):
        certificates = []  # damaged settings are kept as they are
    files |= {name: device.read(name) for name in device.hashes(certificates)}
    if files:
        path = _path(mac)
        path.parent.mkdir(parents=True, exist_ok=True)
        passing = path.with_suffix(".new")
        passing.touch(mode=0o600)
        passing.write_text(json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}), encoding="utf-8")
        os.replace(passing, path)
    return list(files)


def kept(mac: bytes) -> dict[str, bytes]:
    """What is kept of this board, by name."""
    try:
        return {name: base64.b64decode(data) for name, data in json.loads(_path(mac).read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def forget(mac: bytes) -> None:
    """It is on the board again."""
    _path(mac).unlink(missing_ok=True)


def _path(mac: bytes) -> Path:
    return runtime.cache() / ".cache" / "kept" / f"{mac.hex()}.json"
