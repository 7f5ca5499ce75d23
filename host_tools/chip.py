"""An ESP32 in its loader, through esptool: a port in; which chip with which flash, what is in it, an image written and verified out. Trouble is one UserError."""

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterator

from host_tools import images
from host_tools.device import why_not
from host_tools.errors import FAILED, MISSING, UserError

_FAST = 460_800  # baud; what cheap USB bridges do over a good cable
_PLAIN = 115_200
_ATTEMPTS = 3  # to reach the loader; each resets the chip in two ways and waits for seconds
_SILENCE_S = 3.0  # a program in the chip's RAM reports within milliseconds
_WAYS = ((True, _FAST), (True, _PLAIN), (False, _PLAIN))  # (with esptool's program in RAM, baud): each next is slower and gentler
_BUTTON = (
    "hold the board's BOOT button (also called 0, FLASH or IO0), press RESET (or EN) shortly, let BOOT go, and run the same command again. "
    "On a board without buttons, plug it in anew while GPIO 0 (ESP32-C3: GPIO 9) is held to GND"
)
Progress = Callable[[int, int], None]


class Chip:
    """The chip at `port`, in its loader; a context manager that lets go of the port. `name` as in boards/, `mac`, `flash_bytes`.

    `way` is how it is talked to, the first of `_WAYS` that works.
    """

    def __init__(self, port: str, way: int = 0):
        self.port, self.way = port, way
        self._log = _quiet()
        self._esp = None
        self.open()

    def __enter__(self) -> "Chip":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Reaches the loader in the first way that works, from `way` on."""
        while True:
            try:
                with self._guard("talking to the chip"):
                    self._connect()
                return
            except UserError as error:
                self.close()
                if not isinstance(error.__cause__, _fatal()) or self._esp is None or self.way + 1 >= len(_WAYS):
                    raise
                # A program that does not start in the chip's RAM does not start at another speed either.
                self.way = len(_WAYS) - 1 if "stub" in self._log.last else self.way + 1

    def _connect(self) -> None:
        from esptool.cmds import attach_flash, detect_chip, detect_flash_size, run_stub
        from esptool.util import FatalError, flash_size_bytes

        self._esp = None
        try:
            self._esp = detect_chip(self.port, baud=_PLAIN, connect_attempts=_ATTEMPTS)
        except FatalError as error:
            if "Could not open" in str(error):
                raise UserError(why_not(self.port), FAILED) from error
            raise UserError(f"{self.port}: no ESP32 answers. Is it this port? If it is, {_BUTTON}", FAILED) from error
        self.name = self._esp.CHIP_NAME.lower().replace("-", "")
        if self.name not in images.OFFSETS:
            raise UserError(f"{self.port}: this is an {self._esp.CHIP_NAME}; there are boards for {', '.join(images.OFFSETS)}")
        if self._esp.secure_download_mode:
            raise UserError(f"{self.port}: this chip is locked (secure download mode); it takes only what its maker signed")
        self._esp._port.timeout = _SILENCE_S  # esptool would wait for ever for a program in RAM that never reports
        self.mac = bytes(self._esp.read_mac())
        stub, baud = _WAYS[self.way]
        if stub:
            self._esp = run_stub(self._esp)
            if baud != _PLAIN:
                self._esp.change_baud(baud)
        attach_flash(self._esp)
        size = detect_flash_size(self._esp)
        if not size:
            raise UserError(f"{self.port}: the size of the flash cannot be read: is it soldered well, is the supply strong enough?", FAILED)
        self.flash_bytes = flash_size_bytes(size)
        self._esp.flash_set_parameters(self.flash_bytes)

    def close(self) -> None:
        """Lets go of the port; the chip stays in its loader."""
        if self._esp is not None:
            with contextlib.suppress(OSError):
                self._esp._port.close()

    def restart(self) -> None:
        """Starts what is in the flash, and lets go of the port."""
        with self._guard("restarting the chip"):
            # The chips' own USB has no reset line; theirs is the watchdog, as the loader stays in charge otherwise.
            if self._esp.WATCHDOG_RESET_SUPPORTED and self._esp.get_usb_mode() is not None:
                self._esp.watchdog_reset()
            else:
                self._esp.hard_reset()
        self.close()

    def holds(self, image: images.Image) -> bool:
        """Whether the flash has this image already, by the hash that the chip makes of it."""
        with self._guard("comparing the flash"):
            return all(self._esp.flash_md5sum(at, len(data)) == hashlib.md5(data).hexdigest() for at, data in image.constant())

    def what_is_there(self) -> tuple[str, str] | None:
        """(project, version) of what the chip starts, ("", "") when it does not say, None when the flash is empty there."""
        with self._guard("reading the flash"):
            begin = images.OFFSETS[self.name]
            if self._read(begin, 4) == b"\xff" * 4:
                return None
            for kind, at, _ in images.partitions(self._read(images.TABLE_AT, 512)):
                if kind == 0 and (found := images.description(self._read(at, 256))):
                    return found
            return "", ""

    def _read(self, at: int, count: int) -> bytes:
        return self._esp.read_flash(at, count, None) if self._esp.IS_STUB else self._esp.read_flash_slow(at, count, None)

    def erase(self) -> None:
        """Erases all of the flash."""
        from esptool.cmds import erase_flash

        with self._guard("erasing"):
            if self._esp.IS_STUB:
                erase_flash(self._esp)
                return
            # The ROM's loader erases only what it then writes: one byte in each megabyte's place.
            for at in range(0, self.flash_bytes, 1 << 20):
                self._esp.flash_begin(1 << 20, at, logging=False)

    def write(self, image: images.Image, tell: Progress) -> None:
        """Writes an image and has the chip compare; `tell` gets (bytes so far, all). Goes to a gentler way when the line is bad."""
        while True:
            try:
                with self._guard("writing"):
                    self._log.tell = lambda done, all_: tell(len(image.data) * done // max(all_, 1), len(image.data))
                    self._write(image)
                return
            except UserError as error:
                if not isinstance(error.__cause__, _fatal()) or self.way + 1 >= len(_WAYS):
                    raise
                self.close()
                print(f"\nthe line is not good at this speed ({self._log.last or 'no answer'}); once more, slower", flush=True)
                self.way += 1
                self.open()
            finally:
                self._log.tell = None

    def _write(self, image: images.Image) -> None:
        from esptool.cmds import write_flash

        # A serial error is for us to tell: esptool would wait many seconds for a cable that is out.
        self._esp.WRITE_FLASH_ATTEMPTS = 1
        write_flash(self._esp, [(image.offset, image.data)])

    @contextlib.contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        """What esptool and the port refuse becomes one line."""
        import serial

        try:
            yield
        except _fatal() as error:
            self._log.last = str(error).strip().splitlines()[0]
            raise UserError(f"{self.port}: {doing} did not work ({self._log.last}). Run the same command again; a shorter cable or another USB port helps", FAILED) from error
        except (serial.SerialException, OSError, *_terminal_errors()) as error:
            raise UserError(f"{self.port}: the board was pulled out while {doing}. Plug it in and run the same command again, it continues", FAILED) from error


def _terminal_errors() -> tuple[type[Exception], ...]:
    """What a port that is gone raises beside OSError where there are terminals."""
    try:
        from termios import error
    except ImportError:
        return ()
    return (error,)


def _fatal() -> type[Exception]:
    """What esptool raises where a chip or a line fails."""
    from esptool.util import FatalError

    return FatalError


@functools.cache
def _quiet():
    """esptool's words go nowhere but to what asks for its progress."""
    try:
        from esptool.logger import TemplateLogger, log
    except ImportError as error:
        raise UserError("esptool is not installed: run make setup, or pip install -r requirements.txt", MISSING) from error

    class Quiet(TemplateLogger):
        tell: Progress | None = None
        last = ""

        def print(self, *args, **kwargs) -> None:
            pass

        note = warning = error = stage = set_verbosity = print

        def progress_bar(self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30) -> None:
            if self.tell:
                self.tell(cur_iter, total_iters)

    quiet = Quiet()
    log.set_logger(quiet)
    return quiet
