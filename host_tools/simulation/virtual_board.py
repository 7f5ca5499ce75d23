"""A board on a serial port that is none: a folder or an image as its flash in, a port (a pseudo-terminal's path) for real tools out.

Behind the port runs real MicroPython with its prompt. Ctrl-C, Ctrl-D (soft reset: boot.py), machine.reset() and the watchdog (boot.py,
main.py) do what they do on a chip. With `flash_kb` the flash is a LittleFS image of that size, so that it can be full, or be cut from
power in the middle of a write; else a folder is, and an image is at /data.
"""

import contextlib
import errno
import json
import os
import selectors
import signal
import subprocess
import termios
import threading
import time
import tty
from collections import deque
from pathlib import Path

from host_tools import runtime
from host_tools.simulation.child import guarded
from host_tools.simulation.flash import Flash
from host_tools.simulation.wiring import replace_file

_OUTPUT_BYTES = 1 << 20  # of what the board ever wrote, the newest part is kept
_CHUNK = 4096
_DATA_KB = 256  # of the image at /data, where the simulated board keeps what it keeps, when its files are in a folder
RESET_CODE = 86  # exit code of the fake machine.reset()
POWER_ON, HARD_RESET, WATCHDOG_RESET, SOFT_RESET = 1, 2, 3, 5  # machine.reset_cause() of the ESP32 port
_CHIP_ID = "b0a7d1234567"

# Runs on the board's MicroPython before anything else: makes "/" the flash, then does what the chip's start does.
_START = """
import os, sys
flash_kb, image, folder, fakes, hard, control = {flash_kb}, {image!r}, {folder!r}, {fakes!r}, {hard}, {control!r}
sys.path.insert(0, fakes)
from sim_flash import FlashImage, volume
class Whole(FlashImage):
    # On a chip Ctrl-C never comes in the middle of LittleFS' own code, which cannot be left there: it waits until that is done.
    def _whole(self, do, *words):
        while True:
            try:
                return do(*words)
            except KeyboardInterrupt:
                os.system('(sleep 0.05; kill -2 $PPID) &')
    def readblocks(self, *words):
        return self._whole(super().readblocks, *words)
    def ioctl(self, *words):
        return self._whole(super().ioctl, *words)
    def writeblocks(self, block, buffer, offset):
        old = bytearray(len(buffer))
        self.readblocks(block, old, offset)
        return self._whole(self._again, super().writeblocks, old, block, buffer, offset)
    def _again(self, write, old, block, buffer, offset):
        self._image.seek(block * 4096 + offset)
        self._image.write(old)
        return write(block, buffer, offset)
device = Whole(image, (flash_kb or {data_kb}) // 4, control)
flash = volume(device)
if flash_kb:
    host = os.VfsPosix('/')
    os.umount('/')
    os.mount(flash, '/')
    os.mount(host, '/host')
    device._control = '/host' + control
    os.chdir('/')
    try:
        os.mkdir('/data')
    except OSError:
        pass
    sys.path[:] = ['', '/lib', '/host' + fakes, '.frozen']
else:
    os.mount(flash, '/data')
    os.chdir(folder)
    sys.path[:] = ['', 'lib', fakes, '.frozen']
names = {{'__name__': '__main__'}}
def start(name):
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return
    try:
        exec(source, names)
    except (Exception, KeyboardInterrupt) as error:
        sys.print_exception(error)
start('boot.py')
if hard:
    start('main.py')
os.putenv('MICROPYINSPECT', '1')
"""


