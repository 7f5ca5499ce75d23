"""`meterbridge simulate`: the name of a meter in; that meter on a pty or a TCP port, a line per telegram out."""

import argparse
import contextlib
import json
import time

from host_tools.errors import OK, UserError
from host_tools.meters import LOCKED, METERS, listing, make
from host_tools.meters.faults import Faults
from host_tools.meters.kinds import Meter
from host_tools.meters.play import Live, Telegram
from host_tools.meters.ports import add_wire_arguments, open_wire, play_out, print_wire
from host_tools.meters.request import Requested
from host_tools.wire import Wire

HELP = "Put a simulated meter on a serial port (pty) or TCP port of this machine."
EXAMPLES = """
meterbridge simulate --list
meterbridge simulate --list --json
meterbridge simulate p1-nl
meterbridge simulate sml --tcp 5001
meterbridge simulate p1-be --speed 60 --seed 7
meterbridge simulate p1-nl --noise 0.1
meterbridge simulate sml-locked --pin 0110 --dongle
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("meter", nargs="?", metavar="METER", help="which meter; --list shows them")
    parser.add_argument("--list", action="store_true", help="show the meters, their lines and their keys, and end")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    add_wire_arguments(parser)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another number is another home (default 1)")
    parser.add_argument("--noise", type=share, default=0.0, metavar="P",
                        help="disturb this share of the telegrams, 0 to 1: noise, turned bits, lost bytes, missing ends")
    parser.add_argument("--pin", metavar="PIN", help="the PIN of a meter that waits for one (default 1234)")
    parser.add_argument("--dongle", action="store_true",
                        help="run the firmware at it, with a light over its eye: a serial port for meterbridge unlock, export, erase")
    parser.add_argument("--count", type=positive, metavar="N", help="end after so many telegrams")


def share(text: str) -> float:
    """0 to 1, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def run(args: argparse.Namespace) -> int:
    if args.list:
        print(json.dumps(listing.rows(), indent=1) if args.json else "\n".join(listing.table()))
        return OK
    if args.json:
        raise UserError("simulate: --json goes with --list")
    if not args.meter:
        raise UserError(f"simulate: which meter? There are: {', '.join(METERS | LOCKED)}")
    meter = make(args.meter, args.seed)
    _set_pin(meter, args.pin)
    if args.dongle and args.speed != 1:
        raise UserError("simulate: a dongle lives in real time: --dongle and --speed do not go together")
    faults = Faults.mixed(args.noise, args.seed) if args.noise else None
    with open_wire(meter.line, args) as wire, contextlib.ExitStack() as ends:
        print(f"meter    {meter.name}: {meter.description}")
        for name, word in (("key", "key"), ("auth_key", "auth key")):
            if name in meter.keys:
                print(f"{word:<8} {meter.keys[name]}")
        if hasattr(meter, "eye"):
            print(f"PIN      {meter.pin}   until its eye sees it, it sends whole kWh and no power")
        print_wire(wire, not args.dongle or args.tcp is not None)
        if args.dongle:
            _print_dongle(meter, wire, ends)
        if isinstance(meter, Requested):
            print("ask it   it is silent until it hears /?! and the end of a line")
        print(flush=True)
        return _play(meter, wire, args, faults)


def _set_pin(meter: Meter, pin: str | None) -> None:
    if pin is None:
        return
    if not hasattr(meter, "eye"):
        raise UserError(f"simulate: {meter.name} has no PIN; these have one: {', '.join(LOCKED)}")
    try:
        meter.pin = pin
    except ValueError:
        raise UserError("simulate: --pin takes four digits, as 0123") from None


def _print_dongle(meter: Meter, wire: Wire, ends: contextlib.ExitStack) -> None:
    from host_tools.simulation.beside import dongle_beside

    port = ends.enter_context(dongle_beside(meter, wire))
    print(f"dongle   {port}   (its serial port, in another terminal)")
    if hasattr(meter, "eye"):
        print(f"unlock   meterbridge unlock --port {port}")


def _play(meter: Meter, wire: Wire, args: argparse.Namespace, faults: Faults | None) -> int:
    def show(_number: int, telegram: Telegram) -> None:
        print(live_line(telegram, meter.power_w, faults) + _display(meter, telegram.time), flush=True)

    # At another pace than this machine's, the meter has a clock of its own.
    source = Live(meter, start=None if wire.speed == 1 else int(time.time()), count=args.count)
    return play_out(source, wire, show, faults)


def _display(meter: Meter, unix: float) -> str:
    """What a meter with an eye shows to who stands before it."""
    if not hasattr(meter, "eye"):
        return ""
    first, second = meter.eye.display(unix)
    return f"  display | {first} | {second:<12} |"


def live_line(telegram: Telegram, power_w: int, faults: Faults | None = None) -> str:
    """What one telegram says, for a person: `20:15:03   -1204 W export    909 bytes`."""
    clock = time.strftime("%H:%M:%S", time.localtime(telegram.time))
    direction = "import" if power_w > 0 else "export" if power_w < 0 else "      "
    trouble = "  disturbed: " + ", ".join(faults.last) if faults and faults.last else ""
    return f"{clock}  {power_w:+6d} W {direction}  {len(telegram.data):5d} bytes{trouble}"
