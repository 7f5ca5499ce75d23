"""Runs before main.py at each start: nothing that could keep the serial console from its owner."""

import gc

gc.collect()
