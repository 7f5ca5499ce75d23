"""What the dongle keeps on flash and its owner may copy: a folder in; paths and sizes out. What lies elsewhere, settings above all, is never named."""

import os

_FOLDERS = ("journal", "profile", "log")


def at(folder: str, path: str) -> str:
    """Where a file lies whose path in `folder` is known."""
    return folder + "/" + path if folder else path


def size(folder: str, path: str):
    """Bytes of a file that may be copied, None where there is none."""
    kind, _, name = path.partition("/")
    if kind not in _FOLDERS or not name or "/" in name or name[0] == ".":
        return None
    try:
        found = os.stat(at(folder, path))
    except (OSError, ValueError):
        return None  # it was the oldest, and has just gone
    return None if found[0] & 0x4000 else found[6]


def listed(folder: str):
    """(path, bytes) of each."""
    for kind in _FOLDERS:
        try:
            names = os.listdir(at(folder, kind))
        except OSError:
            continue  # nothing of that kind yet
        for name in sorted(names):
            path = kind + "/" + name
            length = size(folder, path)
            if length is not None:
                yield path, length


def room(folder: str) -> tuple:
    """(bytes of the flash that holds the folder, bytes free there). OSError from the flash."""
    stat = os.statvfs(folder or "/")
    return stat[1] * stat[2], stat[1] * stat[3]
