"""The text of a QR code in; settings out: the code of a Wi-Fi network that routers and phones show, or the project's own.

    WIFI:S:my network;T:WPA;P:pass\\;word;;        fields in any order, with \\ before each \\ ; , : and "
    METERBRIDGE:{"wifi_ssid": "home", "mqtt_url": "mqtt://192.168.1.10"}        a settings file behind a word
"""

import json

from host_tools.errors import UserError

OWN = "METERBRIDGE:"
_WIFI = "WIFI:"
_ESCAPED = '\\;,:"'
_OPEN, _PERSONAL, _TOO_OLD = ("", "NOPASS"), ("WPA", "WPA2", "WPA3", "SAE", "WPA2-PSK", "WPA/WPA2"), ("WEP",)
_MAX = 8192  # characters; the largest QR code holds half


def parse(text: str) -> dict:
    """Settings by name, not yet held to the table. Raises UserError that says what is wrong, without the password."""
    text = text.strip("\r\n\t\ufeff ")
    if len(text) > _MAX:
        raise UserError(f"the QR code's text has more than {_MAX} characters: that is none")
    if text[: len(_WIFI)].upper() == _WIFI:
        return _wifi(text[len(_WIFI) :])
    if text[: len(OWN)].upper() == OWN:
        return _own(text[len(OWN) :])
    raise UserError("the QR code's text begins neither with WIFI: nor with METERBRIDGE:; a good example: WIFI:S:my network;T:WPA;P:my password;;")


def own_text(values: dict) -> str:
    """The text of the project's own QR code with these settings, secrets and all."""
    return OWN + json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def wifi_text(ssid: str, password: str) -> str:
    """The text of the QR code with which a phone joins a network; an empty password is an open one."""
    kind = f"T:WPA;S:{_escape(ssid)};P:{_escape(password)}" if password else f"T:nopass;S:{_escape(ssid)}"
    return f"{_WIFI}{kind};;"


def _escape(text: str) -> str:
    return "".join("\\" + char if char in _ESCAPED else char for char in text)


def _own(text: str) -> dict:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UserError("the QR code's text is cut or damaged: behind METERBRIDGE: stands a JSON object with settings")
    return values


def _fields(text: str) -> dict[str, str]:
    """Field by its letter; a backslash takes the next character as it is. A text in quotes is meant literally and loses them."""
    found: dict[str, str] = {}
    name, value, in_value, quoted, at = "", "", False, False, 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            if at + 1 == len(text):
                raise UserError("the QR code's text is cut: it ends in a backslash")
            char, at = text[at + 1], at + 1
        elif char == ":" and not in_value:
            in_value, quoted, char = True, text[at + 1 : at + 2] == '"', ""
        elif char == ";":
            if name.upper() in found:
                raise UserError(f"the QR code's text has {name.upper()}: twice; a ; in a name or a password is written \\;")
            if in_value:
                found[name.upper()] = value[1:-1] if quoted and len(value) > 1 and text[at - 1] == '"' and text[at - 2] != "\\" else value
            name, value, in_value, char = "", "", False, ""
        if in_value:
            value += char
        else:
            name += char
        at += 1
    if in_value:
        found.setdefault(name.upper(), value)
    return found


def _wifi(text: str) -> dict:
    fields = _fields(text)
    kind, password = fields.get("T", "").upper(), fields.get("P", "")
    if not fields.get("S"):
        raise UserError("the QR code's text names no network: S: is missing; a good example: WIFI:S:my network;T:WPA;P:my password;;")
    if kind in _TOO_OLD:
        raise UserError("the network is protected by WEP, which is broken and which an ESP32 does not speak: set the router to WPA2")
    if kind not in _OPEN + _PERSONAL:
        raise UserError(f"the network wants {kind[:20]}, a log-in of its own for each user: the dongle needs one with a plain password (WPA2, WPA3)")
    if kind in _PERSONAL and not password:
        raise UserError("the QR code's text has no password: P: is missing, and the network is protected")
    return {"wifi_ssid": fields["S"], "wifi_password": "" if kind == "NOPASS" else password}
