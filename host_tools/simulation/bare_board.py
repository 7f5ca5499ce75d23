"""A board as it comes in the post, on a serial port that is none: a chip and its flash in, a port (a pseudo-terminal's path) for real esptool and mpremote out.

It starts what is in its flash: nothing, or, where an image of MicroPython is, the virtual board. A pseudo-terminal has no DTR and RTS
lines: what a tool would do with them is `enter_loader()` and `press_reset()`.
"""

import contextlib
import os
import random
import select
import shutil
import threading
import tty
from dataclasses import dataclass
from pathlib import Path

from host_tools.simulation.nor_flash import NorFlash
from host_tools.simulation.rom_loader import FLASH_BEGIN, FLASH_DATA, RomLoader
from host_tools.simulation.virtual_board import VirtualBoard
from host_tools.simulation.wiring import make_line

FILES_AT = 0x20_0000  # in the flash: where an image for 4 MB keeps its files
_IMAGE = 0xE9  # how what a chip starts begins
_USED = b"littlefs"  # put there at the first start, so that the next finds its files
_PIECE = 4096
_NOTHING = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n" * 3


@dataclass
class Faults:
    """`damage`, `loss`: of so many bytes of flash data towards the chip one is wrong or missing; `unplug_after`: bytes of
    flash data after which the cable is out; `silent`: no answer, as from a chip that is not in its loader.
    """

    damage: int = 0
    loss: int = 0
    unplug_after: int = 0
    silent: bool = False


class BareBoard:
    """`port` is what to give to a tool; `loader`, `flash`, `board` are its parts. A context manager; `unplug()` takes the cable out, `plug()` puts it back."""

    def __init__(self, folder: Path, chip: str = "esp32", megabytes: int = 4, stub: bool = True, faults: Faults | None = None, wired: dict | None = None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flash = NorFlash(self.folder / "chip.bin", megabytes)
        self.loader = RomLoader(chip, self.flash, stub=stub)
        self.faults = faults or Faults()
        self.board: VirtualBoard | None = None
        self.in_loader = True
        self.data_bytes = 0  # of flash data since it was made
        self.port = ""
        self._wired = wired
        self._random = random.Random(4711)
        self._lock = threading.RLock()
        self._master = self._slave = self._inner = -1
        self._thread: threading.Thread | None = None
        self._wake = os.pipe()

    def __enter__(self) -> "BareBoard":
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        self._stop_program()
        self.flash.close()
        for fd in self._wake:
            os.close(fd)

    def plug(self) -> None:
        """Puts the cable in: a port, and the power."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._live, args=(self._master,), name="bare board", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Takes it out: a tool that has the port open finds that it is gone."""
        with self._lock:
            master, self._master = self._master, -1
        if master < 0:
            return
        os.close(self._slave)
        os.write(self._wake[1], b".")
        if self._thread is not threading.current_thread():
            self._thread.join()
        os.close(master)

    # the lines that a pseudo-terminal lacks ----------------------------------------------------------------------------

    def enter_loader(self) -> None:
        """Reset with the boot button held."""
        with self._lock:
            self._stop_program()
            self.loader.reset()
            self.in_loader = True

    def press_reset(self) -> None:
        """The chip starts what its flash holds."""
        with self._lock:
            self._stop_program()
            self.in_loader = False
            if self.flash.read(self.loader.chip.offset, 1)[0] != _IMAGE:
                self._say(_NOTHING)
                return
            if self.flash.read(FILES_AT, len(_USED)) != _USED:  # erased or never used: MicroPython makes a new file system
                shutil.rmtree(self.folder / "board", ignore_errors=True)
                self.flash.program(FILES_AT, _USED)
            make_line((self._wired or {}).get("uart", ""))
            self.board = VirtualBoard(self.folder / "board", chip=self._wired).start()
            self._inner = os.open(self.board.port, os.O_RDWR | os.O_NOCTTY)
            os.write(self._wake[1], b".")

    def _stop_program(self) -> None:
        with self._lock:
            if self.board:
                os.close(self._inner)
                self._inner = -1
                self.board.stop()
                self.board = None

    # bytes both ways ---------------------------------------------------------------------------------------------------

    def _live(self, master: int) -> None:
        while self._master == master:
            inner = self._inner
            try:
                ready = select.select([master, self._wake[0]] + ([inner] if inner >= 0 else []), [], [], 1)[0]
            except (OSError, ValueError):
                continue  # the program's end has just been closed
            if self._wake[0] in ready:
                os.read(self._wake[0], _PIECE)
            with self._lock, contextlib.suppress(OSError):
                if inner in ready and inner == self._inner:
                    self._say(os.read(inner, _PIECE))
                if master in ready and master == self._master:
                    self._take(os.read(master, _PIECE))

    def _take(self, data: bytes) -> None:
        if self._inner >= 0:
            os.write(self._inner, data)
        elif self.in_loader and not self.faults.silent:
            writing = self.loader.asked[-1:] and FLASH_BEGIN <= self.loader.asked[-1] <= FLASH_DATA or self.loader.asked[-1:] in ([0x10], [0x11])
            if writing:
                data = self._spoil(data)
            for answer in self.loader.feed(data):
                self._say(answer)
            if self.loader.running:
                self.press_reset()

    def _spoil(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            self.data_bytes += 1
            if self.faults.unplug_after and self.data_bytes >= self.faults.unplug_after:
                self.faults.unplug_after = 0
                self.unplug()
                return b""
            if self.faults.damage and self.data_bytes % self.faults.damage == 0:
                byte ^= 1 << self._random.randrange(8)
            if not self.faults.loss or self.data_bytes % self.faults.loss:
                out.append(byte)
        return bytes(out)

    def _say(self, data: bytes) -> None:
        while data and self._master >= 0:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                if not select.select([], [self._master], [], 0.5)[1]:
                    return  # nobody reads: a serial line waits for nobody
            except OSError:
                return
