"""`meterbridge flash`: a bare ESP32's serial port in; a dongle with MicroPython, the firmware, its settings and its token, that reads, out."""

import argparse
import os
import re
import sys
import time
from pathlib import Path

from host_tools import access, board_files, boards, first_status, images
from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "make a dongle of a bare ESP32: MicroPython, the firmware, your settings; then say what it sees"
EXAMPLES = """
meterbridge flash                                              the only board that is plugged in
meterbridge flash --port /dev/ttyUSB0 --board seeed-xiao-c3 --config my-config.json
meterbridge flash --port COM3 --image ESP32_GENERIC-20260406-v1.28.0.bin    without internet
meterbridge flash --erase                                      from nothing; settings are kept
"""
_BACK_S = 15.0  # until a chip's own USB is back after a restart
_QUIET_S = 1.0  # longer than the pause between the loader's words and MicroPython's
_START_S = 4.0  # a firmware that never is quiet is up by then
_SMALL = """note: {name} has no PSRAM. This firmware needs about 152 KB for Python, and an ESP32 without PSRAM leaves about 112 beside Wi-Fi:
it may restart for want of memory, or not start. See "Memory" in the README."""
_AGAIN = "Run the same command again: it goes on where it stopped."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge flash`."""
    parser.add_argument("--port", help="serial port of the board, such as /dev/ttyUSB0 or COM3 (default: the only one)")
    parser.add_argument("--board", help="name of a folder in boards/ (default: the one it has, or a general one for its chip)")
    parser.add_argument("--config", metavar="FILE", help="settings as JSON; without it the board keeps those it has")
    parser.add_argument("--image", metavar="FILE", help="a MicroPython image (.bin), instead of downloading the one that is known to work")
    parser.add_argument("--sha256", default="", metavar="HASH", help="what the image must have, instead of the hash that is known")
    parser.add_argument("--erase", action="store_true", help="erase all of the flash first, readings too; settings and token are kept and put back")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--wait", type=float, default=120, metavar="SECONDS", help="how long to wait for the first readings at most (default 120; 0: not at all)")
    parser.add_argument("--pin", metavar="NAME", help="for the project's maintainer: download this image and write its hash into boards/images.json")


def run(args: argparse.Namespace) -> int:
    """All of it, step by step."""
    if args.pin:
        print(f"{args.pin}: {images.pin(args.pin)}")
        return OK
    if args.board:
        boards.load(args.board)
    if args.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", args.sha256):
        raise UserError(f"--sha256 {args.sha256}: a SHA-256 has 64 hexadecimal digits")
    given = images.read(Path(args.image)) if args.image else b""
    if args.config:
        from host_tools.commands import deploy

        deploy._settings(Path(args.config))  # refused before anything is changed
    try:
        return Flashing(args, given).run()
    except KeyboardInterrupt:
        print(f"\nstopped. {_AGAIN}", file=sys.stderr)
        raise


class Flashing:
    """One run, as far as it has come."""

    def __init__(self, args: argparse.Namespace, given: bytes):
        self.args, self._given = args, given
        self.port = args.port or only_port()
        self.table = images.pins()
        self.found: board_files.Found | None = None  # what answers there, None when nothing does

    def run(self) -> int:
        from host_tools.chip import Chip

        with Chip(self.port) as chip:
            self.chip, self.mac = chip.name, chip.mac
            there = chip.what_is_there()
            print(f"{self.port}: {chip.name.upper()}, {chip.flash_bytes >> 20} MB of flash, {access.network(chip.mac)}; {_in_words(there)}")
            self._check_board()
            image = self._check(self.args.image, self._given, chip) if self.args.image else None
            fits = bool(image and there and chip.holds(image))
            if there and there[0] == "micropython":
                print("looking at what runs there", flush=True)
                chip.restart()
                self._look()
                fits = self.found is not None and (fits if image else there[1].lstrip("v") == self.table["version"])
            board = self._board()
            if board["psram"] is False:
                print(_SMALL.format(name=board["name"]))
            erase = self._consent(there)
            if fits and not erase:
                print(f"MicroPython {there[1]} is there already")
            else:
                image = image or self._check(*images.get(images.choose(board, self.table), self.table, self.args.sha256, _Bar("downloading")), chip)
                self._write(chip, image, erase, reopen=there is not None and there[0] == "micropython")
            chip.close()
        self._files(board["name"])
        return self._first()

    def _check_board(self) -> None:
        """A board that was named must have this chip."""
        if self.args.board and (board := boards.load(self.args.board))["chip"] != self.chip:
            fitting = ", ".join(name for name in boards.names() if boards.load(name)["chip"] == self.chip)
            raise UserError(f"{self.port}: this is an {self.chip.upper()}, but {board['name']} has an {board['chip'].upper()}; with this chip there are {fitting}")

    def _check(self, name: str, data: bytes, chip) -> images.Image:
        image = images.check(name, data, chip.name, chip.flash_bytes)
        if self.args.sha256 and image.sha256 != self.args.sha256.lower():
            raise UserError(f"{name}: its SHA-256 is {image.sha256}, not the one that was given; nothing was changed")
        return image

    def _look(self) -> None:
        """What runs there, and what of it is the owner's; kept on this computer where the flash shall be erased."""
        try:
            with self._device() as device:
                self.found = board_files.look(device)
                if self.args.erase and (names := board_files.keep(device, self.mac)):
                    print(f"kept on this computer until they are back: {', '.join(names)}")
        except UserError as error:
            if "no MicroPython answers" not in str(error):
                raise

    def _board(self) -> dict:
        """The board's data: the one that was named, that it has already, or the general one for its chip, if its owner agrees."""
        if name := self.args.board or self.found and self.found.board:
            return boards.load(name)
        board = boards.load(f"generic-{self.chip}")
        others = [name for name in boards.names() if name != board["name"] and boards.load(name)["chip"] == self.chip]
        print(f"no --board was given. {board['name']}: {board['title']}, the meter on GPIO {board['uart']['rx']}. With this chip there are also {', '.join(others)}")
        self._ask(f"Take {board['name']}?", "give --board NAME, or --yes to take it")
        return board

    def _consent(self, there: tuple[str, str] | None) -> bool:
        """Whether all of the flash is to be erased; asks where something would be lost that is not ours."""
        if self.found and not self.found.ours and not self.found.empty:
            self._ask("On this board is a program that is not meterbridge. Erase it, with all of its files?", "give --yes to erase it")
            return True
        if there and there[0] != "micropython":
            self._ask(f"In this board is {_in_words(there)}, not meterbridge. Erase it?", "give --yes to erase it")
            return True
        if self.args.erase:
            lost = "readings that were not sent yet" + ("" if board_files.kept(self.mac) else " and settings, as nothing answers that could give them")
            self._ask(f"Erase all of the flash? {lost[0].upper()}{lost[1:]} are lost.", "give --yes to erase")
        return self.args.erase

    def _ask(self, question: str, otherwise: str) -> None:
        if self.args.yes:
            return
        if not sys.stdin.isatty():
            raise UserError(f"{self.port}: {question} Nobody is there to be asked: {otherwise}", USAGE)
        try:
            agreed = input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            agreed = False
        if not agreed:
            raise UserError(f"nothing was changed; {otherwise}", FAILED)

    def _write(self, chip, image: images.Image, erase: bool, reopen: bool) -> None:
        if reopen:
            chip.open()
        if erase:
            print("erasing; takes up to a minute", flush=True)
            chip.erase()
        bar = _Bar("writing")
        chip.write(image, bar)
        bar.end(f"{image.name}: written, and right as the chip reads it")
        chip.restart()

    def _files(self, board: str) -> None:
        """Firmware, settings, token: all that is not there as it should be."""
        from host_tools.commands import deploy

        made = None
        back = board_files.kept(self.mac)
        if back or not self.found or "access.json" not in self.found.names:
            made = self._give(back)
        board_files.forget(self.mac)
        if made:
            self._show(made)
        until_quiet(self.port)
        deploy.run(argparse.Namespace(port=self.port, board=board, config=self.args.config, dry_run=False))

    def _give(self, back: dict[str, bytes]) -> access.Access | None:
        """Puts back what was kept, and makes a token where there is none, which is returned."""
        made = None
        with self._device() as device:
            self.found = board_files.look(device)
            if not self.found.ours and not self.found.empty:
                self._ask("On this board is a program that is not meterbridge. Replace its main.py and boot.py?", "give --yes to replace them, --erase to erase all")
            for name, data in back.items():
                if name not in self.found.names:
                    device.replace(name, data)
                    print(f"put back: {name}")
            if "access.json" not in self.found.names | set(back):
                made = access.Access.new()
                device.replace("access.json", made.file())
        return made

    def _device(self):
        """The board at its prompt; a port that went with the restart, as a chip's own USB does, is waited for."""
        from host_tools.device import Device

        until = time.monotonic() + _BACK_S
        while True:
            try:
                until_quiet(self.port)
                return Device(self.port)
            except UserError as error:
                if "no such port" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def _show(self, made: access.Access) -> None:
        name = access.own_wifi(self.mac)
        print("\nWrite this down now, it is shown only once. On the serial console, 'access new' makes another.")
        print(f"  token for its page and its data on the network:  {made.shown()}")
        print(f"  its own Wi-Fi, to set it up with a phone:        {name}   password  {made.password}")
        print(access.qr(access.wifi_text(name, made.password)) + "\n", flush=True)

    def _first(self) -> int:
        if self.args.wait <= 0:
            return OK
        print("waiting for the dongle's first words", flush=True)
        try:
            good = first_status.wait(self.port, self.args.wait, lambda line: print(line, flush=True))
        except UserError as error:
            raise UserError(f"{error}. MicroPython and the firmware are written all the same", error.code) from error
        print("done." if good else "All is written and the dongle runs. It goes on trying by itself; the same command looks again.")
        return OK


def _in_words(there: tuple[str, str] | None) -> str:
    if there is None:
        return "empty"
    project, version = there
    return f"MicroPython {version}" if project == "micropython" else f"{project} {version}".strip() or "another program"


def until_quiet(port: str) -> None:
    """Returns when a board that was just restarted has said its first words: while it starts it hears nobody."""
    import serial

    try:
        opened = serial.serial_for_url(port, 115_200, timeout=_QUIET_S, do_not_open=True)
        if os.name == "nt":  # elsewhere both lines are raised, which restarts nothing either
            opened.dtr = opened.rts = False
        opened.open()
        with opened:
            until = time.monotonic() + _START_S
            while time.monotonic() < until and opened.read(1):
                opened.reset_input_buffer()
    except (OSError, ValueError):
        pass  # whoever opens it next says why it cannot be


def only_port() -> str:
    """The serial port of the one board that is plugged in. Raises UserError that says what to do."""
    from serial.tools.list_ports import comports

    found = {port.device: port.vid for port in comports()}
    on_usb = [name for name, vendor in found.items() if vendor is not None]
    if len(on_usb) == 1:
        return on_usb[0]
    if on_usb:
        raise UserError(f"several serial ports: {', '.join(on_usb)}. Give the board's with --port; unplug it and look which one goes")
    others = f" If it is one of {', '.join(found)}, say so with --port." if found else ""
    raise UserError(
        f"no board is plugged in.{others} Is the cable one for data (many only charge)? On Windows and macOS the board's USB chip may need its driver: "
        "CP210x from silabs.com, CH340 from wch.cn. See docs/flash.md",
        FAILED,
    )


class _Bar:
    """How far it is: one line that is rewritten on a terminal, elsewhere one each fifth."""

    def __init__(self, doing: str):
        self._doing, self._began, self._told = doing, time.monotonic(), -1

    def __call__(self, done: int, total: int) -> None:
        percent = done * 100 // max(total, 1)
        step = percent if sys.stdout.isatty() else percent // 20 * 20
        if step == self._told:
            return
        self._told = step
        rate = done / 1024 / max(time.monotonic() - self._began, 0.001)
        text = f"{self._doing} {percent:3d} %, {done // 1024} of {total // 1024} KB, {rate:.0f} KB/s"
        print(f"\r{text}\033[K" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)

    def end(self, text: str) -> None:
        """The last word."""
        print(f"\r{text}\033[K" if sys.stdout.isatty() else text, flush=True)
