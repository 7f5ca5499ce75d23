"""Hostile bytes through the pure stages: coverage-guided on CPython, mutated telegrams on MicroPython. See __main__.py."""
