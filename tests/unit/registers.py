"""Hand-made registers for the tests of the reading stage: what a decoder would hand on, without one."""

from bridge.core.civil import seconds
from bridge.decoding.register import UNIT_KILO, Register
from bridge.reading import quantities
from bridge.reading.builder import Builder
from bridge.reading.quantities import quantity
from bridge.reading.reading import BRIDGE

WH, W, V, A, M3, HZ, VARH = 30, 27, 35, 33, 13, 44, 32
KWH, KW = UNIT_KILO | WH, UNIT_KILO | W
NOON = seconds(2025, 1, 15, 12)


class Frame:
    def __init__(self, protocol, text=b"?"):
        self.protocol = protocol
        self.buffer = bytearray(text)
        self.start = 0
        self.end = len(text)
        self.checksum = "crc16"
        self.security = ""


def register(code, value, scaler=0, unit=0, time=None, status=0):
    """`code` as people write it: "1-0:1.8.0", "1-0:96.50.1*1"."""
    r = Register()
    medium, rest = code.split(":")
    rest, f = rest.split("*") if "*" in rest else (rest, "255")
    a, b = medium.split("-")
    c, d, e = [int(part) for part in rest.split(".")]
    r.ab, r.cde, r.f = int(a) << 8 | int(b), c << 16 | d << 8 | e, int(f)
    r.value = memoryview(value) if isinstance(value, bytes) else value
    r.scaler, r.unit, r.status = scaler, unit, status
    r.time = memoryview(time) if isinstance(time, bytes) else time
    return r


def read(b, rows, now=NOON, source=BRIDGE, protocol="p1", head=b"?", seq=1):
    b.begin(Frame(protocol, head))
    for row in rows:
        b.add(register(*row))
    return b.finish(seq, now, source)


def got(r, name):
    return r.get(quantity(name))


def text(r, name):
    return r.text(quantity(name))


def names(r):
    return [quantities.QUANTITIES[q][0] for q in r.items()]


def sml(rows, b=None):
    return read(b or Builder(), rows, protocol="sml")
