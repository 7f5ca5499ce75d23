"""`meterbridge replay`: a capture of a meter's line in; the same bytes on a pty or a TCP port, a line per telegram out."""

import argparse
import time

from host_tools import replay
from host_tools.meters.line import Line
from host_tools.meters.play import Telegram
from host_tools.meters.ports import add_wire_arguments, open_wire, play_out, print_wire
from host_tools.wire import Wire

HELP = "Play a captured meter on a serial port (pty) or TCP port of this machine, at its own pace."
EXAMPLES = """
meterbridge replay capture.bin
meterbridge replay capture.bin --speed 10 --loop
meterbridge replay capture.bin --tcp 5001
meterbridge replay capture.bin --line "115200 7E1 inverted"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bytes that the meter sent, noise and all")
    add_wire_arguments(parser)
    parser.add_argument("--loop", action="store_true", help="begin anew at the end, until Ctrl-C")
    parser.add_argument("--line", metavar="SETTINGS", help="line settings, when those guessed from the capture are wrong")


def run(args: argparse.Namespace) -> int:
    capture = replay.read(args.file)
    line = Line.parse(args.line) if args.line else capture.line
    with open_wire(line, args) as wire:
        pace = "the times in it" if capture.paced_by_meter else f"one every {capture.cadence_s:g} s, as it has no steady times"
        print(f"capture  {capture.name}: {len(capture.pieces)} {capture.protocol.upper()} telegrams in {capture.duration_s:g} s ({pace})")
        print_wire(wire)
        print(flush=True)
        return _play(capture, wire, args.loop)


def _play(capture: replay.Capture, wire: Wire, loop: bool) -> int:
    total = len(capture.pieces)

    def show(number: int, telegram: Telegram) -> None:
        at = number % total
        noise = capture.pieces[at].telegram_at
        clock = time.strftime("  %Y-%m-%d %H:%M:%S", time.localtime(telegram.time)) if telegram.time is not None else ""
        besides = f", {noise} of them before it" if noise else ""
        print(f"{at + 1:5d} of {total}{clock}  {len(telegram.data):5d} bytes{besides}", flush=True)

    return play_out(capture.telegrams(loop), wire, show)
