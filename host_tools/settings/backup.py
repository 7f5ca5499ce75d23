"""A file that holds a dongle's settings, to keep or to give to another: settings in, JSON out, and back; docs/settings.md tells the format.

Secrets are left out and named, or encrypted under a passphrase (scrypt, AES-256-GCM, which also proves that nobody changed the rest
of the settings), or written as they are where the owner wants that.
"""

import base64
import binascii
import json
import os
import re
import time
import unicodedata

from host_tools.errors import FAILED, UserError
from host_tools.settings import table

FORMAT = 1
LEFT_OUT, SEALED, PLAIN = "left out", "sealed", "plain"
MIN_PASSPHRASE = 8  # characters
_WORD = "meterbridge settings"
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}  # 32 MB, a tenth of a second: a guess costs as much
_MOST = {"n": 1 << 20, "r": 16, "p": 4}  # of a file that may come from anywhere
_KEY, _CHECK, _SALT, _NONCE = 32, 8, 16, 12  # bytes
_MAX_FILE = 1 << 20
_WARNING = "this file holds passwords as plain text: whoever reads it can use them"


def to_text(values: dict, device: str, how: str = LEFT_OUT, passphrase: str = "") -> str:
    """The file's text. `values`: what is set, secrets too; those at their defaults are added, so that an import brings all of it back."""
    effective = {name: row[1] for name, row in table.rows().items()} | table.checked(values)[0]
    settings = {name: value for name, value in effective.items() if not table.is_secret(name)}
    hidden = {name: value for name, value in effective.items() if table.is_secret(name) and value}
    head = {"format": f"{_WORD} {FORMAT}", "device": device, "exported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    if how == PLAIN:
        head |= {"warning": _WARNING, "settings": settings, "plain_secrets": hidden}
    elif how == SEALED:
        head |= {"settings": settings, "sealed_secrets": _seal(hidden, passphrase, settings)}
    else:
        head |= {"settings": settings, "left_out": sorted(name for name in table.secrets() if values.get(name))}
    return json.dumps(head, ensure_ascii=False, indent=1) + "\n"


def is_sealed(document: dict) -> bool:
    """Whether a passphrase is needed."""
    return "sealed_secrets" in document


def read(data: bytes, name: str) -> dict:
    """The document of a file's bytes. Raises UserError for what is no export of a version that is known here."""
    try:
        document = json.loads(data[: _MAX_FILE + 1].decode("utf-8-sig")) if len(data) <= _MAX_FILE else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UserError(f"{name} is damaged or no export of settings; nothing was changed")
    found = re.fullmatch(_WORD + r" (\d{1,9})", str(document.get("format")))
    if not found:
        raise UserError(f"{name} is no export of settings (no \"format\" in it); a settings file is given with --config; nothing was changed")
    if int(found.group(1)) > FORMAT:
        raise UserError(f"{name} was made by a newer meterbridge (format {found.group(1)}, known here is {FORMAT}): update this one; nothing was changed")
    parts = [document.get("settings"), document.get("plain_secrets", {}), document.get("sealed_secrets", {})]
    if not all(isinstance(part, dict) for part in parts):
        raise UserError(f"{name} is damaged: a part of it is missing; nothing was changed")
    return document


def values(document: dict, name: str, passphrase: str = "") -> dict:
    """All settings of a document, held to the firmware's table; secrets that it leaves out are not in them. UserError when it cannot be used."""
    found = dict(document["settings"])
    hidden = document.get("plain_secrets", {})
    if is_sealed(document):
        hidden = _open(document["sealed_secrets"], passphrase, found, name)
    return table.must_be_good(found | hidden, name)


def _key(passphrase: str, salt: bytes, cost: dict) -> tuple[bytes, bytes]:
    """(the key, what tells a wrong passphrase from a damaged file)."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")  # systems differ in how they write an accent
    made = Scrypt(salt=salt, length=_KEY + _CHECK, **cost).derive(text)
    return made[:_KEY], made[_KEY:]


def _bound(settings: dict) -> bytes:
    """What the encryption proves to be unchanged beside the secrets: where a password would be sent to."""
    return json.dumps([_WORD, FORMAT, settings], sort_keys=True, separators=(",", ":")).encode()


def _seal(hidden: dict, passphrase: str, settings: dict) -> dict:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    key, check = _key(passphrase, salt, _SCRYPT)
    data = AESGCM(key).encrypt(nonce, json.dumps(hidden).encode(), _bound(settings))
    octets = {"salt": salt, "check": check, "nonce": nonce, "data": data}
    return {"cipher": "scrypt aes-256-gcm", **_SCRYPT, **{name: base64.b64encode(value).decode() for name, value in octets.items()}}


def _open(sealed: dict, passphrase: str, settings: dict, name: str) -> dict:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    damaged = UserError(f"{name} is damaged: its secrets cannot be opened; nothing was changed", FAILED)
    try:
        octets = {part: base64.b64decode(sealed[part], validate=True) for part in ("salt", "check", "nonce", "data")}
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise damaged from error
    cost = {part: sealed.get(part) for part in _SCRYPT}
    sizes = len(octets["salt"]), len(octets["check"]), len(octets["nonce"])
    sensible = all(isinstance(cost[part], int) and 1 <= cost[part] <= _MOST[part] for part in cost)
    if not sensible or cost["n"] < 2 or cost["n"] & (cost["n"] - 1) or sizes != (_SALT, _CHECK, _NONCE) or sealed.get("cipher") != "scrypt aes-256-gcm":
        raise damaged
    key, check = _key(passphrase, octets["salt"], cost)
    if check != octets["check"]:
        raise UserError(f"{name}: this is not its passphrase; nothing was changed", FAILED)
    try:
        found = json.loads(AESGCM(key).decrypt(octets["nonce"], octets["data"], _bound(settings)))
    except InvalidTag as error:
        raise UserError(f"{name} was damaged or changed since it was made: the passphrase is right, and the proof is not; nothing was changed", FAILED) from error
    return found
