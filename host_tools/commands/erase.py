"""`meterbridge erase`: a running dongle's serial port or address in; what it kept forgotten, and said so, out."""

import argparse
import sys
import tempfile
from pathlib import Path

from host_tools import dongle_http
from host_tools.errors import OK, USAGE, UserError
from host_tools.time_words import iso

HELP = "make a running dongle forget its readings, profiles or logs"
EXAMPLES = """
meterbridge erase --port /dev/ttyUSB0
meterbridge erase --port /dev/ttyUSB0 --what readings
meterbridge erase --port COM3 --what all --yes
meterbridge erase --host 192.168.1.20 --token-file token.txt --what logs
"""
WHAT = {"readings": "journal", "profiles": "profile", "logs": "log"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge erase`."""
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3; it runs on meanwhile")
    dongle_http.add_arguments(parser)
    parser.add_argument("--what", default="all", metavar="WHAT", help="readings, profiles (quarter hours, days, month peaks), logs or all (default)")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Shows what there is, asks, has it erased, says what was done."""
    from host_tools.device import ports
    from host_tools.dongle_console import Console

    if args.what not in (*WHAT, "all"):
        raise UserError(f"--what {args.what}: there are {', '.join(WHAT)}, all", USAGE)
    if args.port and args.host:
        raise UserError("give --port or --host, not both", USAGE)
    if not args.port and not args.host:
        raise UserError(f"--port is missing, or --host for one in your network; this computer has: {', '.join(ports()) or 'none with a board'}", USAGE)
    if not args.yes and not sys.stdin.isatty():
        raise UserError("nobody is there to be asked: give --yes to erase without a question", USAGE)
    with dongle_http.connect(args) if args.host else Console(args.port) as console:
        kinds = list(WHAT) if args.what == "all" else [args.what]
        print(f"{console.port}: {console.hello.get('id')}, meterbridge {console.hello['version']} on {console.hello.get('board')}")
        for kind in kinds:
            print(f"  {kind}: {_there(console, kind)}")
        if not args.yes and not _agreed(kinds):
            print("nothing was erased")
            return OK
        done = console.erase(args.what)
    for kind in kinds:
        files, size = done.get(kind, (0, 0))
        print(f"{kind}: forgotten, {files} files, {size} bytes" if kind in done else f"{kind}: the dongle keeps none")
    print("What was sent to brokers and servers stays there; the settings stay on the dongle.")
    print("The cells of the flash are overwritten only in time. Before you give the dongle away, wipe them all, firmware and settings too:")
    print(f"  esptool --port {args.port or 'PORT'} erase-flash")
    return OK


def _there(console, kind: str) -> str:
    """What the dongle has of one kind, in words."""
    files = {path: size for path, size in console.files().items() if path.startswith(WHAT[kind] + "/")}
    text = f"{sum(files.values())} bytes in {len(files)} files"
    if kind != "readings":
        return text
    journal = console.status().get("journal", {})
    count = journal.get("next", 1) - journal.get("oldest", 1)
    if not files:
        return f"{count} in RAM, none on flash"
    first = _first_time(console, min(files), files)
    return f"{count}, {f'the first of {first}, ' if first else ''}{text}"


def _first_time(console, path: str, files: dict[str, int]) -> str | None:
    """When the oldest readings on flash were taken."""
    from host_tools.kept import Kept

    data = console.copy(path, files[path])
    with tempfile.TemporaryDirectory(prefix="meterbridge-") as name:
        folder = Path(name)
        (folder / "journal").mkdir()
        (folder / path).write_bytes(data or b"")
        return iso(Kept(folder).first_time())


def _agreed(kinds: list[str]) -> bool:
    try:
        return input(f"Erase {', '.join(kinds)}? There is no way back. [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
