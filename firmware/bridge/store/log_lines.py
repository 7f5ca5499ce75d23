"""Lines of the log appended to a file of bounded size: folder and lines in, files on flash out. Loaded when there is something to write."""

import os

from micropython import const

from bridge.store.folder import make

_FILE = const(8192)  # two blocks of flash
_LINE = const(240)  # bytes: a line of the console, where some of its letters take two


def save(folder: str, waiting: tuple, left_out: list) -> str:
    """Writes what waits of "log" and of "access", forgets it and how many lines were left out; what the flash said, "" when it took all."""
    problem = ""
    for kind, name in enumerate(("log", "access")):
        if waiting[kind]:
            try:
                _write(folder, name, waiting[kind], left_out[kind])
            except OSError as error:
                problem = str(error)
            else:
                waiting[kind].clear()
                left_out[kind] = 0
    return problem


def _write(folder: str, name: str, lines: list, left_out: int) -> None:
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
