"""Every board's data against the table of keys and chips; the checker itself against each kind of mistake; the firmware's view of it."""

import copy
import json
import subprocess
from pathlib import Path

import pytest

from host_tools import boards, runtime
from host_tools.errors import UserError

TABLE = boards.capabilities()
ALL = boards.names(simulator=True)


def test_there_are_boards_of_every_chip() -> None:
    assert len(boards.names()) >= 10
    assert "sim" in ALL and "sim" not in boards.names()
    assert {boards.load(name)["chip"] for name in boards.names()} == set(TABLE["chips"])


@pytest.mark.parametrize("name", ALL)
def test_board_is_valid(name: str) -> None:
    board = boards.load(name)
    assert boards.check(board, TABLE) == []
    assert board["name"] == name


GOOD = boards.load("generic-esp32")
MISTAKES = [
    ({"colour": "red"}, "colour: not a key"),
    ({"uart": {"id": 2, "rx": 16, "tx": 17, "inverted": True, "cts": 4}}, "uart.cts: not a key"),
    ({"chip": "esp8266"}, "chip: not one of"),
    ({"chip": None}, "chip: must be known"),
    ({"title": ""}, "title: not a text"),
    ({"title": 5}, "title: not a text"),
    ({"flash_mb": 3}, "flash_mb: not one of"),
    ({"flash_mb": True}, "flash_mb: not one of"),
    ({"psram": "yes"}, "psram: not true or false"),
    ({"uart": 2}, "uart: not an object"),
    ({"uart": None}, "uart: must be known"),
    ({"uart": {"id": 2, "rx": None, "tx": 17, "inverted": True}}, "uart.rx: must be known"),
    ({"uart": {"id": 3, "rx": 16, "tx": 17, "inverted": True}}, "uart.id: not a whole number"),
    ({"uart": {"id": 2, "rx": "16", "tx": 17, "inverted": True}}, "uart.rx: not a GPIO number"),
    ({"uart": {"id": 2, "rx": 24, "tx": 17, "inverted": True}}, "uart.rx: this chip has no GPIO 24"),
    ({"uart": {"id": 2, "rx": 9, "tx": 17, "inverted": True}}, "uart.rx: GPIO 9 belongs to the flash"),
    ({"uart": {"id": 2, "rx": 3, "tx": 17, "inverted": True}}, "uart.rx: GPIO 3 belongs to USB or the prompt"),
    ({"uart": {"id": 2, "rx": 16, "tx": 35, "inverted": True}}, "uart.tx: GPIO 35 can only be an input"),
    ({"uart": {"id": 2, "rx": 16, "tx": 16, "inverted": True}}, "uart.tx: GPIO 16 is already uart.rx"),
    ({"uart": {"id": 2, "rx": 17, "tx": None, "inverted": True}}, "uart.tx: GPIO 17 is already uart.rx"),
    ({"request_pin": 36}, "request_pin: GPIO 36 can only be an input"),
    ({"button": 16}, "button: GPIO 16 is already uart.rx"),
    ({"psram": True}, "uart.rx: GPIO 16 belongs to the PSRAM"),
    ({"led": {"pin": 2, "active_low": False, "kind": "neon"}}, "led.kind: not one of"),
    ({"led": {"pin": 2, "kind": "gpio"}}, "led.active_low: missing"),
    ({"interfaces": []}, "interfaces: not a list"),
    ({"interfaces": ["p1", "usb"]}, "interfaces: holds more than"),
    ({"line": "fast"}, "line: not a line"),
    ({"wifi": {"txpower_dbm": 30}}, "wifi.txpower_dbm: not a whole number"),
    ({"confidence": "sure"}, "confidence: not one of"),
    ({"source": None}, "source: must be known"),
]


@pytest.mark.parametrize("change, expected", MISTAKES, ids=[expected for _, expected in MISTAKES])
def test_checker_finds(change: dict, expected: str) -> None:
    found = boards.check({**copy.deepcopy(GOOD), **change}, TABLE)
    assert any(expected in problem for problem in found), found


def test_checker_finds_what_depends_on_the_chip() -> None:
    board = copy.deepcopy(boards.load("seeed-xiao-c3"))
    board["uart"]["id"] = 2
    assert boards.check(board, TABLE) == ["uart.id: this chip has 2 UARTs"]
    board["uart"].update(id=1, rx=12)
    assert boards.check(board, TABLE) == ["uart.rx: GPIO 12 belongs to the flash"]


@pytest.mark.parametrize("key", [key for key, rule in TABLE["keys"].items() if not rule.get("optional")])
def test_every_key_must_be_there(key: str) -> None:
    board = copy.deepcopy(GOOD)
    del board[key]
    assert f"{key}: missing" in boards.check(board, TABLE)


@pytest.mark.parametrize("name", ["", "nothing", "../boards", "sim/../sim"])
def test_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match="there are: .*generic-esp32"):
        boards.load(name)


def test_the_firmware_accepts_every_board() -> None:
    """hal.board on MicroPython finds no fault with any board, and its spare sending pins are the table's."""
    code = (
        "import json\n"
        "from bridge.hal import board, uart\n"
        "from bridge.uart.settings import parse\n"
        f"found = [board.load('{runtime.BOARDS}/%s/board.json' % name) for name in {ALL}]\n"
        "lines = [parse(b.line_for(p)).text() for b in found for p in ('auto', 'p1', 'sml')]\n"
        "print(json.dumps([[b.name, b.problems, b.uart] for b in found] + [uart._IDLE_TX]))"
    )
    run = subprocess.run(
        [runtime.find_micropython(), "-c", code], env=runtime.environment(), capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 0, run.stdout + run.stderr
    *found, idle = json.loads(run.stdout)
    assert found == [[name, [], boards.load(name)["uart"]] for name in ALL]
    assert idle == {chip: limits["idle_tx"] for chip, limits in TABLE["chips"].items()}


DAMAGED = [b"", b"\x00\xff\xfe", b"[1,2]", b"5", b"{", b"[" * 4000, b" " * 5000, b"\xc3\x28\x80"]
DAMAGED += [b'{"name": 5, "uart": {"id": 9}}', b'{"uart": {"id": 1, "rx": 40, "tx": 41, "inverted": true}}']


def test_a_damaged_board_file_never_keeps_the_firmware_from_starting(tmp_path: Path) -> None:
    """Each gives a problem in words and a line that is silent; no exception, in the heap of an ESP32."""
    for number, data in enumerate(DAMAGED):
        (tmp_path / str(number)).write_bytes(data)
    code = (
        "import json\n"
        "from bridge.hal import board, uart\n"
        "from bridge.uart.settings import parse\n"
        f"for name in {[str(tmp_path / str(number)) for number in range(len(DAMAGED) + 1)]}:\n"
        "    found = board.load(name)\n"
        "    line = uart.open_uart(found, parse(found.line_for('auto')))\n"
        "    print(json.dumps([len(found.problems) > 0, line.any(), line.readinto(bytearray(4))]))"
    )
    run = subprocess.run(
        [runtime.find_micropython(), "-X", "heapsize=112k", "-c", code], env=runtime.environment(), capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert [json.loads(line) for line in run.stdout.splitlines()] == [[True, 0, None]] * (len(DAMAGED) + 1)
