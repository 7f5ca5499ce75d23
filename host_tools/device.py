"""A board on a serial port, through mpremote: a port in; its files' hashes, copied files and a reset out. Trouble is one UserError."""

import ast
import contextlib
import errno
import hashlib
import io
import os
import re
from collections.abc import Callable

from host_tools.errors import FAILED, MISSING, UserError

_ANSWER_S = 8  # a raw REPL answers at once, but a firmware that is stopped writes what is in its RAM, or waits for a DNS answer
_SILENCE_S = 5  # in the middle of a copy: longer than collecting garbage and erasing flash take together
_WATCHDOG_MS = 600_000  # a running firmware armed a watchdog that nothing can stop: longer than a copy takes

_PREPARE = f"""
import sys
try:
    import machine
    machine.WDT(timeout={_WATCHDOG_MS})
except (ImportError, AttributeError, ValueError, OSError):
    pass
print(repr((sys.implementation.name, getattr(sys.implementation, '_machine', ''), getattr(sys.implementation, '_mpy', 0) & 255)))
"""
_PLAIN = _PREPARE.split("try:")[0] + _PREPARE[_PREPARE.index("print(repr") :]
# Hash of every file of ours, and of those named; folders are walked without recursion, as the stack is small.
_HASHES = """
import os, hashlib, binascii
def _h(path, size):
    digest = hashlib.sha256()
    buffer = bytearray(512)
    view = memoryview(buffer)
    with open(path, 'rb') as file:
        while True:
            n = file.readinto(buffer)
            if not n:
                break
            digest.update(view[:n])
    print(repr((path, size, binascii.hexlify(digest.digest()).decode())))
_todo = %r
while _todo:
    _path = _todo.pop()
    try:
        _stat = os.stat(_path)
    except OSError:
        continue
    if _stat[0] & 0x4000:
        print(repr((_path, -1, '')))
        _todo.extend([_path + '/' + _entry[0] for _entry in os.ilistdir(_path)])
    else:
        _h(_path, _stat[6])
del _todo, _h
"""


_REPLACE = """
import os
os.rename(%r, %r)
if hasattr(os, 'sync'):
    os.sync()
"""
_ID = """
try:
    import machine, binascii
    print(binascii.hexlify(machine.unique_id()).decode())
except (ImportError, AttributeError):
    pass
"""


