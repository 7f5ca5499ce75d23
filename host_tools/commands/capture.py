"""`meterbridge capture`: a port with a meter in; the bytes that it sends, and when they came, in files out."""

import argparse
import itertools
import sys
import time
from pathlib import Path

from host_tools.errors import FAILED, OK, USAGE, UserError
from host_tools.meters.line import Line

HELP = "Record what a real meter sends, with times, to decode, replay or share it."
EXAMPLES = """
meterbridge capture /dev/ttyUSB0 --line "9600 8N1" -o head.bin
meterbridge capture /dev/ttyUSB0                 tries the usual line settings one after the other
meterbridge capture tcp://192.168.1.20:23 --seconds 60
meterbridge capture /dev/ttyUSB0 --line "9600 8E1"   AMIS of Netz Oberösterreich: it is answered, as it sends nothing otherwise
"""
KEYED = ("hdlc", "mbus", "dlms", "amis")  # protocols some of whose meters encrypt
TELL_S = 5.0  # between two lines where no terminal shows it live


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", metavar="PORT", help="a serial port, a pty, or tcp://host:port")
    parser.add_argument("--line", default="auto", metavar="SETTINGS", help="like '115200 8N1'; auto (default) tries the usual ones")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: capture-<date>-<time>.bin; the times go to FILE's name with .times.jsonl")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds (default: Ctrl-C ends it)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")


class Screen:
    """One line that is rewritten on a terminal; elsewhere one every TELL_S."""

    def __init__(self):
        self._live = sys.stdout.isatty()
        self._told = 0.0

    def __call__(self, text: str) -> None:
        if self._live:
            print(f"\r\033[K{text[:120]}", end="", flush=True)
        elif time.monotonic() - self._told >= TELL_S:
            self._told = time.monotonic()
            print(text, flush=True)

    def end(self) -> None:
        if self._live:
            print()


def run(args: argparse.Namespace) -> int:
    """Records; OK when there was a telegram, FAILED when there was none."""
    from host_tools import recording

    if args.seconds is not None and args.seconds <= 0:
        raise UserError("--seconds must be greater than 0", USAGE)
    path = Path(args.output or time.strftime("capture-%Y%m%d-%H%M%S.bin"))
    line = Line.parse(recording.CANDIDATES[0] if args.line == "auto" else args.line)
    if line.inverted:
        print("a USB adapter cannot invert a line by software: the cable has to; listening without", file=sys.stderr)
    port = recording.Port(args.port, line)
    ears, screen, broken = recording.Ears(), Screen(), None
    try:
        files = recording.Files(path, args.force)
        try:
            _record(args, port, files, ears, screen)
        except KeyboardInterrupt:
            pass  # the usual end
        except UserError as error:  # the port went away: what came until then is kept
            if not files.written:
                raise
            broken = error
        finally:
            screen.end()
            files.close()
    finally:
        port.close()
    code = _conclude(files, ears, port)
    if broken:
        raise UserError(f"{broken}; what came until then is kept", FAILED)
    return code


def _record(args: argparse.Namespace, port, files, ears, screen: Screen) -> None:
    from host_tools import recording

    first = b""
    if args.line == "auto" and port.line is not None:
        first = recording.find_line(port, screen)
    files.begin(port)
    print(f"\n{port.name}{f' at {port.line}' if port.line else ''}, to {files.path}; Ctrl-C ends it", flush=True)
    begun = time.monotonic()
    for piece in itertools.chain([first], recording.pieces(port, args.seconds)):
        if piece:
            files.write(piece)
            if reply := ears.hear(piece):
                port.write(reply)
        advice = ears.advice(port.line) if ears.heard and not ears.best else ""
        screen(f"{time.monotonic() - begun:6.1f} s  {ears.text()}{'  (' + advice + ')' if advice else ''}")


def _conclude(files, ears, port) -> int:
    if not files.written:
        print(f"meterbridge: {port.name}: {ears.advice(port.line)}", file=sys.stderr)
        return FAILED
    print(f"{files.path}: {ears.text()}")
    if not ears.best:
        print(f"meterbridge: {ears.advice(port.line) or 'too few bytes to say what this is'}", file=sys.stderr)
        return FAILED
    key = "   (with --key and its key, if the meter encrypts)" if ears.best.PROTOCOL in KEYED else ""
    print(f"look at it     meterbridge decode {files.path}{key}")
    print(f"play it        meterbridge replay {files.path}")
    print(f"before sharing meterbridge anonymise {files.path} -o shared.bin{key}")
    return OK
