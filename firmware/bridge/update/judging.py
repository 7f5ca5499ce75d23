"""Whether an update is for this device: the lines of a manifest whose signature is right, and what runs here, in; its version and size in blocks of flash out."""

import sys

from micropython import const

from bridge.core.errors import BridgeError

_MAX_LINE = const(200)
_MAX_FILES = const(400)  # there are some 150
_MAX_FILE = const(65536)
_MAX_BLOCKS = const(256)  # 1 MB; a slot takes some 400 KB with its small files
_BLOCK = const(4096)
_ALLOWED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"
_FIRST = "bridge/"


def judge(lines, board: str, runs: str, force) -> tuple:
    """(version, blocks of 4096 bytes). BridgeError for another board or MicroPython, an older version (unless `force`), whatever is no such list."""
    version = ""
    files = blocks = 0
    fits = [False, False]
    line = lines.readline()
    while line:
        words = line.decode().split() if len(line) <= _MAX_LINE else []
        kind = words[0] if len(words) > 1 else ""
        if kind == "version":
            version = words[1]
        elif kind == "mpy":
            fits[0] = words[1] == str(getattr(sys.implementation, "_mpy", 0) & 255)
        elif kind == "boards":
            fits[1] = "*" in words or board in words
        elif kind == "file" and len(words) == 4:
            blocks += 1 + _size(words) // _BLOCK
            files += 1
        else:
            raise BridgeError("its list of files has a line that is not understood")
        line = lines.readline()
    if not fits[1]:
        raise BridgeError("it is not for this board (%s)" % board)
    if not fits[0]:
        raise BridgeError("it is for another MicroPython: flash the dongle with 'meterbridge flash'")
    if not 0 < files <= _MAX_FILES or blocks > _MAX_BLOCKS:
        raise BridgeError("it has %d files of %d KB: that is no firmware of meterbridge" % (files, blocks * _BLOCK // 1024))
    if force is None and number(version) == number(runs):
        raise BridgeError("")
    if number(version) < number(runs) and not force:
        raise BridgeError("it is version %s, and %s runs: an older one is taken only when it is forced" % (version, runs))
    return version, blocks


def number(version: str) -> list:
    """"1.10.2" as [1, 10, 2]. BridgeError for what is no version."""
    parts = version.split(".")
    for part in parts:
        if not part.isdigit() or len(part) > 6:
            raise BridgeError("it has no version")
    return [int(part) for part in parts]


def _size(words: list) -> int:
    """Bytes of a file whose line is as it must be."""
    _, size, digest, name = words
    good = size.isdigit() and len(size) < 6 and 0 < int(size) <= _MAX_FILE and len(digest) == 64
    for char in name.encode():
        good = good and char in _ALLOWED
    if not good or name[: len(_FIRST)] != _FIRST or "//" in name or "/." in name or name[-1] == "/":
        raise BridgeError("its list of files has a file that is not understood")
    return int(size)
