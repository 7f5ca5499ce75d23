"""Fake of the ESP32's `network`: one station that joins the access point described in a file, and loses it when that says so.

The file is {"ssid", "password", "up"}; it is read at each use, so that a test can change it under the running firmware. For the same reason
it says how many bytes of the heap shall be left ("heap_left": see sim_memory), and what socket.py knows of names.
"""

import utime as _time
from sim_chip import chip as _chip
from sim_chip import read_json as _read_json

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_CONNECT_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

_JOIN_MS = 80  # a real one takes seconds; long enough that nobody can take it for immediate
_SSID_BYTES = 32
_PASSWORD_BYTES = 64
_HOSTNAME_BYTES = 32
_TXPOWER_DBM = (2, 20)
_ACCESS_POINT = {"ssid": "", "password": "", "up": True}  # where no file is named: an open network that takes everyone

_names = {"hostname": "mpy-esp32", "country": "XX"}
_heap = {"left": None}


def hostname(*name):
    """Gets or sets the name that is told to DHCP and mDNS."""
    if not name:
        return _names["hostname"]
    if len(name[0]) > _HOSTNAME_BYTES:
        raise ValueError
    _names["hostname"] = name[0]


def country(*code):
    """Gets or sets the two letters of the regulatory domain."""
    if not code:
        return _names["country"]
    if len(code[0]) != 2:
        raise ValueError
    _names["country"] = code[0]


class WLAN:
    """The station. Every call of WLAN(STA_IF) gives the same object, as on the ESP32."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _station = None

    def __new__(cls, interface_id=STA_IF):
        if interface_id == AP_IF:
            raise NotImplementedError("the simulator has no access point of its own")
        if interface_id != STA_IF:
            raise ValueError("invalid WLAN interface identifier")
        if cls._station is None:
            cls._station = station = object.__new__(cls)
            station._active = False
            station._wanted = None  # (ssid, password)
            station._since = None  # when the attempt began
            station._joined = False
            station._reason = 0
            station._tries = 0
            station._settings = {"reconnects": -1, "pm": cls.PM_PERFORMANCE, "txpower": 20, "channel": 6}
        return cls._station

    def __init__(self, interface_id=STA_IF):
        pass

    def active(self, *up):
        if not up:
            return self._active
        self._active = bool(up[0])
        if not self._active:
            self._wanted, self._joined = None, False
        return self._active

    def connect(self, ssid=None, password=None, *, bssid=None):
        if not self._active:
            raise OSError("Wifi Not Started")
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        if self.status() == STAT_CONNECTING:
            raise OSError("Wifi Internal State Error")  # the driver takes no settings while it is trying
        self._wanted = (_text(ssid)[:_SSID_BYTES], _text(password)[:_PASSWORD_BYTES])
        self._since = _time.ticks_ms()
        self._joined = False
        self._tries = 0

    def disconnect(self):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._wanted, self._joined, self._reason = None, False, 0

    def isconnected(self):
        self._step()
        return self._joined

    def status(self, *what):
        self._step()
        if not what:
            if self._joined:
                return STAT_GOT_IP
            if self._wanted and not self._given_up():
                return STAT_CONNECTING
            return self._reason or STAT_IDLE
        if what[0] == "rssi":
            if not self._joined:
                raise OSError("Wifi Not Connected")
            return -57
        raise ValueError("unknown status param")

    def config(self, *what, **settings):
        if what and settings:
            raise TypeError("either pos or kw args are allowed")
        if settings:
            for name, value in settings.items():
                self._set(name, value)
            return None
        if len(what) != 1:
            raise TypeError("can query only one param")
        if what[0] == "mac":
            return bytes.fromhex(_chip("unique_id", "a1b2c3d4e5f6"))
        if what[0] == "ssid":
            return self._wanted[0] if self._wanted else ""
        if what[0] == "hostname":
            return hostname()
        if what[0] not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[what[0]]

    def ifconfig(self, *address):
        if address:
            if len(address[0]) != 4:
                raise ValueError("requested length 4 but object has length %d" % len(address[0]))
            return None
        self._step()
        if not self._joined:
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, *what, **settings):
        if settings or len(what) != 1:
            raise TypeError("can query only one param")
        own, mask, gateway, _ = self.ifconfig()
        if what[0] == "addr4":
            return (own, mask)
        if what[0] == "gw4":
            return gateway
        if what[0] == "dhcp4":
            return True
        raise ValueError("unexpected key")

    def scan(self):
        if not self._active:
            raise OSError("STA must be active")
        point = _access_point()
        if not point["up"]:
            return []
        return [(point["ssid"].encode(), b"\x02sim\x00\x01", 6, -57, 3 if point["password"] else 0, False)]

    def _set(self, name, value):
        if name in ("ssid", "key", "security", "hidden", "max_clients"):
            raise OSError("AP required")
        if name == "hostname":
            hostname(value)
            return
        if name not in self._settings:
            raise ValueError("unknown config param")
        if name != "reconnects" and not self._active:
            raise OSError("Wifi Not Started")
        if name == "txpower" and not _TXPOWER_DBM[0] <= value <= _TXPOWER_DBM[1]:
            raise RuntimeError("Wifi Unknown Error 0x0102")
        if name == "pm" and value not in (self.PM_NONE, self.PM_PERFORMANCE, self.PM_POWERSAVE):
            raise RuntimeError("Wifi Unknown Error 0x0102")
        self._settings[name] = value

    def _given_up(self):
        """With reconnects=-1 the driver tries for ever and says nothing but 'connecting'."""
        limit = self._settings["reconnects"]
        return limit >= 0 and self._tries > limit

    def _step(self):
        """Lets happen what would have happened in the driver since the last call."""
        if not self._wanted:
            return
        point = _access_point()
        if self._joined:
            if not point["up"]:
                self._joined, self._reason, self._tries = False, STAT_BEACON_TIMEOUT, 1
                self._since = _time.ticks_ms()
            return
        if self._given_up() or _time.ticks_diff(_time.ticks_ms(), self._since) < _JOIN_MS:
            return
        ssid, password = self._wanted
        if not point["up"] or (ssid != point["ssid"] and point["ssid"]):
            self._reason = STAT_NO_AP_FOUND
        elif point["password"] and password != point["password"]:
            self._reason = STAT_WRONG_PASSWORD
        else:
            self._joined, self._reason = True, 0
            return
        self._tries += 1
        self._since = _time.ticks_ms()


def _access_point() -> dict:
    point = dict(_ACCESS_POINT)
    path = _chip("wifi")
    if path:
        point.update(_read_json(path))
        if point.get("heap_left") != _heap["left"]:
            import sim_memory

            _heap["left"] = point.get("heap_left")
            sim_memory.leave(_heap["left"])
    return point


def _text(value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else bytes(value).decode()
