"""Host names in, IPv4 addresses as text out; what stops the whole chip is done as seldom as can be. Times are ms.

A look-up waits within the system for seconds when no name server answers, and nobody reads the meter meanwhile. So an address that worked
is used again without one, and one that took long is not followed by the next, of whichever name, before eight times as long has passed.
"""

import socket
import time

from micropython import const

_REST = const(8)  # 7 s is what lwIP takes for a server that is silent: then it is asked again within a minute
_SHORT = const(500)  # the UART's buffer bridges about that
_NOT_FOUND = const(-202)  # lwIP's own
_known = {}  # host: [address, whether it worked and was not used since]; one for each destination and the time server
_ended = 0  # ticks at the end of the last look-up
_took = 0


def lookup(host: str) -> str:
    """An address to connect to: `host` itself where it is one. OSError when none is known now."""
    global _ended, _took
    known = _known.get(host)
    if host.replace(".", "").isdigit() or ":" in host:
        return host
    if known and known[1]:
        known[1] = False
        return known[0]
    began = time.ticks_ms()
    if abs(time.ticks_diff(began, _ended)) >= _REST * _took:
        try:
            # The first IPv4 address: names of a home often have a v6 entry too, that no service listens on.
            for row in socket.getaddrinfo(host, 0, 0, socket.SOCK_STREAM):
                if row[0] == socket.AF_INET:
                    address = row[-1]  # on a PC it is binary
                    known = _known[host] = [address[0] if isinstance(address, tuple) else "%d.%d.%d.%d" % tuple(address[4:8]), False]
                    break
            else:
                return host
        except OSError:
            pass  # what it stood for last may still be right
        finally:
            _ended = time.ticks_ms()
            _took = time.ticks_diff(_ended, began)
            if _took < _SHORT:
                _took = 0
    if known is None:
        raise OSError(_NOT_FOUND)
    return known[0]


def reached(host: str) -> None:
    """The last address of `host` was the right one."""
    if host in _known:
        _known[host][1] = True
