"""The lamp by itself, on MicroPython with the fakes of pin and RMT in real time: with RMT and without, stopped under way, on an LED of the board's own."""

import json
import subprocess

import pytest

from host_tools import runtime
from host_tools.simulation.light import Light

FAR_S = 0.1  # on a busy machine; test_unlock.py has the exact times
START = """
import asyncio, sys, time
from array import array
import esp32
from machine import UART
from bridge.hal.lamp import play
def without():
    raise OSError(-261, "ESP_ERR_NOT_FOUND")
async def main():
    stop = asyncio.Event()
"""


def run(code, tmp_path, **wired):
    """(edges as (lit, seconds since the first), what was printed)."""
    chip = tmp_path / "chip.json"
    with Light(tmp_path, lambda lit, at: None, **wired) as light:
        chip.write_text(json.dumps(light.chip()))
        text = START + "".join(f"    {line}\n" for line in code.strip().split("\n")) + "asyncio.run(main())\n"
        done = subprocess.run([runtime.find_micropython(), "-c", text], env=runtime.environment(board="sim", extra={"MB_SIM": str(chip)}),
                              capture_output=True, text=True, timeout=20)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    origin = light.seen[0][1] if light.seen else 0
    return [(lit, at - origin) for lit, at in light.seen], done.stdout


def same(edges, wanted):
    assert [lit for lit, _ in edges] == [True, False] * (len(wanted) // 2)
    assert all(-0.02 < at - due < FAR_S for (_, at), due in zip(edges, wanted, strict=True)), edges


HOW = {"rmt": "", "by hand": "esp32.RMT = lambda *a, **k: without()"}


@pytest.mark.parametrize("how", HOW)
def test_pulses_are_played_and_it_is_dark(how, tmp_path):
    edges, out = run(f"{HOW[how]}\nprint(await play(17, 0, array('H', (300, 200, 400, 100)), stop))\nawait asyncio.sleep_ms(100)", tmp_path)
    same(edges, [0, 0.3, 0.5, 0.9])
    assert out == "True\n"


@pytest.mark.parametrize("how", HOW)
def test_a_long_gap_is_as_long_as_it_shall_be(how, tmp_path):
    edges, _ = run(f"{HOW[how]}\nawait play(17, 0, array('H', (300, 2600, 300, 0)), stop)", tmp_path)
    same(edges, [0, 0.3, 2.9, 3.2])


@pytest.mark.parametrize("how", HOW)
def test_stopped_it_is_dark_at_once_and_can_play_again(how, tmp_path):
    code = f"""{HOW[how]}
async def end():
    await asyncio.sleep_ms(450)
    stop.set()
asyncio.create_task(end())
print(await play(17, 0, array('H', (300, 100, 300, 100, 300, 100)), stop))
print(await play(17, 0, array('H', (300, 100)), stop))
stop.clear()
print(await play(17, 0, array('H', (300, 0)), stop))
"""
    edges, out = run(code, tmp_path)
    assert out.split() == ["False", "False", "True"]
    assert [lit for lit, _ in edges[:4]] == [True, False, True, False] and edges[3][1] < 0.45 + FAR_S
    assert edges[-1][1] - edges[-2][1] > 0.29 and len(edges) == 6


def test_a_board_s_own_led_is_dark_but_for_its_pulses(tmp_path):
    code = """
from bridge.hal import board, uart
from bridge.uart.settings import parse
made = board.Board({"name": "x", "chip": "esp32", "uart": {"id": 2, "rx": 16, "tx": None}, "light": {"pin": 4}})
print(made.problems)
port = uart.Port(made, parse("9600 8N1"))
await asyncio.sleep_ms(50)
print(await port.shine(array('H', (300, 100)), stop), 'bridge.hal.lamp' in sys.modules)
await asyncio.sleep_ms(100)
"""
    edges, out = run(code, tmp_path, pin=4, on=1)
    same(edges, [0, 0.3])
    assert out == "[]\nTrue False\n"


def test_the_line_is_the_uart_s_again(tmp_path):
    code = """
from bridge.hal import board, uart
from bridge.uart.settings import parse
made = board.Board({"name": "x", "chip": "esp32", "uart": {"id": 2, "rx": 16, "tx": 17}})
port = uart.Port(made, parse("9600 8N1"))
port.set_line(parse("9600 7E1"))
await port.shine(array('H', (300, 100)), stop)
print(port.stream._line.baud, port.stream._line.bits, port.stream._line.parity)
from machine import Pin
Pin(17).value(0)
await asyncio.sleep_ms(50)
try:
    await port.shine(None, stop)
except TypeError:
    print('dark')
"""
    edges, out = run(code, tmp_path)
    same(edges[:2], [0, 0.3])
    assert edges[-1][0] is False and all(end - begin < FAR_S for (_, begin), (_, end) in zip(edges[2::2], edges[3::2]))
    assert out == "9600 7 0\ndark\n"


LIGHTS = {"head": ("17", {}), "led": ("None", {"pin": 4, "on": 1}), "led-low": ("17", {"pin": 4, "on": 0}), "head beside a led": ("17", {"pin": 17, "on": 0})}


@pytest.mark.parametrize("light", LIGHTS)
def test_it_is_dark_while_the_line_is_opened_and_whatever_is_listened_at(light, tmp_path):
    tx, wired = LIGHTS[light]
    led = "" if light == "head" else ', "light": {"pin": 4, "active_low": %s}' % (wired["on"] == 0 and wired["pin"] == 4)
    code = """
from bridge.hal import board, uart
from bridge.uart.settings import parse
made = board.Board({"name": "x", "chip": "esp32", "uart": {"id": 2, "rx": 16, "tx": %s}%s})
port = uart.Port(made, parse("115200 8N1 inverted"))
for line in ("9600 8N1", "9600 7E1", "300 7E1", "115200 8N1", "115200 8N1 inverted", "2400 8E1"):
    port.set_line(parse(line))
    port.at_rest()
    await asyncio.sleep_ms(5)
print(made.problems)
""" % (tx, led)  # fmt: skip
    edges, out = run(code, tmp_path, **wired)
    assert edges == [] and out == "[]\n"
