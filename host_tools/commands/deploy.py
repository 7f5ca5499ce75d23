"""`meterbridge deploy`: a board's name, its serial port and settings in; the compiled firmware on the board out."""

import argparse
import json
import sys
from pathlib import Path, PurePosixPath

from host_tools import boards, build, runtime, slots
from host_tools.device import Device, ports
from host_tools.errors import FAILED, OK, UserError
from host_tools.settings import table
from host_tools.slots import DeviceFile

HELP = "copy the firmware and your settings to a board on a serial port"
EXAMPLES = """
meterbridge deploy --port /dev/ttyUSB0 --board generic-esp32 --config config.json
meterbridge deploy --port /dev/ttyACM0 --board seeed-xiao-c3 --dry-run
"""
_START = "main.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge deploy`."""
    parser.add_argument("--port", help="serial port of the board, such as /dev/ttyUSB0 or COM3")
    parser.add_argument("--board", help="name of a folder in boards/")
    parser.add_argument("--config", metavar="FILE", help="settings as JSON; without it the board keeps those it has")
    parser.add_argument("--dry-run", action="store_true", help="say what would be copied, change nothing")


def run(args: argparse.Namespace) -> int:
    """Builds, compares, copies what differs, restarts the board."""
    if not args.board:
        raise UserError(f"--board is missing; there are: {', '.join(boards.names())}")
    board = boards.load(args.board)
    settings = _settings(Path(args.config)) if args.config else []
    if not args.port:
        raise UserError(f"--port is missing; this computer has: {', '.join(ports()) or 'none with a board'}")
    built = slots.firmware(args.board)
    print(f"built {len(built)} files for {args.board}, {sum(len(file.data) for file in built) / 1024:.0f} KB")
    files = built + slots.update_key() + settings
    with Device(args.port) as device:
        print(f"{args.port}: {device.machine}")
        _fits(device, board)
        own = f"{slots.SLOT}/{slots.OURS}"  # the folders in which what we did not put is removed
        there = device.hashes([slots.OURS, slots.SLOT, *(file.name for file in files if "/" not in file.name), "config.json", slots.STARTS])
        if not args.config and "config.json" not in there:
            print("note: the board has no settings yet; give it some with --config FILE", file=sys.stderr)
        changed = [file for file in files if there.get(file.name, (0, ""))[1] != file.digest]
        kept = {file.name for file in files}
        stale = sorted(name for name, (size, _) in there.items() if size >= 0 and name.startswith((slots.OURS + "/", own + "/")) and name not in kept)
        if args.dry_run:
            _tell(changed, stale)
            return OK
        _copy(device, changed, stale, there)
        _tidy(device, there)
        print(f"{len(changed)} copied, {len(stale)} removed, {len(files) - len(changed)} unchanged; the board restarts")
    return OK


def _settings(path: Path) -> list[DeviceFile]:
    """The settings file, held to the firmware's own table, and the certificates beside it that it names."""
    raw = table.read_file(path)
    good = table.must_be_good(raw, str(path))
    certificates = [DeviceFile(name, data) for name, data in table.certificates(good, path.parent).items()]
    return [DeviceFile("config.json", json.dumps(raw, ensure_ascii=False).encode()), *certificates]  # MicroPython does not join \ud83d\ude00


def _fits(device: Device, board: dict) -> None:
    if device.chip and device.chip != board["chip"]:
        raise UserError(f"{device.port}: this is an {device.chip.upper()}, but {board['name']} has an {board['chip'].upper()}")
    if device.mpy and device.mpy != build.MPY_VERSION:
        raise UserError(f"{device.port}: its MicroPython does not load this firmware; flash version 1.24 or newer", FAILED)


def _tell(changed: list[DeviceFile], stale: list[str]) -> None:
    for file in changed:
        print(f"would copy {file.name}, {len(file.data)} bytes")
    for name in stale:
        print(f"would remove {name}")
    print(f"{len(changed)} to copy, {len(stale)} to remove; nothing was changed")


def _copy(device: Device, changed: list[DeviceFile], stale: list[str], there: dict) -> None:
    """Copies what differs. main.py goes first and comes last: a copy that breaks off leaves a board that waits, not one half old."""
    if not changed and not stale:
        return
    start = [file for file in changed if file.name == _START]
    if _START in there:
        if not start:
            start = [DeviceFile(_START, (runtime.FIRMWARE / _START).read_bytes())]
        device.remove(_START)
    for name in stale:
        device.remove(name)
        print(f"removed {name}")
    for folder in sorted({parent.as_posix() for file in changed for parent in PurePosixPath(file.name).parents} - {"."}):
        if folder not in there:
            device.make_folder(folder)
    order = sorted((file for file in changed if file.name != _START), key=lambda file: file.name) + start
    total, done = sum(len(file.data) for file in order), 0
    for number, file in enumerate(order, 1):
        _write(device, file, f"[{number}/{len(order)}] {file.name}", done, total)
        done += len(file.data)


def _tidy(device: Device, there: dict) -> None:
    """Empty folders of a version that had no slots go, and what the device counted against the firmware that was there before."""
    for folder in sorted((name for name, (size, _) in there.items() if size < 0 and (name + "/").startswith(slots.OURS + "/")), reverse=True):
        device.remove_folder(folder)
    if slots.STARTS in there:
        device.remove(slots.STARTS)


def _write(device: Device, file: DeviceFile, label: str, before: int, total: int) -> None:
    live = sys.stdout.isatty()

    def show(written: int) -> None:
        if live:
            print(f"\r{(before + written) * 100 // max(total, 1):3d} % {label}\033[K", end="", flush=True)

    device.write(file.name, file.data, show)
    end = f"{(before + len(file.data)) * 100 // max(total, 1):3d} % {label}, {len(file.data)} bytes"
    print(f"\r{end}\033[K" if live else end, flush=True)
