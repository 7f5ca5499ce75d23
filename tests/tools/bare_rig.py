"""What the tests of flash share: images that a chip's loader and our checks take for MicroPython's, and the reset lines that a pseudo-terminal lacks."""

import random
import struct

import pytest

from host_tools.simulation.bare_board import BareBoard

CHIP_NUMBER = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9}  # ESP-IDF, esp_chip_id_t
IMAGE_AT = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32c3": 0, "esp32s3": 0}
APPLICATION_AT = 0x10000


def image(chip: str, kilobytes: int = 60, flash_mb: int = 4, project: bytes = b"micropython", version: bytes = b"v1.28.0", seed: int = 1) -> bytes:
    """As MicroPython's builds lay it out: loader, partition table at 0x8000, application at 0x10000 with its description, file system behind."""
    noise = random.Random(seed)
    head = bytes([0xE9, 1, 2, 0x20]) + bytes(8) + struct.pack("<H", CHIP_NUMBER[chip]) + bytes(10)
    loader = (head + noise.randbytes(16_000)).ljust(0x8000 - IMAGE_AT[chip], b"\xff")
    rows = [(1, 2, 0x9000, 0x6000, b"nvs"), (0, 0, APPLICATION_AT, 0x1F0000, b"factory"), (1, 0x81, 0x200000, (flash_mb << 20) - 0x200000, b"vfs")]
    table = b"".join(struct.pack("<2sBBII16sI", b"\xaa\x50", kind, sub, begin, size, name, 0) for kind, sub, begin, size, name in rows)
    described = head.ljust(32, b"\0") + struct.pack("<II8s32s32s", 0xABCD5432, 0, b"", version, project)
    return loader + table.ljust(APPLICATION_AT - 0x8000, b"\xff") + described + noise.randbytes(kilobytes * 1024)


def wire_reset(board: BareBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """What esptool does with DTR and RTS is done to the board."""
    from esptool import reset

    for sequence in (reset.UnixTightReset, reset.ClassicReset):
        monkeypatch.setattr(sequence, "reset", lambda self: board.enter_loader())
    monkeypatch.setattr(reset.HardReset, "reset", lambda self: board.press_reset())


def in_flash(board: BareBoard, data: bytes, chip: str) -> bool:
    """Whether exactly these bytes are where the chip looks for them."""
    return board.flash.read(IMAGE_AT[chip], len(data)) == data
