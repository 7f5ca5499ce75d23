"""RAM that each module of the firmware takes when it is imported: module names in, a line of bytes each out."""

import gc
import sys


def used() -> int:
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def main(names: list) -> None:
    import machine  # the simulator's stand-ins: on a chip these are in flash
    import network
    import esp32

    machine.UART, network.WLAN, esp32.HEAP_DATA
    before = used()
    for name in names:
        __import__(name)
        now = used()
        print(name, now - before)
        before = now


main(sys.argv[1:])
