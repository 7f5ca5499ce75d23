"""Who may enter: the file with the access point's password and the token's SHA-256 in and out; new ones made of the chip's random numbers.

A token is 128 random bits in 26 letters and digits of RFC 4648's base 32, shown in groups: ABCD-EFGH-... Case, spaces and dashes do not count.
"""

import json
import os
from binascii import hexlify, unhexlify
from hashlib import sha256

from micropython import const

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TOKEN = const(26)  # characters
_PASSWORD = const(12)  # characters, 60 bits: WPA2 wants 8 to 63
_GROUP = const(4)
_LONGEST = const(64)  # of a token as it is typed
_MAX_FILE = const(512)


def digest_of(token: bytes) -> bytes:
    """SHA-256 of a token as it was typed."""
    plain = token[:_LONGEST].upper().replace(b"-", b"").replace(b" ", b"")
    return sha256(plain).digest()


def load(path: str):
    """(digest of the token, password of the access point); None where there is no such file or it is damaged."""
    try:
        with open(path) as file:
            found = json.loads(file.read(_MAX_FILE))
        digest = unhexlify(found["token"])
        return (digest, found["ap_password"]) if len(digest) == 32 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def renew(path: str, password: str = "") -> tuple:
    """Makes a new token, and a password where none is given; writes the file. (token, password) to be shown once. OSError from the flash."""
    token = _random(_TOKEN)
    password = password or _random(_PASSWORD).lower()
    text = json.dumps({"ap_password": password, "token": hexlify(digest_of(token.encode())).decode()})
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)
    return token, password


def _random(count: int) -> str:
    """So many characters in groups; each takes 5 bits of a random byte."""
    text = ""
    for at, byte in enumerate(os.urandom(count)):
        text += ("-" if at and at % _GROUP == 0 else "") + _LETTERS[byte & 31]
    return text
