"""Fake of the ESP32's `network`: a station and an access point of one's own, in the air that a file describes (see sim_air).

What the driver tells is told as the port tells it: a reason once given stays until an address is had, however often one connects anew, and
passes for the state of the new try where the port lets it. Joining takes some time; without a file there is an open network that takes everyone.
"""

import time as _time

import sim_air as _air
from sim_chip import chip as _chip

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
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = 210
STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211
STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = 212
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7

_LEFT = 8  # reason after disconnect()
_NO_ADDRESS = "0.0.0.0"
_SSID_BYTES = 32
_PASSWORD_BYTES = 64
_HOSTNAME_BYTES = 32
_TXPOWER_DBM = (2, 21)

_names = {"hostname": "mpy-esp32", "country": "XX"}


def hostname(*name):
    """Gets or sets the name that is told to DHCP and mDNS."""
    if not name:
        return _names["hostname"]
    if len(name[0]) > _HOSTNAME_BYTES:
        raise ValueError
    _names["hostname"] = name[0]


def country(*code):
    """Gets or sets the two letters of the regulatory domain; the port keeps them and does nothing with them."""
    if not code:
        return _names["country"]
    if len(code[0]) != 2:
        raise ValueError
    _names["country"] = code[0]


class WLAN:
    """The station, or the access point. Every call with the same number gives the same object, as on the ESP32."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = 0
    SEC_WPA2 = 3
    SEC_WPA_WPA2 = 4
    SEC_WPA3 = 6
    SEC_WPA2_WPA3 = 7

    _station = None
    _own = None

    def __new__(cls, interface_id=STA_IF):
        if interface_id == AP_IF:
            if cls._own is None:
                cls._own = made = object.__new__(cls)
                made._is_ap, made._active = True, False
                import sim_access_point

                made._ap = sim_access_point.AccessPoint(_radio)
            return cls._own
        if interface_id != STA_IF:
            raise ValueError("invalid WLAN interface identifier")
        if cls._station is None:
            cls._station = made = object.__new__(cls)
            made._is_ap = made._active = made._joined = False
            made._wanted = None  # (ssid, password, bssid)
            made._since = None  # when the attempt began
            made._point = None  # the access point that took it
            made._reason = made._tries = made._stall = 0
            made._static = None
        return cls._station

    def __init__(self, interface_id=STA_IF):
        pass

    def active(self, *up):
        if not up:
            return self._active
        self._active = bool(up[0])
        if not self._is_ap and not self._active:
            self._wanted = self._point = None
            self._joined = False
        return self._active

    def connect(self, ssid=None, password=None, *, bssid=None):
        self._need(STA_IF)
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        self._step()
        if self._wanted and not self._joined and not self._given_up():
            raise OSError("Wifi Internal State Error")  # the driver takes no settings while it is trying
        if self._point:
            raise OSError("Wifi Internal Error")  # disconnect first
        self._wanted = (_text(ssid)[:_SSID_BYTES], _text(password)[:_PASSWORD_BYTES], bssid)
        self._since = _time.ticks_ms()
        self._tries = 0

    def disconnect(self):
        self._need(STA_IF)
        if self._point or self._wanted and not self._given_up():
            self._reason = _LEFT
        self._wanted = self._point = None
        self._joined = False

    def isconnected(self):
        if self._is_ap:
            return bool(self._ap.stations())
        self._step()
        return self._joined

    def status(self, *what):
        if what == ("stations",):
            if not self._is_ap:
                raise OSError("AP required")
            return self._ap.stations()
        if what and what[0] != "rssi":
            raise ValueError("unknown status param")
        if self._is_ap:
            if what:
                raise OSError("STA required")
            return None
        self._step()
        if what:
            if not self._point:
                raise OSError("Wifi Not Connected")
            return (_air.find(self._point) or {"rssi": -127})["rssi"]
        if self._joined:
            return STAT_GOT_IP
        if self._reason in (201, 202, 210, 211, 212):
            return self._reason  # of this try, or of an earlier one
        if self._reason == 205:
            return STAT_WRONG_PASSWORD
        if self._reason == _LEFT:
            return STAT_IDLE
        if self._wanted and not self._given_up():
            return STAT_CONNECTING
        return self._reason or STAT_IDLE

    def config(self, *what, **settings):
        if what and settings:
            raise TypeError("either pos or kw args are allowed")
        if settings:
            for name, value in settings.items():
                self._set(name, value)
            if self._is_ap:
                self._ap.check(self._active)
            return None
        if len(what) != 1:
            raise TypeError("can query only one param")
        name = what[0]
        if name == "mac":
            own = bytes.fromhex(_chip("unique_id", "a1b2c3d4e5f6"))
            return own[:5] + bytes((own[5] + 1 & 255,)) if self._is_ap else own
        if name == "channel" and self._station and self._station._point:
            return self._station._point["channel"]  # there is one radio
        if name in ("txpower", "pm", "channel"):
            return _radio[name]
        if self._is_ap:
            return self._ap.value(name)
        if name in ("ssid", "essid"):
            return self._wanted[0] if self._wanted else ""
        if name == "hostname":
            return hostname()
        if name == "reconnects":
            return _radio[name]
        raise OSError("AP required") if name in ("hidden", "security", "authmode") else ValueError("unknown config param")

    def ifconfig(self, *address):
        if self._is_ap:
            return self._ap.ifconfig(*address)
        if address:
            self._static = None if address[0] == "dhcp" else _air.four(address[0])
            return None
        self._step()
        if not self._joined:
            return self._static or (_NO_ADDRESS,) * 4
        return self._static or _air.address()

    def ipconfig(self, *what, **settings):
        if what and settings or len(what) > 1 or not what and not settings:
            raise TypeError("can query only one param")
        if settings:
            self.ifconfig(_air.from_ipconfig(settings, self._static or (_NO_ADDRESS,) * 4))
            return None
        own, mask, gateway, _ = self.ifconfig()
        if what[0] == "addr4":
            return (own, mask)
        if what[0] == "gw4":
            return gateway
        if what[0] == "dhcp4":
            return not self._is_ap and self._static is None
        raise ValueError("unexpected key")

    def scan(self):
        """Stands still for as long as the air says, as on the chip."""
        if self._is_ap or not self._active:
            raise OSError("STA must be active")
        return _air.scan()

    def _need(self, interface):
        if self._is_ap == (interface == STA_IF):
            raise OSError("STA required" if interface == STA_IF else "AP required")
        if not self._active:
            raise OSError("Wifi Not Started")

    def _set(self, name, value):
        if name == "hostname":
            hostname(value)
        elif name in ("txpower", "pm"):
            if not (self._active or self._station and self._station._active):
                raise OSError("Wifi Not Started")
            low, high = _TXPOWER_DBM if name == "txpower" else (0, 2)
            if not low <= value <= high:
                raise RuntimeError("Wifi Unknown Error 0x0102")
            _radio[name] = value
        elif self._is_ap:
            self._ap.set(name, value)
        elif name in ("ssid", "essid", "key", "password", "security", "authmode", "hidden", "max_clients"):
            raise OSError("AP required")
        elif name in ("reconnects", "channel"):
            _radio[name] = value
        else:
            raise ValueError("unknown config param")

    def _given_up(self):
        """With reconnects=-1 the driver tries for ever and says nothing but 'connecting'."""
        limit = _radio["reconnects"]
        return limit >= 0 and self._tries > limit

    def _step(self):
        """Lets happen what would have happened in the driver since the last call."""
        now = _time.ticks_ms()
        if self._point:
            found = _air.find(self._point)
            if found is None or found.get("kick", 0) != self._point.get("kick", 0):
                self._lost(STAT_BEACON_TIMEOUT if found is None else found.get("kick_reason", 4), now)
            elif not self._joined and (self._static or _air.dhcp(_time.ticks_diff(now, self._since))):
                self._joined, self._reason, self._stall = True, 0, _air.told().get("stall", 0)
            return
        if not self._wanted or self._given_up() or _time.ticks_diff(now, self._since) < _air.told().get("join_ms", 80):
            return
        reason, point = _air.try_to_join(*self._wanted)
        if reason:
            self._lost(reason, now)
        else:
            self._point, self._since = point, now
            self._step()

    def _lost(self, reason, now):
        self._joined, self._point, self._reason, self._since = False, None, reason, now
        self._tries += 1


def _carries():
    """Whether what is sent arrives: an association that has gone stale carries nothing until it is made anew."""
    station = WLAN(STA_IF)
    return station.isconnected() and station._stall >= _air.told().get("stall", 0)


_radio = {"reconnects": -1, "pm": 1, "txpower": 20, "channel": 6}


def _text(value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else bytes(value).decode()
