"""Lines of the log appended to a file of bounded size: folder, name, lines in, files on flash out. Loaded when there is something to write."""

import os

from micropython import const

from bridge.store.folder import make

_FILE = const(8192)  # two blocks of flash
_LINE = const(240)  # bytes: a line of the console, where some of its letters take two


def write(folder: str, name: str, lines: list, left_out: int) -> None:
    """Appends `lines`, and how many more there were. A full file becomes "...old" in place of the one before. OSError from the flash."""
    data = b"".join([line.encode()[:_LINE] + b"\n" for line in lines])
    if left_out:
        data += b"... and %d more\n" % left_out
    name = folder + "/" + name
    try:
        used = os.stat(name)[6]
    except OSError:
        used = 0
        make(folder)
    if used + len(data) > _FILE:
        os.rename(name, name + ".old")
    with open(name, "ab") as file:
        file.write(data)
