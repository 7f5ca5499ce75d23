"""Light pulses of a PIN, of a short and of a long press: digits and a Profile in, array of alternating on and off milliseconds out.

A plan of a PIN is as secret as the PIN: it is never logged, and `wipe` makes it zeros after use.
"""

from array import array

from micropython import const

from bridge.unlock.profiles import NEVER_FROM_MS, NEVER_TO_MS

_DIGITS = const(4)
_SHORTEST_MS = const(300)  # an EasyMeter did not see 200 ms
_LONGEST_MS = const(8000)
_AFTER_MS = const(1000)  # dark after a press of the stepper, so that the next one cannot run into it


def digits(pin) -> bytearray:
    """The four digits of a PIN (text or bytes) as numbers, to be overwritten after use. ValueError, which does not tell it."""
    octets = bytearray()
    if isinstance(pin, (str, bytes, bytearray)) and len(pin) == _DIGITS:
        octets = bytearray(pin.encode() if isinstance(pin, str) else pin)
    if len(octets) != _DIGITS or min(octets) < 48 or max(octets) > 57:
        raise ValueError("a PIN is four digits, as 0123")
    for index in range(_DIGITS):
        octets[index] -= 48
    return octets


def entry(numbers, profile) -> array:
    """The pulses that enter these digits, with the wake presses before; dark at the end until the last digit is fixed."""
    pulses = array("H")
    for _ in range(profile.wake):
        pulses.append(profile.on_ms)
        pulses.append(profile.wake_gap_ms)
    for digit in numbers:
        if not digit and profile.zero_wait_ms:
            pulses[-1] += profile.zero_wait_ms
            continue
        for _ in range(digit or 10):
            pulses.append(profile.on_ms)
            pulses.append(profile.off_ms)
        pulses[-1] = profile.digit_wait_ms
    return guarded(pulses)


def press(profile, long: bool = False) -> array:
    """One short press or, only where `long` asks for it, a long one."""
    return guarded(array("H", (profile.long_ms if long else profile.on_ms, _AFTER_MS)), long)


def guarded(pulses: array, long: bool = False) -> array:
    """The same pulses; ValueError when one is too short to be seen, too long, of a length that meters disagree about, or long unasked."""
    for index in range(0, len(pulses), 2):
        on_ms = pulses[index]
        if long and len(pulses) == 2 and NEVER_TO_MS < on_ms <= _LONGEST_MS:
            continue
        if not _SHORTEST_MS <= on_ms < NEVER_FROM_MS:
            raise ValueError("no pulse of this length")
    return pulses


def duration_ms(pulses: array) -> int:
    """How long these pulses take, with the dark after each."""
    return sum(pulses)


def wipe(pulses) -> None:
    """Overwrites a plan or digits with zeros."""
    for index in range(len(pulses)):
        pulses[index] = 0
