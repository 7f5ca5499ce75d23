"""The chip itself: nothing in; its identity, why it started, what memory is left (bytes) and a reset out."""

import binascii
import gc

import esp32
import machine
from micropython import const

_CAUSES = {
    machine.PWRON_RESET: "power on",
    machine.HARD_RESET: "reset",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft reset",
}


def device_id() -> str:
    """Gives "mb-" and the last six hex digits of the chip's own number, such as "mb-d4e5f6"."""
    return "mb-" + binascii.hexlify(machine.unique_id()).decode()[-6:]


def reset_cause() -> str:
    """Why the chip started, in words. A panic of the chip shows as "reset"."""
    return _CAUSES.get(machine.reset_cause(), "unknown")


_PIECE = const(16384)  # what a TLS record or a long telegram's work may need in one piece
_live = [0, 0]  # bytes in use after the last collection, whether _PIECE was free in one piece then


def collect() -> None:
    """Frees what nothing refers to any more, and notes for `memory` what is left."""
    gc.collect()
    _live[0] = gc.mem_alloc()
    try:
        _live[1] = len(bytearray(_PIECE))
    except MemoryError:
        _live[1] = 0


def memory() -> dict:
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


def full_speed(chip: str) -> None:
    """Lets the processor run as fast as it can; MicroPython starts it at 160 MHz, which is the C3's limit."""
    if chip and chip != "esp32c3":
        machine.freq(240000000)


def reset() -> None:
    """Restarts the chip; does not return."""
    machine.reset()
