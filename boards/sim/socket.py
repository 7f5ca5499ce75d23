"""The computer's own sockets, with one difference: while the simulated Wi-Fi is down no name or address is found.

Open connections stay as they are: a real one does not notice the loss of the access point either. Nothing is different where no
Wi-Fi is simulated (MB_SIM names none).
"""

import usocket as _usocket
from sim_chip import chip as _chip
from usocket import *  # noqa: F403 - everything else is the real thing

_NO_ANSWER = -202  # what the ESP32's resolver raises (EAI_FAIL of lwIP)


def getaddrinfo(host, port, *rest):
    if _chip("wifi"):
        import network

        if not network.WLAN(network.STA_IF).isconnected():
            raise OSError(_NO_ANSWER)
    return _usocket.getaddrinfo(host, port, *rest)
