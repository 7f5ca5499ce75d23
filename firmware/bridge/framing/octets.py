"""Inner loops over bytes (copy, printable, reflected): machine code where MicroPython can emit it, else plain, under the same names."""

try:
    from bridge.framing.octets_viper import copy, printable, reflected
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    from bridge.framing.octets_plain import copy, printable, reflected
