"""RSA signatures of updates: a key's modulus, a signature and a SHA-256 in, whether they belong together out. PKCS#1 v1.5 (RFC 8017, 8.2.2), e = 65537."""

from micropython import const

BYTES = const(384)  # RSA-3072: as strong as AES-128
_EXPONENT = const(65537)
_HEAD = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"  # DigestInfo of SHA-256 (RFC 8017, 9.2)
_LONGEST = const(1024)  # characters of a key file


def load(path: str) -> int:
    """The modulus in a file of hex digits; 0 when there is none, or no key of that size."""
    try:
        with open(path, "rb") as file:
            key = int(str(file.read(_LONGEST), "utf-8").strip(), 16)
    except (OSError, ValueError):
        return 0
    return key if key >> (8 * BYTES - 1) == 1 else 0


def right(key: int, signature: bytes, digest: bytes) -> bool:
    """Whether the owner of that key signed what has this SHA-256. Takes a tenth of a second or two."""
    number = int.from_bytes(signature, "big")
    if not key or len(signature) != BYTES or number >= key:
        return False
    found = pow(number, _EXPONENT, key).to_bytes(BYTES, "big")
    return found == b"\x00\x01" + b"\xff" * (BYTES - 3 - len(_HEAD) - len(digest)) + b"\x00" + _HEAD + digest
