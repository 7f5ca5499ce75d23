"""Fake of the ESP32's `esp32` module: the IDF's heap, as a chip with Wi-Fi running shows it; RMT, loaded when it is asked for."""

HEAP_DATA = 4
HEAP_EXEC = 1

# (total, free, largest, minimum ever) in bytes per region, of the order that an ESP32 with Wi-Fi shows.
_DATA = ((7288, 0, 0, 0), (16648, 4, 4, 4), (79912, 35712, 35512, 35108), (15072, 15036, 15036, 15036), (113840, 0, 0, 0))
_EXEC = ((16384, 8192, 8192, 8192),)


def idf_heap_info(capabilities):
    if not isinstance(capabilities, int):
        raise TypeError("can't convert %s to int" % type(capabilities).__name__)
    return list(_EXEC if capabilities & HEAP_EXEC else _DATA)


def __getattr__(name):
    if name != "RMT":
        raise AttributeError("'module' object has no attribute '%s'" % name)
    from sim_rmt import RMT

    return RMT
