"""Stands in for MicroPython's `micropython` module, so that CPython can import the firmware's pure packages.

Only `const` is here: code that needs a native emitter must find none and take its portable path.
"""


def const(value):
    """Returns `value`: MicroPython's compiler folds it, CPython just keeps it."""
    return value
