"""Gives back the RAM of code that is needed once: names of modules in, their memory free for others.

On the device code lives in RAM. What only the start or a rare event needs (checking settings, reading board data, making
Home Assistant's discovery) is imported for that moment and forgotten afterwards; nothing may keep one of its functions.
"""

import gc
import sys


def unload(*names: str) -> None:
    """Forgets modules by full name; one that was never imported is no matter."""
    for name in names:
        if sys.modules.pop(name, None) is not None:
            package, _, last = name.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], last):
                delattr(sys.modules[package], last)
    gc.collect()
