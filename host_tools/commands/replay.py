"""`meterbridge replay`: a capture of a meter's line in; the same bytes on a pty or a TCP port, a line per telegram out."""

import argparse
import time

from host_tools import replay
from host_tools.commands.decode import both_keys
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
meterbridge replay port.bin --key 0001..0f       of a meter that encrypts: paced by the times inside, where no .times.jsonl is beside it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bytes that the meter sent, noise and all")
    add_wire_arguments(parser)
    parser.add_argument("--loop", action="store_true", help="begin anew at the end, until Ctrl-C")
    parser.add_argument("--line", metavar="SETTINGS", help="line settings, when those guessed from the capture are wrong")
    parser.add_argument("--key", metavar="HEX", help="encryption key of the meter; the bytes that are played stay as they are")
    parser.add_argument("--auth-key", metavar="HEX", help="authentication key, where there are two: only what it proves genuine tells a time")


def run(args: argparse.Namespace) -> int:
    capture = replay.read(args.file, both_keys(args))
    line = Line.parse(args.line) if args.line else capture.line
    with open_wire(line, args) as wire:
        count = len(capture.pieces)
        what = f"{count} {capture.protocol.upper()} telegram{'' if count == 1 else 's'}"
        print(f"capture  {capture.name}: {what} in {capture.duration_s:g} s ({capture.pace})")
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
