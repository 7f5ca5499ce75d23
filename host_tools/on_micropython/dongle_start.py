"""Runs on MicroPython as the simulated chip's start: the flash that MB_SIM describes mounted at /data, then boot.py and main.py as a chip does.

    micropython dongle_start.py MAIN.PY
"""

import os
import sys

import sim_flash

sim_flash.mount("/data")
del sim_flash
sys.argv.pop(0)
sys.path[0] = sys.argv[0].rpartition("/")[0]
if "boot.py" in os.listdir(sys.path[0] or "."):
    execfile(sys.path[0] + "/boot.py")
execfile(sys.argv[0])
