"""What the ESP32's port takes for a UART: the arguments in; TypeError or ValueError as the port raises them out."""

_BAUD_MAX = 5_000_000  # what the ESP32's UART can do
_INVERSIONS = 4 | 8 | 32 | 64


def check(numbers, inputs, outputs):
    """Raises what the port raises for arguments that it does not take."""
    from machine import Pin

    for value in numbers:
        if not isinstance(value, int):
            raise TypeError("can't convert %s to int" % type(value).__name__)
    baudrate, bits, stop, _, _, invert, flow, _, _ = numbers
    if not 0 <= baudrate <= _BAUD_MAX:
        raise ValueError("invalid baudrate")
    if bits not in (0, 5, 6, 7, 8):
        raise ValueError("invalid data bits")
    if stop not in (0, 1, 2):
        raise ValueError("invalid stop bits")
    if invert & ~_INVERSIONS:
        raise ValueError("invalid inversion mask")
    if flow & ~3:
        raise ValueError("invalid flow control mask")
    for pin in inputs:
        if pin != -1:
            Pin(pin)
    for pin in outputs:
        if pin != -1:
            Pin(pin)._check_mode(Pin.OUT)


def take(pin, taken, inverted):
    """The driver takes its pin for sending, the one of the last time where none is named, and lets it rest. Returns which it is."""
    from machine import Pin

    pin = taken if pin == -1 else pin
    if pin is not None:
        Pin(pin)._taken(0 if inverted else 1)
    return pin
