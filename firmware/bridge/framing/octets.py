"""Inner loops over bytes (copy, printable, reflected; header, block of HDLC): machine code where MicroPython can emit it, else plain, under the same names."""

try:
    from bridge.framing.octets_viper import block, copy, header, printable, reflected
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    from bridge.framing.octets_plain import block, copy, header, printable, reflected
