"""Memory pressure: how many bytes of the heap shall be left in, as much of it taken as that needs; given back when it says None.

It is taken in small pieces, as by a program that is busy with something else: what is left is not in one piece.
"""

import gc

_PIECE = 512
_taken = []


def leave(left):
    """`left`: bytes that stay free, or None."""
    if left is None:
        _taken.clear()
        gc.collect()
        return
    gc.collect()
    while gc.mem_free() > left:
        try:
            _taken.append(bytearray(_PIECE))
        except MemoryError:
            return