class Device:
    """The board at `port`, stopped and at its prompt; a context manager that restarts it and closes the port.

    `machine` is what it calls itself ("Generic ESP32C3 module with ESP32C3"), `chip` the part of that after "with" in lower
    case ("" when it does not say), `mpy` the version of compiled files that it loads.
    """

    def __init__(self, port: str):
        self.port = port
        self._transport = None
        self._stopped = False
        self._open()
        try:
            self._stop_program()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Restarts the board, whose program was stopped to talk to it, and lets go of the port."""
        if self._transport is not None:
            if self._stopped:
                try:
                    self.reset()
                except UserError:
                    pass  # it does not answer any more
            transport, self._transport = self._transport, None
            try:
                transport.close()
            except OSError:
                pass  # it was pulled out

    def hashes(self, roots: list[str]) -> dict[str, tuple[int, str]]:
        """(size, SHA-256 hex) of every file in `roots` and below, by path; a folder has the size -1."""
        found = {}
        for line in self._execute(_HASHES % (roots,)).splitlines():
            path, size, digest = ast.literal_eval(line)
            found[path] = (size, digest)
        return found

    def write(self, path: str, data: bytes, progress: Callable[[int], None] | None = None) -> None:
        """Writes a file; `progress` gets the bytes written so far."""
        report = (lambda done, _total: progress(done)) if progress else None
        self._guard(lambda: self._transport.fs_writefile(path, data, 1024, report), f"writing {path}")

    def remove(self, path: str) -> None:
        """Removes a file."""
        self._guard(lambda: self._transport.fs_rmfile(path), f"removing {path}")

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""
        self._guard(lambda: self._transport.fs_rmdir(path), f"removing {path}")

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return bytes(self._guard(lambda: self._transport.fs_readfile(path, 1024), f"reading {path}"))

    def replace(self, path: str, data: bytes) -> None:
        """Writes a file in one step: whenever the power is cut, the old one is there or the new one, whole."""
        passing = path + ".new"
        self.write(passing, data)
        if self.hashes([passing]).get(passing) != (len(data), hashlib.sha256(data).hexdigest()):
            raise UserError(f"{self.port}: {path} did not arrive as it was sent: is the cable good? The board keeps the old one", FAILED)
        self._execute(_REPLACE % (passing, path))

    def id(self) -> str:
        """The name that the firmware gives this board, such as mb-d4e5f6; "" when the board does not know its number."""
        found = self._execute(_ID).strip()
        return f"mb-{found[-6:]}" if found else ""

    def make_folder(self, path: str) -> None:
        """Makes a folder whose parent is there."""
        self._guard(lambda: self._transport.fs_mkdir(path), f"making {path}")

    def reset(self) -> None:
        """Restarts the board, which then runs main.py."""
        self._stopped = False
        self._guard(lambda: self._transport.exec_raw_no_follow("import machine\nmachine.reset()"), "resetting")

    # ------------------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            from mpremote.transport import TransportError
            from mpremote.transport_serial import SerialTransport
        except ImportError as error:
            raise UserError("mpremote is not installed: run make setup, or pip install -r requirements.txt", MISSING) from error
        try:
            self._transport = SerialTransport(self.port, baudrate=115200, timeout=_SILENCE_S)
        except (TransportError, OSError) as error:
            raise UserError(why_not(self.port), FAILED) from error

    def _stop_program(self) -> None:
        """Ends what runs, twice: a soft reset gives back its memory, and its watchdog is told to wait."""
        from mpremote.transport import TransportError

        try:
            self._enter()
            self._stopped = True
            ours = "True" in self._execute("import os\nprint('main.py' in os.listdir())")
            answer = self._execute(_PREPARE if ours else _PLAIN)
            name, self.machine, self.mpy = ast.literal_eval(answer.strip().splitlines()[-1])
        except (TransportError, OSError, ValueError, SyntaxError, IndexError) as error:
            text = "no MicroPython answers: is it flashed, and is this the right port?"
            raise UserError(f"{self.port}: {text}", FAILED) from error
        if name != "micropython":
            raise UserError(f"{self.port}: {name} runs there, not MicroPython", FAILED)
        found = re.search(r"with (ESP32\S*)", self.machine)
        self.chip = found.group(1).lower().replace("-", "") if found else ""

    def _enter(self) -> None:
        """To the raw prompt, by a Ctrl-C; by a second one where the board was just starting and heard none."""
        from mpremote.transport import TransportError

        with contextlib.redirect_stdout(io.StringIO()):  # where mpremote shows what came instead
            try:
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=_ANSWER_S)
            except TransportError:
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=_ANSWER_S)

    def _execute(self, code: str) -> str:
        from mpremote.transport import TransportExecError

        try:
            return self._guard(lambda: self._transport.exec(code), "asking the board").decode("utf-8", "replace")
        except TransportExecError as error:
            last = (error.error_output or "").strip().splitlines()[-1:]
            raise UserError(f"{self.port}: the board answered {''.join(last) or 'with an error'}", FAILED) from error

    def _guard(self, action: Callable, doing: str):
        """Runs `action`; what the port or the board's flash refuses becomes one line."""
        from mpremote.transport import TransportError, TransportExecError

        try:
            return action()
        except TransportExecError:
            raise
        except (TransportError, OSError) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise UserError(f"{self.port}: the board's flash is full ({doing})", FAILED) from error
            self._stopped = False  # nobody is there to be restarted
            raise UserError(f"{self.port}: the connection broke while {doing}; run the same command again, it continues", FAILED) from error


def ports() -> list[str]:
    """Names of the serial ports of this computer that have a USB device behind them, else all."""
    from serial.tools.list_ports import comports

    found = list(comports())
    return [port.device for port in found if port.vid is not None] or [port.device for port in found]


def why_not(port: str) -> str:
    """Why a port cannot be opened, found out by trying once more in the plainest way."""
    import serial

    others = ", ".join(ports())
    if port.startswith(("/", "COM")) and not os.path.exists(port) and os.name == "posix":
        return f"{port}: there is no such port; " + (f"this computer has {others}" if others else "is the board plugged in?")
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        text = str(error).lower()
        if getattr(error, "errno", None) == errno.EACCES or "permission" in text:
            return f"{port}: no permission; add yourself to the group that owns it (often dialout) and log in again"
        if "lock" in text or getattr(error, "errno", None) in (errno.EBUSY, errno.EAGAIN):
            return f"{port}: in use by another program (a serial monitor?); close that first"
        return f"{port}: cannot be opened: {error}"
    return f"{port}: cannot be opened just now; try again"
