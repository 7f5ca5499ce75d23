"""RAM that the simulator's stand-ins for machine, network, esp32, socket and the flash take in the firmware's heap: a folder in, bytes out.

On a chip these are in flash, and what they keep (the UART's ring, the Wi-Fi's state) is in the system's memory.
"""

import asyncio  # what the firmware itself loads is not counted
import binascii
import gc
import io
import json
import os
import sys


def used() -> int:
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def main(folder: str) -> None:
    with open(folder + "/chip.json", "w") as file:
        json.dump({"flash": {"image": folder + "/flash.img", "kb": 2048, "control": folder + "/flash.json"}}, file)
    os.putenv("MB_SIM", folder + "/chip.json")
    asyncio.Event, asyncio.StreamReader, asyncio.wait_for_ms
    before = used()
    import esp32
    import machine
    import network
    import sim_flash
    import socket

    sim_flash.mount("/data")
    line = machine.UART(2, 115200, rx=16, tx=17, rxbuf=4096, timeout=0)
    line.readinto(bytearray(16))
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    watchdog = machine.WDT(timeout=30000)
    esp32.idf_heap_info(esp32.HEAP_DATA)
    wlan.isconnected()
    print(used() - before)
    socket, watchdog


main(sys.argv[1])
