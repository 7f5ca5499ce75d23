"""The framer and the decoder of each protocol: a name and keys in, objects out. Runs on CPython and on MicroPython."""

from bridge.core.errors import DecodeError
from bridge.decoding.security import Security
from bridge.pipeline import PROTOCOLS


def _find(module: str, name: str):
    return getattr(__import__(module, None, None, (name,)), name)


def framer(protocol: str):
    """A new framer."""
    return _find(*PROTOCOLS[protocol][:2])()


def decoder(protocol: str, key=None, auth_key=None, replay: bool = False):
    """A function (frame, emit, known)."""
    _, _, module, name = PROTOCOLS[protocol]
    if not name:
        return _find(module, "decode")
    made = _find(module, name)
    security = Security(key, auth_key, replay)
    return (made(security) if protocol == "amis" else made(security, text)).decode


def text(frame, emit, known) -> None:
    """P1 text that was encrypted, as the pipeline reads it."""
    from bridge.decoding import p1
    from bridge.framing.p1_inner import verified

    if not verified(frame):
        raise DecodeError("P1: encrypted telegram with a wrong checksum")
    p1.decode(frame, emit, known)
