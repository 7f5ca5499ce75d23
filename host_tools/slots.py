"""Where the firmware's files lie on a device: what was built in, paths and contents as a fresh device has them out.

The firmware proper (bridge/...) lies in one of two folders, a and b; the file `slot` says which of them runs (see firmware/boot.py).
From a computer it always goes to a; an update that the device takes by itself goes to the other one.
"""

import hashlib
from dataclasses import dataclass

from platformdirs import user_config_path

from host_tools import build

SLOT, OTHER = "a", "b"
OURS = "bridge"  # the folder in a slot; at the top of the flash it is of a version that had no slots
CHOICE = "slot"  # the file that says which slot runs
STARTS = "starts"  # the device's count of starts that failed
KEY = "update.pub"  # the public key of the updates that the device accepts
KEYS = user_config_path("meterbridge", appauthor=False)  # where this computer's user keeps the pair


@dataclass(frozen=True)
class DeviceFile:
    """A file for the device: its path there and its bytes."""

    name: str
    data: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def firmware(board: str) -> list[DeviceFile]:
    """Builds for `board`: every file as it goes on the device, the choice of the slot included, sorted by name."""
    files = [DeviceFile(place(file.name), file.path.read_bytes()) for file in build.build(board)]
    return sorted([*files, DeviceFile(CHOICE, SLOT.encode())], key=lambda file: file.name)


def place(name: str) -> str:
    """The path on the device of a built file."""
    return f"{SLOT}/{name}" if name.startswith(OURS + "/") else name


def update_key() -> list[DeviceFile]:
    """The public key of this computer's user for the device, as a list of none or one."""
    path = KEYS / KEY
    return [DeviceFile(KEY, path.read_bytes())] if path.is_file() else []
