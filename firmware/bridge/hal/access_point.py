"""The chip's own access point: a name, a password and a transmit power in dBm in; network.WLAN, up and closed by WPA2, out."""

import network
from micropython import const

_CHANNEL = const(6)  # while the station is in no network; else the chip has that of its access point
_CLIENTS = const(4)


def start(name: str, password: str, dbm: int):
    """Opens it; OSError when the driver does not want to."""
    point = network.WLAN(network.AP_IF)
    point.active(True)  # the driver takes no settings before
    try:
        point.config(ssid=name, security=network.AUTH_WPA2_PSK, key=password, channel=_CHANNEL, max_clients=_CLIENTS)
        if dbm:
            point.config(txpower=dbm)
    except (OSError, RuntimeError, ValueError) as error:
        point.active(False)
        raise OSError(str(error))
    return point
