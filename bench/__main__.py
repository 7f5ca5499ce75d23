"""Prints what speed, memory and wear cost, one JSON object per line: {"name": .., "value": .., "unit": ..}.

    python -m bench [part ...]        parts: decode, versus, journal, flash, modules, running, push, serving, update; all when none is named

Figures are measured, never asserted here. A part that cannot run says why on standard error and the exit code is 3.
"""

import importlib
import json
import sys

from bench.micropython32 import Missing
from host_tools.errors import MISSING, OK, USAGE, UserError

PARTS = ("decode", "versus", "journal", "flash", "modules", "running", "push", "serving", "update")


def main(wanted: list) -> int:
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        print(f"no part {', '.join(unknown)}: there are {', '.join(PARTS)}", file=sys.stderr)
        return USAGE
    code = OK
    for part in wanted or PARTS:
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        try:
            for name, value, unit in importlib.import_module(f"bench.{part}").figures():
                print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)
        except (Missing, UserError) as error:
            print(f"bench {part}: {error}", file=sys.stderr)
            code = MISSING
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
