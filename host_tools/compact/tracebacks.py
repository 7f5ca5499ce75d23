"""Makes tracebacks of the compiled firmware readable: its log in, the same with the names of the source out.

    python -m host_tools.compact.tracebacks build/<board>/names.json < log
"""

import json
import re
import sys
from pathlib import Path

_PLACE = re.compile(r'(File "([\w.]+)", line \d+, in )(\w+)')


def readable(line: str, told: dict[str, dict[str, str]]) -> str:
    """`told`: what the build wrote down, by module the word in the compiled file and its name in the source."""
    return _PLACE.sub(lambda found: found[1] + told.get(found[2], {}).get(found[3], found[3]), line)


if __name__ == "__main__":
    names = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for line in sys.stdin:
        sys.stdout.write(readable(line, names))
