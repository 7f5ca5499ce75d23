"""`meterbridge doctor`: a dongle's serial port or address in; what is wrong with it, how sure that is and what to do about it, worst first, out."""

import argparse
import sys

from host_tools import dongle_http
from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "look at a dongle from all sides and say in plain words what is wrong and what to do"
EXAMPLES = """
meterbridge doctor --port /dev/ttyUSB0
meterbridge doctor --port COM3 --for 60
meterbridge doctor --host 192.168.1.20 --token-file token.txt
meterbridge doctor --port /dev/ttyUSB0 --json
"""
_LONGEST_S = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge doctor`."""
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3; it runs on meanwhile")
    dongle_http.add_arguments(parser)
    parser.add_argument("--for", dest="seconds", type=int, default=0, metavar="S", help="count what comes from the meter for so many seconds, not since the start")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Looks and tells; OK when all is well, FAILED when there is something to do."""
    from host_tools.cli import version
    from host_tools.doctor import examine, gather, show, to_do

    _check(args)
    say = _say if not args.json else lambda text: None
    if args.host:
        facts = gather.by_network(args.host, dongle_http.read_token(args.token_file), args.seconds, version(), say)
    else:
        facts = gather.by_serial(args.port, args.seconds, version(), say)
    areas = examine(facts | {"port": args.port})
    if args.json:
        print(show.document(areas, facts))
    else:
        show.show(areas, show.title(facts, args.host or args.port))
    return FAILED if to_do(areas) else OK


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check(args: argparse.Namespace) -> None:
    if args.port and args.host:
        raise UserError("give --port or --host, not both", USAGE)
    if not args.port and not args.host:
        from host_tools.device import ports

        raise UserError(f"give --port PORT or --host ADDRESS of the dongle; this computer has: {', '.join(ports()) or 'none with a board'}", USAGE)
    if not 0 <= args.seconds <= _LONGEST_S:
        raise UserError(f"--for {args.seconds}: 0 to {_LONGEST_S} seconds", USAGE)
    if args.host:
        dongle_http.address_of(args.host)
