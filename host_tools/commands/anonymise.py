"""`meterbridge anonymise`: a capture in; one with other ids, right checksums and the same numbers out, fit to be shared."""

import argparse
import secrets
from pathlib import Path

from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "Replace ids, names and messages in a capture, so that it can be shared."
EXAMPLES = """
meterbridge anonymise capture.bin -o shared.bin
meterbridge anonymise second.bin -o shared2.bin --secret 'words of my own'   the same meter gets the same new id in both
"""
LARGEST = 128 << 20  # bytes; it is held in memory
SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="captured bytes")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="what is written; nothing else of the capture is kept")
    parser.add_argument("--secret", metavar="TEXT", help="replacements follow from it (default: another one each time)")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it is there")


def run(args: argparse.Namespace) -> int:
    """Writes OUT; UserError when there is nothing in the file that can be read, and so nothing that may be shared."""
    from host_tools.anonymising import sml, text
    from host_tools.anonymising.names import Names

    source, out = Path(args.file), Path(args.output)
    if not source.is_file():
        raise UserError(f"{args.file}: no such file", USAGE)
    if source.stat().st_size > LARGEST:
        raise UserError(f"{args.file} is larger than {LARGEST >> 20} MB: cut it", USAGE)
    if out.exists() and (not args.force or out.samefile(source)):
        raise UserError(f"{args.output} is there already: name another, or overwrite it with --force (never the capture itself)", USAGE)
    data = source.read_bytes()
    secret = (args.secret or secrets.token_hex(16)).encode()[:64]
    best: tuple = (0, "", [], None)
    for name, ways in (("SML", sml.files), ("D0", text.d0), ("P1", text.p1)):
        names = Names(secret)
        telegrams = list(ways(data, names))
        best = max(best, (sum(map(len, telegrams)), name, telegrams, names), key=lambda one: one[0])
    size, name, telegrams, names = best
    if not telegrams:
        raise UserError(
            f"{args.file}: no whole P1, SML or D0 telegram in it; what cannot be read is not passed on. DLMS and encrypted captures cannot be "
            "anonymised by this version: do not share one together with its key",
            FAILED,
        )
    out.write_bytes(b"".join(telegrams))
    print(f"{args.output}: {len(telegrams)} {name} telegrams, {size} bytes of {len(data)}; what was not understood is left out")
    shown = list(names.replaced.items())
    for old, new in shown[:SHOWN]:
        print(f"  {old}  ->  {new}")
    if len(shown) > SHOWN:
        print(f"  and {len(shown) - SHOWN} more")
    print("look through it before you share it: meterbridge decode " + args.output)
    return OK
