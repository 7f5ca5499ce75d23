"""The computer's own sockets, with one difference: while the simulated Wi-Fi is down no name or address is found, and names can fail.

The Wi-Fi's file says where names are ({"hosts": {"broker.home": "127.0.0.1"}}), and whether anybody answers who is asked for one
({"dns": false}): then it takes "dns_ms" of standing still, as on the chip, until that is known. Open connections stay as they are: a real
one does not notice the loss of the access point either. What listens does so on this computer alone, on the port that MB_SIM's "ports" gives. Nothing is different where no Wi-Fi is simulated (MB_SIM names none).
"""

import usocket as _usocket
from sim_chip import chip as _chip
from sim_chip import read_json as _read_json
from usocket import *  # noqa: F403 - everything else is the real thing

_NO_ANSWER = -202  # what the ESP32's resolver raises (EAI_FAIL of lwIP)


def getaddrinfo(host, port, *rest):
    if host == "0.0.0.0":  # the chip's own port: where the runner wants it to be
        return _usocket.getaddrinfo("127.0.0.1", _chip("ports", {}).get(str(port), port), *rest)
    path = _chip("wifi")
    if path:
        import network

        if not network._carries():
            raise OSError(_NO_ANSWER)
        told = _read_json(path)
        if not told.get("dns", True) and not host.replace(".", "").isdigit():
            import utime

            utime.sleep_ms(told.get("dns_ms", 0))
            raise OSError(_NO_ANSWER)
        host = told.get("hosts", {}).get(host, host)
    return _usocket.getaddrinfo(host, port, *rest)
