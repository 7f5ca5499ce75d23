"""The simulated chip's flash: an image file in, a block device for `os.VfsLfs2` out; strict as the real one, and able to fail as it does.

Beside the image lies IMAGE.wear, little-endian words: programs, erases, power cuts, bytes programmed, then the erases of each block.
A control file, looked at before each step, says what goes wrong. A step is one program or one erase, counted since the image was made.

    {"die_at": 120, "cuts": 0, "arrives": "half"}   at that step the power goes, if it went so often before: "none", "half", "most" is done
    {"bad": [7, 8]}                                 blocks that nothing can be written to: silently, as on the chip; LittleFS reads back
    {"error": 5}                                    each step fails with this number (EIO)
"""

import json
import os
import struct

from micropython import const

BLOCK = const(4096)  # bytes that an ESP32's flash erases at once
_HEAD = const(16)  # bytes before the erases of each block in the wear file
_ERASED = b"\xff" * 128  # the most that LittleFS programs at once as MicroPython sets it up


class FlashImage:
    """`path`: the file, made when it is not there; `blocks`: how many of BLOCK bytes; `control`: path of the control file or None."""

    def __init__(self, path: str, blocks: int, control=None):
        self._blocks = blocks
        self._control = control
        self._stat = None
        self._faults = {}
        self._image = _opened(path, blocks * BLOCK, _ERASED)
        self._wear = _opened(path + ".wear", _HEAD + 4 * blocks, bytes(4))
        self._programs, self._erases, self._cuts, self._bytes = struct.unpack("<IIII", self._wear.read(_HEAD))

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        self._image.seek(block * BLOCK + offset)
        self._image.readinto(buffer)

    def writeblocks(self, block: int, buffer, offset: int) -> int:
        """Programs: clears bits of bytes that are erased. Anything else is a fault of who asks for it."""
        size = len(buffer)
        self._image.seek(block * BLOCK + offset)
        if self._image.read(size).count(b"\xff") != size:
            raise RuntimeError("flash: block %d is programmed at %d without having been erased" % (block, offset))
        self._programs += 1
        self._bytes += size
        part = self._fate(size, 1)
        if part < 0 or block in self._faults.get("bad", ()):
            return min(part, 0)
        self._image.seek(block * BLOCK + offset)
        self._image.write(buffer if part == size else memoryview(buffer)[:part])
        return self._step(part == size)

    def ioctl(self, request: int, argument: int) -> int:
        if request == 4:
            return self._blocks
        if request == 5:
            return BLOCK
        return self._erase(argument) if request == 6 else 0

    def _erase(self, block: int) -> int:
        self._erases += 1
        place = _HEAD + 4 * block
        self._wear.seek(place)
        count = struct.unpack("<I", self._wear.read(4))[0]
        self._wear.seek(place)
        self._wear.write(struct.pack("<I", count + 1))
        part = self._fate(BLOCK, len(_ERASED))
        if part < 0 or block in self._faults.get("bad", ()):
            return min(part, 0)
        self._image.seek(block * BLOCK)
        for _ in range(part // len(_ERASED)):
            self._image.write(_ERASED)
        return self._step(part == BLOCK)

    def _fate(self, size: int, least: int) -> int:
        """How many of a step's bytes get done; the negative error number when it fails. `least`: what is missing of "most"."""
        if self._control:
            self._look()
        faults = self._faults
        if faults:
            if faults.get("error"):
                return -faults["error"]
            if faults.get("cuts") == self._cuts and self._programs + self._erases >= faults["die_at"]:
                return {"none": 0, "half": size // 2, "most": size - least}[faults["arrives"]]
        return size

    def _step(self, whole: bool) -> int:
        """Writes the counts down; where the step was not done as a whole, this is the end."""
        if not whole:
            self._cuts += 1
        self._wear.seek(0)
        self._wear.write(struct.pack("<IIII", self._programs, self._erases, self._cuts, self._bytes))
        if not whole:
            print("flash: the power is cut at step %d" % (self._programs + self._erases))
            os.system("kill -9 $PPID")  # at once: an exception would let programs clean up first
        return 0

    def _look(self) -> None:
        try:
            stat = os.stat(self._control)
        except OSError:
            self._faults = {}
            return
        if self._stat is None or (stat[1], stat[6], stat[8]) != self._stat:  # a file that is replaced is another one
            self._stat = (stat[1], stat[6], stat[8])
            with open(self._control) as file:
                self._faults = json.load(file)


def volume(flash: FlashImage):
    """The file system on `flash`. One that is not there, or damaged, is made anew; of a damaged one a line says so."""
    try:
        return os.VfsLfs2(flash)
    except OSError as error:
        start = bytearray(16)
        flash.readblocks(0, start)
        if start != b"\xff" * 16:
            print("flash: no file system can be mounted (error %d): made a new one of %d KB" % (error.errno, flash.ioctl(4, 0) * BLOCK // 1024))
    os.VfsLfs2.mkfs(flash)
    return os.VfsLfs2(flash)


def mount(where: str) -> None:
    """Mounts the flash that the MB_SIM file describes ("flash": {"image": path, "kb": size, "control": path}), if it does."""
    from sim_chip import chip

    told = chip("flash")
    if told:
        os.mount(volume(FlashImage(told["image"], told["kb"] * 1024 // BLOCK, told.get("control"))), where)


def _opened(path: str, size: int, fill: bytes):
    """The file, of at least `size` bytes; what is missing is filled up."""
    try:
        file = open(path, "r+b")
    except OSError:
        file = open(path, "w+b")
    for _ in range((size - file.seek(0, 2)) // len(fill)):
        file.write(fill)
    file.seek(0)
    return file
