"""A fixed address as its owner types it: "192.168.1.20/24 192.168.1.1 [name server]" in, what WLAN.ifconfig() takes out. Loaded when one is set."""

from micropython import const

_LEAST_BITS, _MOST_BITS = const(8), const(30)  # between the networks that an owner can have and room for a dongle and its router


def number(text: str) -> int:
    """The 32 bits of an IPv4 address; ValueError when it is none."""
    parts = text.split(".")
    value = 0
    for part in parts:
        if not part.isdigit() or len(part) > 3 or int(part) > 255:
            raise ValueError("has %s where an address belongs" % text[:20])
        value = value << 8 | int(part)
    if len(parts) != 4:
        raise ValueError("has %s where an address belongs" % text[:20])
    return value


def parse(text: str) -> tuple:
    """(address, mask, gateway, name server), each as text; the gateway is the name server where none is given. ValueError says what is wrong."""
    words = text.split()
    own, slash, bits = words[0].partition("/") if words else ("", "", "")
    if not 2 <= len(words) <= 3:
        raise ValueError("is not an address, a gateway and perhaps a name server")
    if not slash or not bits.isdigit() or not _LEAST_BITS <= int(bits) <= _MOST_BITS:
        raise ValueError("has no network size after the address, such as /24")
    wild = (1 << 32 - int(bits)) - 1
    if number(own) & wild in (0, wild):
        raise ValueError("has the address of a whole network")
    if number(words[1]) | wild != number(own) | wild or number(words[1]) == number(own):
        raise ValueError("has a gateway that is not another device of the same network")
    number(words[-1])
    return own, ".".join([str((~wild >> shift) & 255) for shift in (24, 16, 8, 0)]), words[1], words[-1]
