"""Runs on MicroPython: the power cut at every step of the making of the simulated chip's file system; how many cuts out."""

import os

from flash_in_ram import BLOCK, Flash, cuts
from sim_flash import volume


def main() -> None:
    flash = Flash(8)
    before = bytearray(flash.image)
    os.mount(volume(flash), "/data")
    with open("/data/note", "w") as file:
        file.write("x" * BLOCK)
    os.umount("/data")
    torn = Flash(8)
    number = 0
    for step, done in cuts(before, flash.steps, torn):
        os.mount(volume(torn), "/data")
        with open("/data/note", "w") as file:
            file.write("y" * BLOCK)
        with open("/data/note") as file:
            if file.read() != "y" * BLOCK:
                raise RuntimeError("step %d, %s of it done" % (step, done))
        os.umount("/data")
        number += 1
    print("cuts", number)


main()
