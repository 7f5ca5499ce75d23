"""The watchdog: a timeout in ms in, a function out that must be called more often than that, or the chip resets."""

from machine import WDT
from micropython import const

TIMEOUT_MS = const(30000)  # longer than a TLS handshake and a flash erase together, shorter than anyone waits for a stuck dongle


def start(timeout_ms: int = TIMEOUT_MS):
    """Starts it, once and for all (it cannot be stopped), and returns the function that feeds it."""
    return WDT(timeout=timeout_ms).feed
