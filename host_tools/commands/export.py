"""`meterbridge export`: a running dongle's serial port or address, or a folder copied from one, in; the owner's data as CSV or JSON out."""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

from host_tools import dongle_http, export_formats, time_words
from host_tools.errors import FAILED, OK, USAGE, UserError
from host_tools.export_formats import FORMATS, Table
from host_tools.kept import FOLDERS, RAM, Kept

HELP = "copy what a running dongle kept, every reading with its time, as CSV or JSON"
EXAMPLES = """
meterbridge export --port /dev/ttyUSB0 -o readings.csv
meterbridge export --port /dev/ttyUSB0 --from yesterday --format ndjson
meterbridge export --port /dev/ttyUSB0 --from 2026-11 --to 2026-11 --what quarters -o november.csv
meterbridge export --port COM3 --what all --format json -o everything.json
meterbridge export --host 192.168.1.20 --token-file token.txt -o readings.csv
meterbridge export --port /dev/ttyUSB0 --keep copy --what all -o tables
meterbridge export --folder copy --format ndjson
"""
WHAT = (*FOLDERS, "all")
_ABOUT = "device.json"  # in a folder that is kept: whose it is


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge export`."""
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3; it runs on meanwhile")
    dongle_http.add_arguments(parser)
    parser.add_argument("--folder", metavar="DIR", help="instead of a port: a folder with journal/, profile/ and log/, as --keep makes one")
    parser.add_argument("--from", dest="begin", metavar="T", help="from this date or time on: 2026-11-22, 2026-11, '2026-11-22 18:30', 2026-11-22T17:30:00Z, yesterday")
    parser.add_argument("--to", dest="end", metavar="T", help="up to this date, which counts whole, or time")
    parser.add_argument("--what", default="readings", metavar="WHAT", help=f"{', '.join(WHAT)}; several with commas between (default: readings)")
    parser.add_argument("--format", default="csv", metavar="F", help="csv (default), json (one document) or ndjson (one object in each line)")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to (default: standard output); a folder for several tables in CSV")
    parser.add_argument("--keep", metavar="DIR", help="keep the dongle's files as they are in this folder too")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")


def run(args: argparse.Namespace) -> int:
    """Copies, reads, writes; OK when there was anything, FAILED when there was nothing."""
    names = _check(args)
    first, last = time_words.span(args.begin, args.end)
    with contextlib.ExitStack() as ends:
        if args.folder:
            folder, gone = Path(args.folder), []
        else:
            folder = Path(args.keep or ends.enter_context(tempfile.TemporaryDirectory(prefix="meterbridge-")))
            gone = _fetch(args, {FOLDERS[name] for name in names}, folder, first)
        device = _device(folder)
        tables = Kept(folder, first, last).tables(names)
        head = {"format": "meterbridge export 1", "device": device, "exported": _now(), "from": time_words.iso(first), "to": time_words.iso(last)}
        _write(tables, args, head)
    for path in gone:
        print(f"meterbridge: the dongle deleted {path} meanwhile, its oldest readings, to make room", file=sys.stderr)
    return _report(tables, bool(first is not None or last is not None), device)


def _check(args: argparse.Namespace) -> list[str]:
    """Refuses a call that makes no sense; the names of the tables."""
    given = [name for name in ("port", "host", "folder") if getattr(args, name)]
    if len(given) > 1:
        raise UserError(f"give --{given[0]} or --{given[1]}, not both", USAGE)
    if not given:
        from host_tools.device import ports

        there = f"this computer has: {', '.join(ports()) or 'none with a board'}"
        raise UserError(f"give --port PORT of a running dongle, --host ADDRESS of one in your network, or --folder DIR of a copy; {there}", USAGE)
    if args.format not in FORMATS:
        raise UserError(f"--format {args.format}: there are {', '.join(FORMATS)}", USAGE)
    words = [word.strip() for word in args.what.split(",")]
    for word in words:
        if word not in WHAT:
            raise UserError(f"--what {word}: there are {', '.join(WHAT)}", USAGE)
    names = list(FOLDERS) if "all" in words else list(dict.fromkeys(words))
    if args.format == "csv" and len(names) > 1 and not args.output:
        raise UserError("several tables do not fit into one CSV: give a folder with -o, or --format json", USAGE)
    if args.folder and not any((Path(args.folder) / name).exists() for name in (*FOLDERS.values(), RAM)):
        raise UserError(f"{args.folder}: there is no journal, profile or log in it: name the folder in which these lie", USAGE)
    if args.folder and args.keep:
        raise UserError("--keep goes with --port or --host: with --folder the files are there already", USAGE)
    if args.keep and Path(args.keep).exists() and any(Path(args.keep).iterdir()) and not args.force:
        raise UserError(f"{args.keep} is not empty; give --force to add to it, or another folder", USAGE)
    if args.output and not args.force and (_file(args.output, names, args.format)).exists():
        raise UserError(f"{args.output} is there already; give --force to overwrite it, or another name", USAGE)
    return names


def _file(output: str, names: list[str], form: str) -> Path:
    return Path(output) / f"{names[0]}.csv" if form == "csv" and len(names) > 1 else Path(output)


def _fetch(args: argparse.Namespace, folders: set[str], folder: Path, first: int | None) -> list[str]:
    from host_tools.copying import copy
    from host_tools.dongle_console import Console

    with dongle_http.connect(args) if args.host else Console(args.port) as console:
        hello = console.hello
        print(f"{console.port}: {hello.get('id')}, meterbridge {hello['version']} on {hello.get('board')}", file=sys.stderr)
        console.save()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _ABOUT).write_text(json.dumps(hello) + "\n", encoding="utf-8")
        return copy(console, folders, folder, first)


def _device(folder: Path) -> dict | None:
    try:
        return json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write(tables: list[Table], args: argparse.Namespace, head: dict) -> None:
    if not args.output:
        sys.stdout.reconfigure(newline="" if args.format == "csv" else None)  # a line of CSV ends as RFC 4180 wants it
        export_formats.write(tables, args.format, head, sys.stdout)
        sys.stdout.flush()
    elif args.format == "csv" and len(tables) > 1:
        export_formats.write_folder(tables, Path(args.output))
    else:
        passing = Path(f"{args.output}.part")  # nothing half written bears the name
        with open(passing, "w", encoding="utf-8", newline="" if args.format == "csv" else None) as out:
            export_formats.write(tables, args.format, head, out)
        passing.replace(args.output)


def _report(tables: list[Table], limited: bool, device: dict | None) -> int:
    """Says what was written and what was not there; the exit code."""
    for table in tables:
        about = table.about
        span = f" from {about['first']} to {about['last']}" if about.get("first") else ""
        print(f"{table.count} {table.name if table.name != 'log' else 'lines of the log'}{span}", file=sys.stderr)
        if table.name == "readings":
            _report_readings(about)
        if about.get("damaged_rows"):
            print(f"  {about['damaged_rows']} damaged rows were passed over", file=sys.stderr)
    if any(table.count for table in tables):
        return OK
    if limited:
        why = "nothing is kept of that time"
    elif device:
        why = f"the dongle keeps no {', '.join(table.name for table in tables)} yet: was its meter heard?"
    else:
        why = "nothing is in there"
    raise UserError(why, FAILED)


def _report_readings(about: dict) -> None:
    if about["undated"]:
        print(f"  {about['undated']} of them have no time but the seconds since a start: the dongle's clock was never set then", file=sys.stderr)
    if about["left_out_undated"]:
        print(f"  {about['left_out_undated']} more of unknown time are left out: without --from and --to they come along", file=sys.stderr)
    missing = about["missing"]
    if missing:
        count = sum(gap["count"] for gap in missing)
        print(f"  {count} are missing, in {len(missing)} gaps: the first from number {missing[0]['from']} to {missing[0]['to']}", file=sys.stderr)
    if about["damaged_files"]:
        print(f"  damaged, read as far as possible: {', '.join(about['damaged_files'])}", file=sys.stderr)
