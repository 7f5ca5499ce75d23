"""The chip's own clock, by which TLS judges the dates of certificates: UTC in seconds since 2000 in."""

import machine

from bridge.core.civil import civil


def set_utc(time: int) -> None:
    """Sets it; it starts in 2000, when no certificate was valid yet."""
    year, month, day, hour, minute, second = civil(time)
    machine.RTC().datetime((year, month, day, 0, hour, minute, second, 0))  # the weekday is not looked at
