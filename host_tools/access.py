"""Who may talk to a dongle over the network: random bytes in; the password of its access point, a token, what the dongle keeps of it, and a QR code out."""

import base64
import hashlib
import json
import secrets
import sys
from dataclasses import dataclass

_TOKEN_BYTES = 16  # 128 bits, which nobody guesses
_PASSWORD = 12  # characters: 60 bits; WPA2 wants 8 to 63
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another: no l, o, 0, 1
_GROUP = 4  # characters of a token that stand together


@dataclass(frozen=True)
class Access:
    """`token` is shown once and kept nowhere, in capitals without its dashes; `password` opens the dongle's own Wi-Fi."""

    token: str
    password: str

    @classmethod
    def new(cls) -> "Access":
        """Made by the operating system's source of randomness."""
        token = base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
        return cls(token, "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD)))

    def file(self) -> bytes:
        """/access.json of the dongle: the token's hash, not the token."""
        return json.dumps({"ap_password": self.password, "token": hashlib.sha256(self.token.encode()).hexdigest()}).encode()

    def shown(self) -> str:
        """The token as it is written down."""
        return "-".join(self.token[at : at + _GROUP] for at in range(0, len(self.token), _GROUP))


def network(mac: bytes) -> str:
    """The name of the dongle by its chip's address."""
    return "mb-" + mac.hex()[-6:]


def own_wifi(mac: bytes) -> str:
    """The name of the Wi-Fi that it opens to be set up."""
    return "meterbridge-" + mac.hex()[-6:]


def wifi_text(name: str, password: str) -> str:
    """What a phone's camera takes for "join this Wi-Fi"."""
    escaped = (("".join("\\" + letter if letter in '\\;,":' else letter for letter in part)) for part in (name, password))
    return "WIFI:T:WPA;S:{};P:{};;".format(*escaped)


def qr(text: str) -> str:
    """A QR code for the terminal, two rows of it to a line, dark on light; "" where the terminal has no such characters."""
    import segno

    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    lines = ["".join(" ▀▄█"[(not up) + 2 * (not down)] for up, down in zip(*pair, strict=True)) for pair in zip(rows[::2], rows[1::2], strict=True)]
    # A terminal is light on dark or dark on light: the colours are given, where it takes any.
    start, end = ("\033[97;40m", "\033[0m") if sys.stdout.isatty() else ("", "")
    drawn = "\n".join(f"  {start}{line}{end}" for line in lines)
    try:
        drawn.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ""
    return drawn
