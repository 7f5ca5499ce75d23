"""The framer and the decoder of each protocol: a name in, objects out. Runs on CPython and on MicroPython; a further protocol is a further row."""

# Protocol: module and class of the framer, module and function (or class) of the decoder.
STAGES = {
    "p1": ("bridge.framing.p1", "P1Framer", "bridge.decoding.p1", "decode"),
    "sml": ("bridge.framing.sml", "SmlFramer", "bridge.decoding.sml", "decode"),
}


def _find(module: str, name: str):
    return getattr(__import__(module, None, None, (name,)), name)


def framer(protocol: str):
    """A new framer."""
    return _find(*STAGES[protocol][:2])()


def decoder(protocol: str):
    """A function (frame, emit, known)."""
    return _find(*STAGES[protocol][2:])
