"""The simulated chip's own access point: what its owner sets in, its settings and who has joined it out, refusing what the driver refuses.

Who has joined is told by the Wi-Fi's file: "stations": [["02:00:00:00:00:09", "192.168.4.2"], ...]; the driver takes "max_clients" of them.
Its "own_address" (four) is that of the access point: on a computer its guests, who come from 127.0.0.1, are in the network 127.0.0.0 then.
"""

import sim_air as air
from sim_chip import chip

_NAMES = {"essid": "ssid", "password": "key", "authmode": "security"}
_MOST_CLIENTS = 10
_LEAST_KEY = 8  # WPA2 and WPA3
_ADDRESS = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")


class AccessPoint:
    """`radio`: what both interfaces share."""

    def __init__(self, radio):
        self._radio = radio
        own = chip("unique_id", "a1b2c3d4e5f6")
        self._settings = {"ssid": "ESP_" + own[-6:].upper(), "key": "", "security": 0, "hidden": False, "max_clients": 4}
        self._address = tuple(air.told().get("own_address", _ADDRESS))

    def set(self, name, value):
        name = _NAMES.get(name, name)
        if name == "reconnects":
            raise OSError("STA required")
        if name == "channel":
            self._radio[name] = value
        elif name not in self._settings:
            raise ValueError("unknown config param")
        elif name in ("security", "max_clients"):
            self._settings[name] = int(value)
        elif name == "hidden":
            self._settings[name] = bool(value)
        else:
            self._settings[name] = (value if isinstance(value, str) else bytes(value).decode())[: 32 if name == "ssid" else 63]

    def check(self, active):
        """What the driver says to all of it together."""
        if not active:
            raise OSError("Wifi Invalid Mode")
        settings = self._settings
        if settings["security"] and len(settings["key"]) < _LEAST_KEY:
            raise OSError("Wifi Invalid Password")
        if not settings["ssid"] and not settings["hidden"]:
            raise OSError("Wifi Invalid SSID")
        if not 0 <= settings["max_clients"] <= _MOST_CLIENTS or not 0 <= settings["security"] <= 9 or not 1 <= self._radio["channel"] <= 13:
            raise RuntimeError("Wifi Unknown Error 0x0102")

    def value(self, name):
        name = _NAMES.get(name, name)
        if name == "reconnects" or name == "hostname":
            raise OSError("STA required")
        if name not in self._settings or name == "key":
            raise ValueError("unknown config param")
        return self._settings[name]

    def ifconfig(self, *address):
        if address:
            if address[0] == "dhcp":
                raise ValueError("invalid arguments")
            self._address = air.four(address[0])
            return None
        return self._address

    def stations(self) -> list:
        found = air.told().get("stations", [])[: self._settings["max_clients"]]
        return [(bytes.fromhex(mac.replace(":", "")), address) for mac, address in found]
