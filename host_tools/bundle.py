"""Updates as one signed file: the firmware's files, a version and an RSA-3072 key in, the bytes that a dongle takes out. The form: bridge/update/receiver.py."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from host_tools import build, runtime
from host_tools.errors import FAILED, UserError

BITS = 3072  # as strong as AES-128; what the firmware expects
_HEAD = b"meterbridge-update 1 %d\n"
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
_BOARD = "generic-esp32"  # the files of a slot are the same for all


@dataclass(frozen=True)
class Bundle:
    """What a bundle says of itself: `version`, `boards` ("*": all), the path, size and SHA-256 of each file, and whether `signed` by the key asked for."""

    version: str
    boards: tuple[str, ...]
    files: tuple[tuple[str, int, str], ...]
    signed: bool


def firmware() -> tuple[str, dict[str, bytes]]:
    """(version, contents by path) of this firmware."""
    built = build.build(_BOARD)
    found = re.search(r'^VERSION = "([^"]+)"', (runtime.FIRMWARE / "bridge" / "app.py").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1), {file.name: file.path.read_bytes() for file in built if file.name.startswith("bridge/")}


def make(version: str, files: dict[str, bytes], key, boards: tuple[str, ...] = ("*",)) -> bytes:
    """The bundle. Files come in the order of their names, `app` last: a slot is whole once it is there."""
    if not _VERSION.fullmatch(version):
        raise UserError(f"version {version!r} is not of the form 1.2.3")
    names = sorted((name for name, data in files.items() if data), key=lambda name: (name.startswith("bridge/app."), name))
    lines = [f"version {version}", f"mpy {build.MPY_VERSION}", "boards " + " ".join(boards)]
    lines += [f"file {len(files[name])} {hashlib.sha256(files[name]).hexdigest()} {name}" for name in names]
    manifest = "".join(line + "\n" for line in lines).encode()
    return _HEAD % len(manifest) + manifest + sign(key, manifest) + b"".join(files[name] for name in names)


def sign(key, data: bytes) -> bytes:
    """PKCS#1 v1.5 with SHA-256."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def look(data: bytes, public: bytes | None = None) -> Bundle:
    """What a bundle says, once it is whole and each file has its hash; UserError for what is none."""
    head, _, rest = data[:64].partition(b"\n")
    found = re.fullmatch(rb"meterbridge-update 1 (\d{1,6})", head)
    if not found:
        raise UserError("this is no update of meterbridge: 'meterbridge release' makes one")
    start = len(head) + 1
    end = start + int(found.group(1))
    manifest, signature = data[start:end], data[end : end + BITS // 8]
    rows = [line.split(" ") for line in manifest.decode("ascii", "replace").splitlines()]
    values = {row[0]: row[1:] for row in rows if row[0] != "file"}
    files = tuple((row[3], int(row[1]), row[2]) for row in rows if row[0] == "file" and len(row) == 4 and row[1].isdigit())
    at = end + BITS // 8
    for name, size, digest in files:
        if hashlib.sha256(data[at : at + size]).hexdigest() != digest:
            raise UserError(f"the update is damaged: {name} is not what it says", FAILED)
        at += size
    if at != len(data) or not values.get("version") or not files:
        raise UserError("the update is damaged: it is not whole", FAILED)
    return Bundle(values["version"][0], tuple(values.get("boards", ())), files, bool(public) and _right(public, manifest, signature))


def _right(public: bytes, manifest: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = rsa.RSAPublicNumbers(65537, int(public, 16)).public_key()
        key.verify(signature, manifest, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key(path: Path):
    """Makes a pair: the private key at `path`, readable by its user alone, and beside it the public one (.pub) as the dongle has it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    if path.exists():
        raise UserError(f"{path} is there already: a new key would make updates that no dongle with the old one takes. Move it away first if you mean it")
    path.parent.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    plain = serialization.NoEncryption()
    data = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    path.with_suffix(".pub").write_bytes(public(key))
    return key


def public(key) -> bytes:
    """The public half as the dongle keeps it: the modulus in hex."""
    return f"{key.public_key().public_numbers().n:x}\n".encode()


def load_key(path: Path):
    """The private key of a file. UserError when it is none that can be used."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no key yet; make one with: meterbridge release --new-key") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: this is no private key in PEM without a passphrase") from error
    if getattr(key, "key_size", 0) != BITS:
        raise UserError(f"{path}: updates are signed with RSA keys of {BITS} bits")
    return key
