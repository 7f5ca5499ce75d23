"""What memory is left: nothing in; bytes of Python's and of the system's heap out."""

import gc

import esp32
from micropython import const

_PIECE = const(16384)  # what a TLS record or a long telegram's work may need in one piece
_live = [0, 0]  # bytes in use after the last collection, whether _PIECE was free in one piece then


def collect() -> None:
    """Frees what nothing refers to any more, and notes for `status` what is left."""
    gc.collect()
    _live[0] = gc.mem_alloc()
    try:
        _live[1] = len(bytearray(_PIECE))
    except MemoryError:
        _live[1] = 0


def status() -> dict:
    """Bytes: Python heap in use and free now and in use after the last collection, whether 16 KB were free in one piece then
    (`heap_piece`), and of the system's heap (Wi-Fi, TLS) the free sum and the largest piece.
    """
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    return {
        "heap_used": gc.mem_alloc(),
        "heap_free": gc.mem_free(),
        "heap_live": _live[0],
        "heap_piece": bool(_live[1]),
        "system_free": sum(region[1] for region in regions),
        "system_largest": max(region[2] for region in regions),
    }
