"""Room for a copy of the firmware: a slot in; whether the flash has enough blocks, and an emptied slot out."""

import os

from micropython import const

_BLOCK = const(4096)
_FOLDER = const(0x4000)


def has_room(slot: str, blocks: int) -> bool:
    """Whether so many blocks are free, what the slot holds now counted as free."""
    stat = os.statvfs(slot if _is_folder(slot) else ".")
    free = stat[0] * stat[3] // _BLOCK
    if free >= blocks:
        return True
    for path, size in _files(slot):
        free += 1 + size // _BLOCK
    return free >= blocks


def empty(slot: str) -> None:
    """Removes all files in it; app first, so that no start takes it for whole. Folders stay."""
    paths = [path for path, _ in _files(slot)]
    paths.sort(key=lambda path: "/app." not in path)
    for path in paths:
        os.remove(path)


def _is_folder(path: str) -> bool:
    try:
        return bool(os.stat(path)[0] & _FOLDER)
    except OSError:
        return False


def _files(folder: str):
    """(path, bytes) of all files below."""
    folders = [folder] if _is_folder(folder) else []
    while folders:
        folder = folders.pop()
        for name in os.listdir(folder):
            path = folder + "/" + name
            if _is_folder(path):
                folders.append(path)
            else:
                yield path, os.stat(path)[6]
