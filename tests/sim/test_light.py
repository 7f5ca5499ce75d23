"""The way of the light: pulses that code on MicroPython makes with the fake pin and the fake RMT reach the eye of a meter with their true times."""

import json
import subprocess
import time

import pytest

from host_tools import runtime
from host_tools.meters.eye import ENTRY, TEST, Eye
from host_tools.simulation.dongle import Dongle
from host_tools.simulation.light import TX_PIN, Light

FAR_S = 0.1  # what a duration may be off on a busy machine, in the sleep of the one who made it
START = "import utime, esp32, machine\nfrom machine import Pin, UART\n"


def start(code, tmp_path, light):
    chip = tmp_path / "chip.json"
    chip.write_text(json.dumps(light.chip()))
    return subprocess.Popen([runtime.find_micropython(), "-c", START + code], env=runtime.environment(extra={"MB_SIM": str(chip)}),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(code, tmp_path, on_change=lambda lit, at: None, **wired):
    """(edges as (lit, seconds since the first), what was printed)."""
    with Light(tmp_path, on_change, **wired) as light:
        process = start(code, tmp_path, light)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0, out
    origin = light.seen[0][1] if light.seen else 0
    return [(lit, at - origin) for lit, at in light.seen], out


def refused(code, tmp_path):
    _, out = run(f"p = Pin(17, Pin.OUT, value=1)\ntry:\n    {code}\nexcept Exception as error:\n    print(type(error).__name__, error)", tmp_path)
    return out.strip()


def test_pulses_of_a_pin_reach_the_eye_with_their_durations(tmp_path):
    eye = Eye()
    code = """
p = Pin(17, Pin.OUT, value=1)
for on in (400, 60, 300):
    p.value(0)
    a = utime.ticks_us()
    utime.sleep_ms(on)
    b = utime.ticks_us()
    p.value(1)
    print(utime.ticks_diff(b, a))
    utime.sleep_ms(200)
"""
    edges, out = run(code, tmp_path, eye.light)
    assert [lit for lit, _ in edges] == [True, False] * 3
    for (_, begun), (_, ended), told in zip(edges[::2], edges[1::2], out.split(), strict=True):
        assert -0.001 < ended - begun - int(told) / 1e6 < FAR_S
    assert [one.kind for one in eye.log] == ["short", "state", "ignored", "short", "state"] and eye.state == ENTRY


def test_the_led_may_shine_at_the_other_level_of_another_pin(tmp_path):
    edges, _ = run("Pin(17, Pin.OUT, value=0)\np = Pin(4, Pin.OUT, value=0)\np.on()\nutime.sleep_ms(30)\np.off()\n", tmp_path, pin=4, on=1)
    assert [lit for lit, _ in edges] == [True, False] and edges[1][1] > 0.025


def test_a_uart_is_dark_and_takes_the_pin_back(tmp_path):
    code = """
u = UART(2, 9600, rx=16, tx=17)
u.write(bytes(8))
p = Pin(17, Pin.OUT, value=0)
utime.sleep_ms(30)
u.init(9600, rx=16, tx=17)
p.value(0)
utime.sleep_ms(30)
"""
    edges, _ = run(code, tmp_path)
    assert [lit for lit, _ in edges] == [True, False] and edges[1][1] < 0.03 + FAR_S
    assert [lit for lit, _ in run("UART(2, 9600, rx=16, tx=17, invert=UART.INV_TX)\nutime.sleep_ms(30)\n", tmp_path)[0]] == [True, False]


def test_an_output_without_a_level_is_low_and_an_input_is_dark(tmp_path):
    assert run("Pin(17)\nPin(17, Pin.IN)\nPin(17).value(0)\n", tmp_path)[0] == []
    assert [lit for lit, _ in run("Pin(17, Pin.OUT)\nutime.sleep_ms(10)\nPin(17, Pin.IN)\nutime.sleep_ms(10)\n", tmp_path)[0]] == [True, False]


@pytest.mark.parametrize("end", ["machine.reset()", "raise ValueError", "import os\nos.system('kill -9 $PPID')"])
def test_a_chip_that_stops_is_dark(end, tmp_path):
    eye = Eye()
    with Light(tmp_path, eye.light) as light:
        process = start(f"p = Pin(17, Pin.OUT, value=0)\nutime.sleep_ms(150)\n{end}\n", tmp_path, light)
        process.communicate(timeout=20)
        deadline = time.monotonic() + 5
        while len(light.seen) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [lit for lit, _ in light.seen] == [True, False] and eye.state == TEST
        # and the next one shines again
        start("p = Pin(17, Pin.OUT, value=0)\nutime.sleep_ms(150)\np.value(1)\n", tmp_path, light).communicate(timeout=20)
    assert [lit for lit, _ in light.seen] == [True, False] * 2 and eye.state == ENTRY


PULSES = "r = esp32.RMT(0, pin=p, resolution_hz=400000, idle_level=True)\n"


def test_pulses_of_the_rmt_are_exact_whatever_the_program_does(tmp_path):
    code = f"""
p = Pin(17, Pin.OUT, value=1)
{PULSES}
r.write_pulses([30000, 30000, 20000, 30000, 30000, 30000], [0, 0, 1, 0, 1, 1])
print(r.active(), r.wait_done())
utime.sleep_ms(100)
print(r.wait_done(timeout=5000), r.active())
p.init(Pin.OUT, value=1)
r.deinit()
"""
    edges, out = run(code, tmp_path)
    assert out.split() == ["True", "False", "True", "False"]
    # made, it is low at once; the pulses begin a little later: the first one is that much longer
    assert [lit for lit, _ in edges] == [True, False, True, False]
    late = edges[1][1] - 0.150
    assert 0 <= late < FAR_S
    assert [round(at - late, 6) for _, at in edges[1:]] == [0.15, 0.2, 0.275]


def test_pulses_to_come_end_with_the_chip_and_with_the_pin(tmp_path):
    edges, _ = run(f"p = Pin(17, Pin.OUT, value=1)\n{PULSES}r.write_pulses([30000] * 8, False)\nutime.sleep_ms(100)\n", tmp_path)
    assert [lit for lit, _ in edges] == [True, False, True, False][: len(edges)] and edges[-1][1] < 0.3 and not edges[-1][0]
    code = f"p = Pin(17, Pin.OUT, value=1)\n{PULSES}r.write_pulses([30000] * 8, False)\nutime.sleep_ms(100)\np.init(Pin.OUT, value=1)\nutime.sleep_ms(400)\n"
    edges, _ = run(code, tmp_path)
    assert [lit for lit, _ in edges] == [True, False, True, False][: len(edges)] and edges[-1][1] < 0.3


@pytest.mark.parametrize("code, error", [
    ("esp32.RMT(0)", "TypeError"), ("esp32.RMT(0, pin=17)", "ValueError expecting a pin"), ("esp32.RMT(0, pin=Pin(34))", "ValueError pin can only"),
    ("esp32.RMT(0, pin=p, clock_div=8, resolution_hz=1000000)", "ValueError resolution_hz and clock_div"), ("esp32.RMT(0, pin=p, clock_div=256)", "ValueError clock_div"),
    ("esp32.RMT(0, pin=p, resolution_hz=1000)", "OSError"), ("esp32.RMT(0, pin=p, num_symbols=48)", "ValueError num_symbols"),
    ("[esp32.RMT(pin=p) for _ in range(9)]", "OSError"), ("esp32.RMT(0, pin=p).write_pulses([])", "ValueError No pulses"),
    ("esp32.RMT(0, pin=p).write_pulses([32768])", "ValueError a duration"), ("esp32.RMT(0, pin=p).write_pulses([0])", "ValueError a duration"),
    ("esp32.RMT(0, pin=p).write_pulses(5)", "TypeError"), ("esp32.RMT(0, pin=p).write_pulses([1.5])", "TypeError"), ("esp32.RMT(0, pin=p).write_pulses([1, 2], [1])", "ValueError duration and data"),
    ("esp32.RMT(0, pin=p).active(True)", "ValueError activate"), ("esp32.RMT(0, pin=p).write_pulses([1], data=True)", "TypeError"),
    ("r = esp32.RMT(0, pin=p, resolution_hz=312500); r.write_pulses([32000] * 4); r.deinit()", "RuntimeError an ESP32 that stops"),
    ("r = esp32.RMT(0, pin=p); r.deinit(); r.deinit(); r.write_pulses([1])", "OSError already deinitialized"), ("esp32.PWM", "AttributeError"),
])
def test_the_rmt_refuses_what_the_port_refuses(code, error, tmp_path):
    assert refused(code, tmp_path).startswith(error)


def test_without_an_eye_pin_and_rmt_work_all_the_same(tmp_path):
    out = subprocess.run([runtime.find_micropython(), "-c", START + "p = Pin(17, Pin.OUT, value=0)\np.toggle()\nr = esp32.RMT(pin=p)\nr.write_pulses((9, 9))\nprint(p())"],
                         env=runtime.environment(), capture_output=True, text=True, timeout=20)
    assert out.stdout == "1\n", out.stderr


def test_a_dongle_s_led_is_seen_and_dark_while_it_only_listens(tmp_path):
    main = tmp_path / "main.py"
    main.write_text(START + "u = UART(2, 9600, rx=16, tx=17)\nprint('listens')\nutime.sleep_ms(100)\np = Pin(17, Pin.OUT, value=0)\nutime.sleep_ms(120)\nu.init(9600, rx=16, tx=17)\nprint('over')\nutime.sleep(30)\n")
    eye = Eye()
    with Light(tmp_path, eye.light) as light, Dongle(tmp_path, "tcp://127.0.0.1:9", None, main=main, light=light) as dongle:
        dongle.wait_for("listens")
        assert not light.seen
        dongle.wait_for("over")
    assert [lit for lit, _ in light.seen] == [True, False] and eye.state == TEST and light.pin == TX_PIN
