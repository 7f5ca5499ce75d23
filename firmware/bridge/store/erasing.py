"""A folder in, all of its files gone, (files, bytes) removed out. Loaded when its owner wants to forget."""

import os


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
