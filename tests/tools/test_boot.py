"""boot.py and main.py on real MicroPython, with firmwares of a few lines in the two slots: which one runs, what is counted, whatever the files hold."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from host_tools import runtime

POWER_ON, RESET, WATCHDOG, SOFT = 1, 2, 3, 5
APP = """
ONCE = ()
def unload(*names):
    pass
class Made:
    async def run(self):
        print("{name} runs")
        {does}
    def close(self):
        print("closed")
def compose():
    return Made()
"""
SAFE = """
class Safe:
    def __init__(self, why):
        print("safe mode of {name}:", why)
    async def run(self):
        pass
    def close(self):
        pass
"""


class Chip:
    """A folder as the flash; `start` is a start of the chip: what it printed."""

    def __init__(self, folder: Path):
        self.folder = folder / "flash"
        self.folder.mkdir()
        for name in ("boot.py", "main.py"):
            (self.folder / name).write_bytes((runtime.FIRMWARE / name).read_bytes())
        self.chip = folder / "chip.json"
        self.watchdog = folder / "watchdog"

    def firmware(self, slot: str, app: str | bytes = "pass", safe: str | bytes | None = SAFE) -> None:
        bridge = self.folder / slot / "bridge"
        bridge.mkdir(parents=True, exist_ok=True)
        (bridge / "__init__.py").write_text("")
        app = app if isinstance(app, bytes) else APP.format(name=slot, does=app).encode()
        (bridge / "app.py").write_bytes(app)
        if safe is not None:
            (bridge / "safe.py").write_bytes(safe if isinstance(safe, bytes) else safe.format(name=slot).encode())

    def start(self, cause: int = RESET, heap: str = "300k") -> str:
        self.watchdog.unlink(missing_ok=True)
        self.chip.write_text(json.dumps({"reset_cause": cause, "watchdog": str(self.watchdog)}))
        code = "import sys\nsys.path[:] = ['', %r, '.frozen']\nfor name in ('boot.py', 'main.py'):\n    try:\n        execfile(name)\n    except Exception as error:\n        sys.print_exception(error, sys.stdout)\n"
        command = [runtime.find_micropython(), "-X", f"heapsize={heap}", "-c", code % str(runtime.BOARDS / "sim")]
        environment = {**os.environ, "MB_SIM": str(self.chip)}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, timeout=20).stdout.decode("utf-8", "replace")

    def __getitem__(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text() if path.is_file() else None

    def __setitem__(self, name: str, data: str | bytes) -> None:
        (self.folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


@pytest.fixture
def chip(tmp_path: Path) -> Chip:
    chip = Chip(tmp_path)
    chip.firmware("a")
    return chip


BROKEN = "raise OSError('flash worn')"


def test_the_slot_that_is_chosen_runs(chip: Chip) -> None:
    chip.firmware("b")
    assert "a runs\nclosed" in chip.start()
    for told, runs in (("a", "a"), ("b\n", "b"), ("b - the update did not run", "b"), ("a - b a 3", "a")):
        chip["slot"] = told
        assert f"{runs} runs" in chip.start(POWER_ON), told
        assert chip["slot"] == told


GARBAGE = [b"", b"\x00\xff\xfe" * 100, b"c", b"ab", b"a b", b"a a 3", b"b b 3", b"b a", b"b c 3", b"1 2 3", b"\n\n", b"a" * 5000, b"b a x", "ä b 3".encode(), b"{}"]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_its_files_never_keeps_a_firmware_from_running(chip: Chip, data: bytes) -> None:
    chip["slot"] = data
    chip["starts"] = data
    assert "a runs" in chip.start() and "safe mode" not in chip.start()
    (chip.folder / "slot").unlink()
    (chip.folder / "slot").mkdir()  # not even files
    (chip.folder / "starts").unlink()
    (chip.folder / "starts").mkdir()
    assert "a runs" in chip.start()


def test_a_slot_that_is_not_there_is_left_for_the_other(chip: Chip) -> None:
    chip["slot"] = "b"
    assert "a runs" in chip.start()
    (chip.folder / "b" / "bridge").mkdir(parents=True)
    assert "a runs" in chip.start()
    (chip.folder / "b" / "bridge").rmdir()
    (chip.folder / "b").rmdir()
    chip["b"] = "a file"
    assert "a runs" in chip.start()


def test_three_starts_that_fail_end_in_safe_mode_with_the_reason(chip: Chip) -> None:
    chip.firmware("a", BROKEN)
    for number in range(1, 4):
        said = chip.start(WATCHDOG)
        assert "a runs\nclosed" in said and "OSError: flash worn" in said
        assert chip["starts"] == f"{number} ! OSError flash worn"
        assert chip.watchdog.read_text() == "10000"  # the chip resets itself
    for _ in range(2):  # and stays there
        assert chip.start(WATCHDOG) == "safe mode of a: OSError flash worn\n"
    assert chip["starts"] == "3 ! OSError flash worn"
    said = chip.start(POWER_ON)  # whoever takes the power away wants it to try again
    assert "a runs" in said
    assert chip.start(WATCHDOG).startswith("safe mode of a")


@pytest.mark.parametrize("app, reason", [(b"\x00garbage(", "SyntaxError"), (b"import nothing_of_that_name", "ImportError"), (b"", "AttributeError"),
                                         (b"raise MemoryError", "MemoryError")])  # fmt: skip
def test_a_firmware_that_cannot_even_be_loaded(chip: Chip, app: bytes, reason: str) -> None:
    chip.firmware("a", app)
    for _ in range(3):
        chip.start(WATCHDOG)
    assert f"safe mode of a: {reason}" in chip.start(WATCHDOG)


def test_what_ends_without_a_word_is_told_by_how_it_ended(chip: Chip) -> None:
    for cause, told in ((WATCHDOG, "the watchdog had to reset it"), (RESET, "it was reset before it ran for long")):
        for _ in range(3):
            chip.start(cause)
        assert chip["starts"].startswith("3 ?")
        assert told in chip.start(cause)
        (chip.folder / "starts").unlink()


def test_power_that_goes_is_not_the_firmwares_fault(chip: Chip) -> None:
    for _ in range(8):
        assert "a runs" in chip.start(POWER_ON)
    assert chip["starts"] == "1 ? "


def test_the_owner_at_the_prompt_counts_nothing(chip: Chip) -> None:
    chip["slot"] = "b a 2"
    chip.firmware("b")
    for _ in range(5):
        assert "b runs" in chip.start(SOFT)
    assert (chip["slot"], chip["starts"]) == ("b a 2", None)
    chip.firmware("b", "raise KeyboardInterrupt")
    for _ in range(5):
        chip["slot"] = "b"
        assert "stopped; a reset starts it again" in chip.start(RESET)
        assert chip["starts"] is None


def test_a_trial_that_fails_three_times_is_taken_back(chip: Chip) -> None:
    chip.firmware("b", BROKEN)
    chip["slot"] = "b a 3 0.2.0"
    for left in "210":
        assert "b runs" in chip.start(WATCHDOG)
        assert chip["slot"] == f"b a {left} 0.2.0"
    assert "a runs" in chip.start(WATCHDOG)
    assert chip["slot"] == "a - update 0.2.0 was taken back: OSError flash worn"
    assert chip["starts"] == "1 ? "


def test_a_trial_that_is_not_there_or_cannot_be_counted_is_not_started(chip: Chip) -> None:
    chip["slot"] = "b a 3"
    assert "a runs" in chip.start()
    assert chip["slot"] == "a - update was taken back: it could not be started"
    chip.firmware("b")
    chip["slot"] = "b a 3"
    (chip.folder / "slot.new").mkdir()  # as a full flash: it cannot be written
    assert "a runs" in chip.start()
    assert chip["slot"] == "b a 3"


def test_safe_mode_of_the_other_copy_and_a_plain_message_where_there_is_none(chip: Chip) -> None:
    chip.firmware("a", b"import nothing", b"\xff\xff")
    chip.firmware("b")
    chip["starts"] = "3 ! ImportError"
    said = chip.start()
    assert "safe mode from" in said and "safe mode of b: ImportError" in said
    chip.firmware("b", b"", b"1/0")
    said = chip.start()
    assert "no copy of the firmware on this board is whole (ImportError)" in said and "meterbridge deploy --port" in said
    assert not chip.watchdog.exists()  # the prompt is left in peace


def test_nothing_there_but_the_two_files(chip: Chip) -> None:
    for path in (chip.folder / "a" / "bridge").iterdir():
        path.unlink()
    for _ in range(3):
        assert "ImportError" in chip.start(WATCHDOG)
    assert "no copy of the firmware on this board is whole" in chip.start(WATCHDOG)


def test_main_runs_though_boot_is_garbage(chip: Chip) -> None:
    for garbage in (b"\x00\x01", b"raise MemoryError", b"", b"while"):
        chip["boot.py"] = garbage
        chip.folder.joinpath("bridge").symlink_to("a/bridge")
        assert "a runs" in chip.start()
        chip.firmware("a", BROKEN)
        assert "OSError: flash worn" in chip.start() and chip.watchdog.exists()
        chip.firmware("a")
        chip.folder.joinpath("bridge").unlink()
