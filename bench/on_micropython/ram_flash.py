"""A flash in RAM for LittleFS that counts the erases of each block: size in blocks of 4096 bytes in, a mounted file system out."""

import os
from array import array

BLOCK = 4096


class Flash:
    """`erases`: of each block since it was made."""

    def __init__(self, blocks: int):
        self._blocks = blocks
        self._data = bytearray(b"\xff" * BLOCK * blocks)
        self.erases = array("I", [0] * blocks)

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        at = block * BLOCK + offset
        buffer[:] = memoryview(self._data)[at : at + len(buffer)]

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        at = block * BLOCK + offset
        memoryview(self._data)[at : at + len(buffer)] = buffer
        return 0

    def ioctl(self, request: int, argument: int) -> int:
        if request == 4:
            return self._blocks
        if request == 5:
            return BLOCK
        if request == 6:
            self.erases[argument] += 1
        return 0


def mounted(blocks: int, where: str) -> Flash:
    """A new flash with an empty LittleFS, as on a board, at `where`."""
    flash = Flash(blocks)
    os.VfsLfs2.mkfs(flash)
    os.mount(os.VfsLfs2(flash), where)
    return flash
