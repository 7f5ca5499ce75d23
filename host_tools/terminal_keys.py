"""The keyboard of a terminal, key by key without Enter and without echo: seconds to wait in, one character or "" out."""

import contextlib
import os
import select
import sys
import time

_REST = 64  # bytes of a key that sends several, as the arrows


class Keys:
    """A context manager: in it the terminal (standard input) gives each key at once. Ctrl-C stays Ctrl-C."""

    def __enter__(self) -> "Keys":
        self._ends = contextlib.ExitStack()
        if os.name != "nt":
            import termios
            import tty

            fd = sys.stdin.fileno()
            before = termios.tcgetattr(fd)
            self._ends.callback(termios.tcsetattr, fd, termios.TCSADRAIN, before)
            tty.setcbreak(fd)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def get(self, seconds: float) -> str:
        """The next key in small letters ("\\n" for Enter), "" when none comes in time. EOFError when the terminal is gone."""
        if os.name == "nt":
            return self._get_windows(seconds)
        fd = sys.stdin.fileno()
        if not select.select([fd], [], [], seconds)[0]:
            return ""
        got = os.read(fd, _REST)
        if not got or got == b"\x04":
            raise EOFError
        return "" if got[0] == 27 else got[:1].decode("ascii", "replace").replace("\r", "\n").lower()

    def _get_windows(self, seconds: float) -> str:
        import msvcrt

        until = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() > until:
                return ""
            time.sleep(0.02)
        return msvcrt.getwch().replace("\r", "\n").lower()