class VirtualBoard:
    """`port` is what to give to mpremote. `output` is all that the board wrote; `resets` counts hard resets, `flash` is its folder.

    `causes` has the reset cause of each start, `storage` is its LittleFS, which can be made to fail; `chip`: what it is connected to, as
    boards/sim/sim_chip.py takes it, `path()` for what lies on this computer. A context manager: on leaving it nothing of the board is left.
    """

    def __init__(self, folder: str | Path, flash_kb: int = 0, chip: dict | None = None):
        self.folder = Path(folder).resolve()
        self.flash = self.folder / "flash"
        self._flash_kb = flash_kb
        self.storage = Flash(self.folder, flash_kb or _DATA_KB)
        self._chip = {"unique_id": _CHIP_ID, **(chip or {})}
        self.port = ""
        self.resets = -1  # the first start is none
        self.causes: list[int] = []
        self.soft_resets = 0
        self.muted = False  # True: what the board says is lost, as if it had been unplugged
        self._output: deque[bytes] = deque()
        self._kept = 0
        self._news = threading.Condition()
        self._stopping = self._bitten = False
        self._watchdog = self.folder / "watchdog"
        self._process: subprocess.Popen | None = None
        self._thread: threading.Thread | None = None
        self._fds: list[int] = []

    @property
    def output(self) -> str:
        """What the board wrote to its port, the newest part of it."""
        with self._news:
            return b"".join(self._output).decode("utf-8", "replace")

    def wait_for(self, text: str, timeout: float = 10.0) -> None:
        """Returns when the board's output contains `text`. TimeoutError with the output when it does not come."""
        with self._news:
            if not self._news.wait_for(lambda: text.encode() in b"".join(self._output), timeout):
                raise TimeoutError(f"{text!r} not within {timeout} s; the board wrote:\n" + b"".join(self._output).decode("utf-8", "replace"))

    def wait_reset(self, count: int, timeout: float = 10.0) -> None:
        """Returns when the board was hard reset `count` times."""
        with self._news:
            if not self._news.wait_for(lambda: self.resets >= count, timeout):
                raise TimeoutError(f"{self.resets} resets, not {count}")

    def path(self, name: str) -> str:
        """What the board calls a file in `folder`."""
        return ("/host" if self._flash_kb else "") + str(self.folder / name)

    def press_reset(self) -> None:
        """The board's reset button, which for the chip is as if the power came."""
        process = self._process
        if process:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)

    def start(self) -> "VirtualBoard":
        """Powers the board."""
        self.flash.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, "TERM": "dumb", "MB_SIM": self.path("chip.json")}
        self._environment.pop("MICROPYPATH", None)
        self._near, far = _terminal(control=False)
        self._inner, self._slave = _terminal(control=True)
        self._fds = [self._near, far, self._inner, self._slave]
        self.port = os.ttyname(far)
        self._thread = threading.Thread(target=self._live, name="virtual board", daemon=True)
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self.resets >= 0, 10)
        return self

    def stop(self) -> None:
        """Takes the power away and removes the port."""
        with self._news:
            self._stopping = True
        self.press_reset()
        if self._thread:
            self._thread.join()
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    def __enter__(self) -> "VirtualBoard":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # ------------------------------------------------------------------------------------------------------------------

    def _spawn(self, cause: int) -> subprocess.Popen:
        self.causes.append(cause)
        self._watchdog.unlink(missing_ok=True)
        self._bitten = False
        wired = {name: self.path(name) for name in ("watchdog", "rtc")} | {name: self.path(f"{name}.json") for name in ("wifi", "pins")}
        replace_file(self.folder / "chip.json", json.dumps({**wired, **self._chip, "reset_cause": cause}))
        fakes = str(runtime.BOARDS / "sim")
        code = _START.format(
            flash_kb=self._flash_kb, image=str(self.storage.image), folder=str(self.flash), fakes=fakes, hard=cause != SOFT_RESET, data_kb=_DATA_KB,
            control=str(self.folder / "flash.json"),
        )  # fmt: skip
        script = self.folder / "start.py"
        script.write_text(code)
        command = guarded([runtime.find_micropython(), str(script)], terminal=True)
        slave = self._slave
        _make_raw(slave, True)  # a prompt that lost its power left it in another state
        return subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=self._environment, cwd=self.folder
        )

    def _live(self) -> None:
        """The board's life: run, carry bytes both ways, start again as the way it ended says."""
        cause = POWER_ON
        while not self._stopping:
            with self._news:
                self._process = self._spawn(cause)
                self.resets += cause != SOFT_RESET
                self.soft_resets += cause == SOFT_RESET
                self._news.notify_all()
            self._carry(self._process)
            if self._process.returncode == 0:  # Ctrl-D: the new prompt is the kind that the old one was, which real tools count on
                cause = SOFT_RESET
                self._say(b"MPY: soft reboot\r\n")
                os.write(self._inner, b"\x01")
            elif self._bitten:
                cause = WATCHDOG_RESET
            else:
                cause = HARD_RESET if self._process.returncode == RESET_CODE else POWER_ON

    def _carry(self, process: subprocess.Popen) -> None:
        with selectors.DefaultSelector() as wait:
            wait.register(self._near, selectors.EVENT_READ)
            wait.register(self._inner, selectors.EVENT_READ)
            while True:
                ended = process.poll() is not None
                ready = [key.fd for key, _ in wait.select(0 if ended else 0.02)]
                if self._inner in ready:
                    self._say(_read(self._inner))
                elif ended:
                    return
                self._watch(process)
                if self._near in ready and not ended:
                    os.write(self._inner, _read(self._near))

    def _watch(self, process: subprocess.Popen) -> None:
        """The watchdog: ends the process when the file that its feeds touch is older than the timeout written in it."""
        with contextlib.suppress(OSError, ValueError):  # not armed yet, or being written at this moment
            if (time.time() - self._watchdog.stat().st_mtime) * 1000 > int(self._watchdog.read_text()):
                self._bitten = True
                process.kill()

    def _say(self, data: bytes) -> None:
        if not self.muted:
            os.write(self._near, data)
        with self._news:
            self._output.append(data)
            self._kept += len(data)
            while self._kept > _OUTPUT_BYTES:
                self._kept -= len(self._output.popleft())
            self._news.notify_all()


def _terminal(control: bool) -> tuple[int, int]:
    """A raw pseudo-terminal (both ends); with `control` its Ctrl-C interrupts the process behind it."""
    master, slave = os.openpty()
    _make_raw(slave, control)
    return master, slave


def _make_raw(slave: int, control: bool) -> None:
    tty.setraw(slave, termios.TCSANOW)  # what was typed stays
    if control:
        settings = termios.tcgetattr(slave)
        settings[3] |= termios.ISIG | termios.NOFLSH
        for name in (termios.VQUIT, termios.VSUSP):
            settings[6][name] = b"\x00"
        settings[6][termios.VINTR] = b"\x03"
        termios.tcsetattr(slave, termios.TCSANOW, settings)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _CHUNK)
    except OSError as error:
        if error.errno == errno.EIO:  # nobody has the other end open at this moment
            return b""
        raise
