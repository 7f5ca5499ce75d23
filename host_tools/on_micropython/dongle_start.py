"""Runs on MicroPython as the simulated chip's start: the flash that MB_SIM describes mounted at /data, then main.py as if it had been started itself.

    micropython dongle_start.py MAIN.PY
"""

import sys

import sim_flash

sim_flash.mount("/data")
del sim_flash
sys.argv.pop(0)
sys.path[0] = sys.argv[0].rpartition("/")[0]
execfile(sys.argv[0])
