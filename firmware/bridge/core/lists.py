"""Values between lists by id (pick, spread, inside, changed): machine code where MicroPython can emit it, else plain, under the same names."""

try:
    from bridge.core.lists_viper import changed, inside, pick, spread
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    from bridge.core.lists_plain import changed, inside, pick, spread
