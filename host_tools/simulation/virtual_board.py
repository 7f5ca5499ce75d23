"""A board on a serial port that is none: a folder or an image as its flash in, a port (a pseudo-terminal's path) for real tools out.

Behind the port runs real MicroPython with its prompt. Ctrl-C, Ctrl-D (soft reset: boot.py) and machine.reset() (boot.py, main.py)
do what they do on a chip. With `flash_kb` the flash is a LittleFS image of that size, so that it can be full; else a folder is, and
an image is at /data.
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
import tty
from collections import deque
from pathlib import Path

from host_tools import runtime
from host_tools.simulation.child import guarded

_OUTPUT_BYTES = 1 << 20  # of what the board ever wrote, the newest part is kept
_CHUNK = 4096
_DATA_KB = 256  # of the image at /data, where the simulated board keeps what it keeps, when its files are in a folder
_CHIP_ID = "b0a7d1234567"

# Runs on the board's MicroPython before anything else: makes "/" the flash, then does what the chip's start does.
_START = """
import os, sys
flash_kb, image, folder, fakes, hard = {flash_kb}, {image!r}, {folder!r}, {fakes!r}, {hard}
sys.path.insert(0, fakes)
from sim_flash import FlashImage, volume
flash = volume(FlashImage(image, (flash_kb or {data_kb}) // 4))
if flash_kb:
    host = os.VfsPosix('/')
    os.umount('/')
    os.mount(flash, '/')
    os.mount(host, '/host')
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
def start(name):
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return
    try:
        exec(source, {{'__name__': '__main__'}})
    except (Exception, KeyboardInterrupt) as error:
        sys.print_exception(error)
start('boot.py')
if hard:
    start('main.py')
os.putenv('MICROPYINSPECT', '1')
"""


class VirtualBoard:
    """`port` is what to give to mpremote. `output` is all that the board wrote; `resets` counts hard resets, `flash` is its folder.

    A context manager: on leaving it nothing of the board is left.
    """

    def __init__(self, folder: str | Path, flash_kb: int = 0, chip: dict | None = None):
        self.folder = Path(folder).resolve()
        self.flash = self.folder / "flash"
        self._image = self.folder / "flash.img"
        self._flash_kb = flash_kb
        self._chip = {"unique_id": _CHIP_ID, **(chip or {})}
        self.port = ""
        self.resets = -1  # the first start is none
        self.soft_resets = 0
        self.muted = False  # True: what the board says is lost, as if it had been unplugged
        self._output: deque[bytes] = deque()
        self._kept = 0
        self._news = threading.Condition()
        self._stopping = False
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

    def press_reset(self) -> None:
        """The board's reset button."""
        process = self._process
        if process:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)

    def start(self) -> "VirtualBoard":
        """Powers the board."""
        self.flash.mkdir(parents=True, exist_ok=True)
        prefix = "/host" if self._flash_kb else ""
        (self.folder / "chip.json").write_text(json.dumps(self._chip))
        self._environment = {**os.environ, "TERM": "dumb", "MB_SIM": f"{prefix}{self.folder}/chip.json"}
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

    def _spawn(self, hard: bool) -> subprocess.Popen:
        fakes = str(runtime.BOARDS / "sim")
        code = _START.format(
            flash_kb=self._flash_kb, image=str(self._image), folder=str(self.flash), fakes=fakes, hard=hard, data_kb=_DATA_KB
        )
        script = self.folder / "start.py"
        script.write_text(code)
        command = guarded([runtime.find_micropython(), str(script)], terminal=True)
        slave = self._slave
        return subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=self._environment, cwd=self.folder
        )

    def _live(self) -> None:
        """The board's life: run, carry bytes both ways, start again as the way it ended says."""
        hard = True
        while not self._stopping:
            with self._news:
                self._process = self._spawn(hard)
                self.resets += hard
                self.soft_resets += not hard
                self._news.notify_all()
            self._carry(self._process)
            hard = self._process.returncode != 0  # 86, machine.reset(), or a signal: the button
            if not hard:  # Ctrl-D: the new prompt is the kind that the old one was, which real tools count on
                self._say(b"MPY: soft reboot\r\n")
                os.write(self._inner, b"\x01")

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
                if self._near in ready and not ended:
                    os.write(self._inner, _read(self._near))

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
    tty.setraw(slave)
    if control:
        settings = termios.tcgetattr(slave)
        settings[3] |= termios.ISIG | termios.NOFLSH
        for name in (termios.VQUIT, termios.VSUSP):
            settings[6][name] = b"\x00"
        settings[6][termios.VINTR] = b"\x03"
        termios.tcsetattr(slave, termios.TCSANOW, settings)
    return master, slave


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _CHUNK)
    except OSError as error:
        if error.errno == errno.EIO:  # nobody has the other end open at this moment
            return b""
        raise
