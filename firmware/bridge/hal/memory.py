"""What memory is left: nothing in; bytes of Python's and of the system's heap out."""

import gc

import esp32

_live = [0]  # bytes in use after the last collection


def collect() -> None:
    """Frees what nothing refers to any more, and notes for `status` what is left."""
    gc.collect()
    _live[0] = gc.mem_alloc()


def status() -> dict:
    """Bytes: Python heap in use and free now, and in use after the last collection; of the system's heap (Wi-Fi, TLS) the free
    sum and the largest piece.
    """
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    return {
        "heap_used": gc.mem_alloc(),
        "heap_free": gc.mem_free(),
        "heap_live": _live[0],
        "system_free": sum(region[1] for region in regions),
        "system_largest": max(region[2] for region in regions),
    }
