"""Verifies the signature of an update again and again: a number of times, a key file and a bundle in, nothing out."""

import sys
from hashlib import sha256

from bridge.update.signature import BYTES, load, right


def main(repetitions: int, key_file: str, path: str) -> None:
    key = load(key_file)
    with open(path, "rb") as file:
        size = int(file.readline().split()[2])
        digest = sha256(file.read(size)).digest()
        signature = file.read(BYTES)
    for _ in range(repetitions):
        if not right(key, signature, digest):
            raise SystemExit("the signature is not right")


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
