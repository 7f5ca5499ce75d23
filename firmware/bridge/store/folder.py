"""A folder made, or all of its files gone: its path in, (files, bytes) removed out. Loaded for the moment."""

import os

from micropython import const

_EXISTS = const(17)  # errno


def make(folder: str) -> None:
    """Makes a folder where there is none. OSError when the flash does not take it."""
    try:
        os.mkdir(folder)
    except OSError as error:
        if error.errno != _EXISTS:
            raise


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
