"""The simulated ROM loader, which the tests of flash rest on, held against real esptool: what it writes is what it reads, by the chip's own rules."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from host_tools.simulation.bare_board import BareBoard
from host_tools.simulation.nor_flash import NorFlash
from tests.tools.bare_rig import CHIP_NUMBER

DATA = random.Random(3).randbytes(40_000) + bytes(20_000)


def esptool(board: BareBoard, *words: object) -> str:
    command = [sys.executable, "-m", "esptool", "--port", board.port, "--after", "no-reset", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("chip", CHIP_NUMBER)
def test_real_esptool_finds_the_chip_writes_compares_reads_and_erases(chip: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    with BareBoard(tmp_path / "board", chip) as board:
        told = esptool(board, "flash-id")
        assert f"Connected to {chip.upper().replace('32C', '32-C').replace('32S', '32-S')} on" in told and "Detected flash size: 4MB" in told
        assert "MAC:                b0:a7:d1:23:45:67" in told and "Stub flasher running" in told
        esptool(board, "write-flash", "0x10000", tmp_path / "data")
        assert board.flash.read(0x10000, len(DATA)) == DATA
        esptool(board, "verify-flash", "0x10000", tmp_path / "data")
        esptool(board, "read-flash", "0x10000", len(DATA), tmp_path / "read")
        assert (tmp_path / "read").read_bytes() == DATA
        esptool(board, "erase-flash")
        assert board.flash.read(0, board.flash.size) == b"\xff" * board.flash.size


@pytest.mark.parametrize("chip", ["esp32", "esp32s3"])
def test_without_a_program_in_its_ram(chip: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    with BareBoard(tmp_path / "board", chip) as board:
        esptool(board, "--no-stub", "write-flash", "0x10000", tmp_path / "data")
        esptool(board, "--no-stub", "read-flash", "0x10000", 4096, tmp_path / "read")
        assert board.flash.read(0x10000, len(DATA)) == DATA and (tmp_path / "read").read_bytes() == DATA[:4096]
        assert not board.loader.stub


def test_flash_only_loses_bits_until_it_is_erased(tmp_path: Path) -> None:
    flash = NorFlash(tmp_path / "flash", 1)
    flash.program(5000, b"\xf0\x0f")
    flash.program(5000, b"\x3c\xff")
    assert flash.read(5000, 2) == b"\x30\x0f"
    flash.erase(5000, 1)
    assert flash.read(4096, 4096) == b"\xff" * 4096 and flash.erases == 1
    flash.program(flash.size - 2, b"1234")
    assert flash.read(flash.size - 2, 9) == b"12"
    flash.close()
