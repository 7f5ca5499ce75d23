"""Safe mode, when three starts failed: why in; a console on the serial port, the button and what `_HELPERS` names out, and a new try after a while.

As little of the firmware is imported as can be: any of it may be what fails.
"""

import asyncio
import gc
import json
import os
import sys
import time

from micropython import const

_RETRY_MS = const(600000)  # of nobody doing anything: then a start is tried, as what failed may have passed
_TELL_MS = const(60000)  # who opens a serial monitor sees within a minute what is the matter
_LONGEST = const(128)  # characters of a line
_PIECE = const(512)
# (module, function) of what else runs in safe mode, where it can be loaded: function(safe) makes a coroutine, which may call `safe.busy()`.
_HELPERS = (("bridge.portal.safe", "guests"),)
_UNUSABLE = (ImportError, SyntaxError, AttributeError, NameError, TypeError, KeyError, IndexError, OSError, ValueError, MemoryError, RuntimeError)
_CONFIRM = "erase-everything"
_HELP = """safe mode of meterbridge. Commands:
  status                            why, and what is on this board
  log                               the last lines that were kept
  start                             try the usual start now
  other                             start the other copy of the firmware
  access new                        make a new token for the network and show it once
  factory-reset erase-everything    erase settings, secrets and readings"""


class Safe:
    """`why`: what the last start failed of; `board`: what its file says, or None."""

    def __init__(self, why: str):
        self.why = why
        self.slot = sys.path[0][-1:]
        self.storage = ""
        self.board = None
        self._since = time.ticks_ms()
        try:
            from bridge.hal.board import load

            self.board = load()
            self.storage = self.board.storage
        except _UNUSABLE as error:
            print("board.json cannot be read:", error)
        if "forget" in os.listdir():
            from bridge.core.forget import finish

            finish()

    def close(self) -> None:
        """Nothing is in RAM alone."""

    def busy(self) -> None:
        """Somebody is there: the next try is put off."""
        self._since = time.ticks_ms()

    async def run(self) -> None:
        """Until the next try."""
        self._helper("bridge.hal.button", "Button")
        for module, name in _HELPERS:
            self._helper(module, name)
        asyncio.create_task(self._console())
        while time.ticks_diff(time.ticks_ms(), self._since) < _RETRY_MS:
            print("SAFE MODE: three starts failed, the last one of: %s" % self.why)
            print("The meter is not read. It tries again %d minutes after the last sign of somebody. Type 'help'." % (_RETRY_MS // 60000))
            gc.collect()
            await asyncio.sleep_ms(_TELL_MS)
        self.start()

    def start(self) -> None:
        """The usual start, now; if that fails too, this again."""
        with open("starts.new", "w") as file:
            file.write("2 ! " + self.why)
        os.rename("starts.new", "starts")
        from bridge.hal.chip import restart

        restart()

    def _helper(self, module: str, name: str) -> None:
        try:
            if name == "Button":
                if self.board and self.board.button is not None:
                    asyncio.create_task(__import__(module, None, None, (name,)).Button(self.board, self).run())
            else:
                asyncio.create_task(getattr(__import__(module, None, None, (name,)), name)(self))
        except _UNUSABLE as error:
            print("%s does not work: %s" % (module, error))

    def warning(self, area: str, text: str) -> None:
        """The log of what runs in safe mode."""
        print("safe mode %s: %s" % (area, text))

    # the console --------------------------------------------------------------------------------------------------------

    async def _console(self) -> None:
        stdin = asyncio.StreamReader(sys.stdin.buffer)
        line = b""
        while True:
            got = await stdin.read(1)
            if not got:
                return
            if got in b"\r\n":
                if line:
                    self.busy()
                    self.answer(line.decode())
                line = b""
            elif b" " <= got <= b"~" and len(line) < _LONGEST:
                line += got

    def answer(self, line: str) -> None:
        """Does what a line asks for; answers are as the usual console's."""
        words = line.split()
        try:
            done = self._do(words[0] if words else "help", " ".join(words[1:]))
        except _UNUSABLE as error:
            done = {"error": "%s: %s" % (type(error).__name__, error)}
        if done:
            print("\x1e" + json.dumps(done))
        print("\x1e" + json.dumps({"done": line}))

    def _do(self, command: str, rest: str):
        if command == "hello":
            return {"id": "", "version": "safe mode", "board": self.board.name if self.board else "", "boot": 0, "safe_mode": self.why}
        if command == "status":
            return {"safe_mode": self.why, "slot": self.slot, "choice": _text("slot"), "starts": _text("starts"), "free": gc.mem_free(), "files": os.listdir()}
        if command == "log":
            for name in ("log.old", "log"):
                _print((self.storage + "/log/" if self.storage else "log/") + name)
        elif command == "start":
            self.start()
        elif command == "other":
            from bridge.update.slots import choose

            choose("a" if self.slot == "b" else "b", "")
            self.start()
        elif command == "access":
            if rest != "new":
                return {"error": "'access new' makes a new token and shows it"}
            from bridge.config.access import load, renew

            found = load("access.json")
            token, password = renew("access.json", found[1] if found else "")
            return {"token": token, "ap_password": password, "shown": "once: write it down"}
        elif command == "factory-reset":
            if rest != _CONFIRM:
                return {"error": "this erases settings, secrets and readings; if you mean it: factory-reset " + _CONFIRM}
            from bridge.core.forget import ask, finish

            ask(self.storage)
            finish()
            self.start()
        else:
            print(_HELP)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return str(file.read(_LONGEST), "utf-8").strip()
    except (OSError, ValueError):
        return ""


def _print(path: str) -> None:
    """A file of lines to the console, in pieces."""
    try:
        with open(path, "rb") as file:
            piece = file.read(_PIECE)
            while piece:
                sys.stdout.buffer.write(piece)
                piece = file.read(_PIECE)
    except OSError:
        pass  # nothing of that kind was kept
