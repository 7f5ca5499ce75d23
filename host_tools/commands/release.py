"""`meterbridge release`: this firmware and a private key in, one signed file that dongles with its public key take as an update out."""

import argparse
from pathlib import Path

from host_tools import bundle, slots
from host_tools.errors import OK

HELP = "make a signed update of this firmware for your dongles"
EXAMPLES = """
meterbridge release --new-key
meterbridge release
meterbridge release --key ~/keys/update.key --out meterbridge-0.2.0.update --boards nrgd,ultra-x2
"""
PRIVATE = "update.key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge release`."""
    parser.add_argument("--key", metavar="FILE", help=f"private key (default: {slots.KEYS / PRIVATE})")
    parser.add_argument("--new-key", action="store_true", help="make that key first; deploy and flash put its public half on dongles from then on")
    parser.add_argument("--out", "-o", metavar="FILE", help="where the update goes (default: meterbridge-VERSION.update)")
    parser.add_argument("--boards", metavar="NAMES", default="*", help="only for these boards, separated by commas")


def run(args: argparse.Namespace) -> int:
    """Makes the key if asked, builds, signs, writes."""
    path = Path(args.key).expanduser() if args.key else slots.KEYS / PRIVATE
    if args.new_key:
        bundle.new_key(path)
        print(f"private key: {path} (keep a copy in a safe place; who has it can put any program on your dongles)")
        print(f"public key:  {path.with_suffix('.pub')}")
        if path != slots.KEYS / PRIVATE:
            print(f"to have deploy and flash put it on dongles, copy it to {slots.KEYS / slots.KEY}")
        print("dongles learn it with the next 'meterbridge deploy' or 'meterbridge flash'; no update can change it")
    key = bundle.load_key(path)
    version, files = bundle.firmware()
    data = bundle.make(version, files, key, tuple(args.boards.replace(",", " ").split()) or ("*",))
    out = Path(args.out or f"meterbridge-{version}.update")
    out.write_bytes(data)
    print(f"{out}: version {version}, {len(files)} files, {len(data) / 1024:.0f} KB")
    return OK
