"""A folder made, or all of its files gone: its path in, (files, bytes) removed out. Loaded for the moment."""

import os


def make(folder: str) -> None:
    """Makes a folder where there is none."""
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there; or the write that follows says why not


def erase(folder: str) -> tuple:
    """Removes the files in `folder`; one that cannot be removed stays, and is not counted."""
    count = size = 0
    try:
        names = os.listdir(folder)
    except OSError:
        return 0, 0
    for name in names:
        name = folder + "/" + name
        try:
            length = os.stat(name)[6]
            os.remove(name)
        except OSError:
            continue
        count += 1
        size += length
    return count, size
