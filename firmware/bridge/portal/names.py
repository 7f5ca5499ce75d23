"""A name server that says of every name that it is the dongle: datagrams of the access point's guests in and out, so that phones show the portal."""

import asyncio
import socket

from micropython import const

from bridge.serve.door import knock

_PORT = const(53)
_LONGEST = const(512)  # of a question without TCP: RFC 1035
_LONGEST_NAME = const(255)
_PAUSE_MS = const(10)  # after each, so that a flood is not all that is done
_QUESTION = const(12)
_TTL = b"\x00\x00\x00\x05"  # seconds: what a phone remembers of it shall not outlive the portal


async def serve(portal) -> None:
    """Answers until it is cancelled."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(socket.getaddrinfo("0.0.0.0", _PORT)[0][-1])
        sock.setblocking(False)
        while True:
            await knock(sock)
            try:
                data, asker = sock.recvfrom(_LONGEST)
                address = asker[0] if isinstance(asker, tuple) else "%d.%d.%d.%d" % tuple(asker[4:8])  # on a PC it is binary
                found = answer(data, portal.address) if portal.is_guest(address) else None
                if found:
                    sock.sendto(found, asker)
            except OSError:
                pass  # it does not want to know any more
            await asyncio.sleep_ms(_PAUSE_MS)
    except OSError as error:
        portal.door.log.warning("portal", "phones do not find the page by themselves: %s" % error)
    finally:
        sock.close()


def answer(data, address: str):
    """The answer to a question, that its name has this IPv4 address; None for what is no question. Of other kinds of records there are none."""
    if len(data) < _QUESTION or data[2] & 0xF8 or data[4:6] != b"\x00\x01":
        return None
    end = _QUESTION
    while end < len(data) and data[end]:
        if data[end] > 63:  # a label's longest; what is more points elsewhere
            return None
        end += data[end] + 1
    end += 5
    if end > len(data) or end > _QUESTION + _LONGEST_NAME + 5:
        return None
    kind = data[end - 4 : end]
    known = kind in (b"\x00\x01\x00\x01", b"\x00\xff\x00\x01")
    found = data[:2] + bytes((0x84 | data[2] & 1, 0x80)) + b"\x00\x01\x00" + bytes((known,)) + bytes(4) + data[_QUESTION:end]
    if known:
        found += b"\xc0\x0c\x00\x01\x00\x01" + _TTL + b"\x00\x04" + bytes([int(part) for part in address.split(".")])
    return found
