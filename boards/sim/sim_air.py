"""The air around the simulated chip: the Wi-Fi's file in; which access points there are, who takes the station and why not, out.

The file is {"ssid", "password", "up"}: one access point; further keys of it: "bssid" ("02:00:00:00:00:01"), "channel", "rssi", "hidden",
"authmode", "refuse" (the reason with which it takes nobody), "wrong" (the reason that tells of a wrong password; 202, or 15 or 204 as many
tell it), "kick" (a number: when it changes, who is joined is thrown out, with "kick_reason"). "points" is a list of such instead.
For all: "join_ms", "scan_ms", "dhcp_ms" (null: no address is given), "address" (four), "stall" (a number: associations made before it
grew carry nothing). It is read at each use, so that a test can change it under the running firmware. For the same reason it says how many
bytes of the heap shall be left ("heap_left": see sim_memory), and what socket.py knows of names.
"""

import time

from sim_chip import chip, read_json

_ACCESS_POINT = {"ssid": "", "password": "", "up": True, "hidden": False, "bssid": "02:73:69:6d:00:01", "channel": 6, "rssi": -57}
_ADDRESS = ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
_NO_AP_FOUND, _WRONG = 201, 202
_WPA2 = 3

_heap = {"left": None}


def told() -> dict:
    """What the file says."""
    path = chip("wifi")
    found = read_json(path) if path else {}
    if found.get("heap_left") != _heap["left"]:
        import sim_memory

        _heap["left"] = found.get("heap_left")
        sim_memory.leave(_heap["left"])
    return found


def points() -> list:
    """The access points that are up, the strongest first."""
    found = told()
    made = []
    for raw in found.get("points") or (found,):
        point = dict(_ACCESS_POINT)
        point.update(raw)
        if point["up"]:
            made.append(point)
    made.sort(key=lambda point: -point["rssi"])
    return made


def mac(point) -> bytes:
    return bytes.fromhex(point["bssid"].replace(":", ""))


def find(point):
    """The same access point as it is now, or None."""
    for now in points():
        if now["bssid"] == point["bssid"] and now["ssid"] == point["ssid"]:
            return now
    return None


def try_to_join(ssid, password, bssid) -> tuple:
    """(reason, None), or (0, the access point that took it): the first that fits, as the driver's fast scan does."""
    for point in points():
        if point["ssid"] and point["ssid"] != ssid or bssid is not None and bytes(bssid) != mac(point):
            continue
        if point.get("refuse"):
            return point["refuse"], None
        if point["password"] and point["password"] != password:
            return point.get("wrong", _WRONG), None
        return 0, point
    return _NO_AP_FOUND, None


def dhcp(waited_ms) -> bool:
    """Whether there is an address by now."""
    takes = told().get("dhcp_ms", 0)
    return takes is not None and waited_ms >= takes


def address() -> tuple:
    return tuple(told().get("address", _ADDRESS))


def scan() -> list:
    """As WLAN.scan() gives it."""
    time.sleep_ms(told().get("scan_ms", 0))
    found = []
    for point in points():
        name = b"" if point["hidden"] else point["ssid"].encode()
        found.append((name, mac(point), point["channel"], point["rssi"], point.get("authmode", _WPA2 if point["password"] else 0), False))
    return found


def four(address) -> tuple:
    """Four IPv4 addresses, or what the port raises."""
    if len(address) != 4:
        raise ValueError("requested length 4 but object has length %d" % len(address))
    for one in address:
        parts = one.split(".")
        if len(parts) != 4 or not all([part.isdigit() and int(part) < 256 for part in parts]):
            raise ValueError("invalid arguments")
    return tuple(address)


def from_ipconfig(settings, now):
    """What ifconfig() takes, of what ipconfig() was given."""
    own, mask, gateway, name_server = now
    for name, value in settings.items():
        if name == "dhcp4":
            return "dhcp" if value else now
        if name == "addr4":
            own, mask = value if isinstance(value, tuple) else _with_mask(value)
        elif name == "gw4":
            gateway = value
        else:
            raise ValueError("unexpected key")
    return own, mask, gateway, name_server


def _with_mask(text):
    own, _, bits = text.partition("/")
    word = (0xFFFFFFFF << 32 - int(bits or 32)) & 0xFFFFFFFF
    return own, "%d.%d.%d.%d" % (word >> 24, word >> 16 & 255, word >> 8 & 255, word & 255)
