"""The fakes of boards/sim offer nothing that the ESP32 port lacks, refuse what it refuses, and read a line as a UART would."""

import ast
import json
import os
import re
import subprocess
import sysconfig
import termios
import threading
import tty
from functools import cache
from pathlib import Path

import pytest

from host_tools import runtime

STUBS = Path(sysconfig.get_paths()["purelib"])  # micropython-esp32-stubs puts its .pyi files there
MODULES = ("machine", "network", "esp32")
STREAM = {"ioctl"}  # how MicroPython asks a stream written in Python; a stream in C has no such attribute
OBJECT = {"__init__", "__new__", "__call__", "__repr__"}
HAL = sorted((runtime.FIRMWARE / "bridge" / "hal").glob("*.py"))


@cache
def stub(module: str) -> dict[str, ast.AST]:
    """Top-level definitions of a stub; a class that is there more than once is merged."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse((STUBS / f"{module}.pyi").read_text(encoding="utf-8")).body:
        for name in _names(node):
            found.setdefault(name, node)
    return found


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def members(cls: ast.ClassDef) -> set[str]:
    return {name for node in cls.body for name in _names(node)}


def parameters(scope: list[ast.AST], name: str) -> set[str]:
    """Names of all parameters of all overloads of a function in a stub or fake."""
    found = set()
    for node in scope:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            arguments = node.args
            found |= {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return found


def fake(code: str, chip: dict | None = None, tmp_path: Path | None = None, args: tuple = ()) -> str:
    """Standard output of `code` on MicroPython with the fakes on its path."""
    extra = {}
    if tmp_path:
        (tmp_path / "chip.json").write_text(json.dumps(chip or {}))
        extra["MB_SIM"] = str(tmp_path / "chip.json")
    run = subprocess.run(
        [runtime.find_micropython(), "-c", code, *args], env=runtime.environment(extra=extra), capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("module", MODULES)
def test_fake_offers_only_what_the_port_has(module: str) -> None:
    listing = fake(
        f"import json, {module} as m\n"
        "print(json.dumps([[n, [a for a in dir(getattr(m, n))] if isinstance(getattr(m, n), type) else None] for n in dir(m)]))"
    )
    for name, attributes in json.loads(listing):
        if name.startswith("_"):
            continue
        assert name in stub(module), f"{module}.{name}"
        node = stub(module)[name]
        for attribute in attributes or ():
            if not attribute.startswith("_") and attribute not in STREAM:
                assert attribute in members(node), f"{module}.{name}.{attribute}"


def test_fake_rmt_offers_only_what_the_port_has() -> None:
    """It is loaded when it is asked for, so the module does not list it."""
    offered = json.loads(fake("import json, esp32\nprint(json.dumps([dir(esp32.RMT), esp32.RMT.PULSE_MAX]))"))
    assert {name for name in offered[0] if not name.startswith("_")} <= members(stub("esp32")["RMT"]) and offered[1] == 32767


@pytest.mark.parametrize("module", MODULES)
def test_fake_has_the_port_s_numbers(module: str) -> None:
    """Every constant that a fake offers has the value that the stubs record from a real board."""
    wanted = {name: node for name, node in stub(module).items() if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant)}
    classes = {name: node for name, node in stub(module).items() if isinstance(node, ast.ClassDef)}
    for cls, node in classes.items():
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.value, ast.Constant) and isinstance(item.value.value, int):
                wanted[f"{cls}.{item.target.id}"] = item
    code = f"import json, {module}\nfound = {{}}\n"
    code += f"for n in {[name for name in wanted if name.split('.')[-1][0] != '_']}:\n"
    code += "    at = [n.split('.')[0], n.split('.')[-1]]\n"
    code += f"    o = {module}\n"
    code += "    if '.' in n:\n        o = getattr(o, at[0], None)\n    if o is not None and hasattr(o, at[1]):\n"
    code += "        found[n] = getattr(o, at[1])\nprint(json.dumps(found))"
    found = json.loads(fake(code))
    assert found
    for name, value in found.items():
        assert value == wanted[name].value.value, f"{module}.{name}"


@pytest.mark.parametrize("file, module", [("machine.py", "machine"), ("sim_uart.py", "machine"), ("network.py", "network"), ("esp32.py", "esp32"), ("sim_rmt.py", "esp32")])
def test_parameters_are_named_as_on_the_port(file: str, module: str) -> None:
    body = ast.parse((runtime.BOARDS / "sim" / file).read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert parameters(body, node.name) <= parameters(list(ast.iter_child_nodes(ast.Module([stub(module)[node.name]], []))), node.name)
        if not isinstance(node, ast.ClassDef):
            continue
        real = stub(module)[node.name].body
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name in ("__init__", "init", "connect"):
                assert parameters(node.body, method.name) <= parameters(real, method.name) | {"self"}, f"{node.name}.{method.name}"


@pytest.mark.parametrize("path", HAL, ids=[path.name for path in HAL])
def test_every_use_in_hal_exists_on_the_port(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                assert alias.name in stub(node.module)
                classes[alias.name] = stub(node.module)[alias.name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in MODULES:
                assert node.attr in stub(node.value.id), f"{node.value.id}.{node.attr}"
            if node.value.id in classes:
                assert node.attr in members(classes[node.value.id]), f"{node.value.id}.{node.attr}"


def test_every_use_of_the_station_exists_on_the_port() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in runtime.FIRMWARE.rglob("*.py"))
    used = set(re.findall(r"\b_?(?:wlan|station)\.(active|connect|config|disconnect|ifconfig|ipconfig|isconnected|scan|status)\(", text))
    used |= set(re.findall(r"\b_?wlan\.([a-z]\w*)\(", text)) - {"failure", "station"}
    assert used and used <= members(stub("network")["WLAN"])


REFUSED = [
    ("UART(3, 9600)", "ValueError: UART(3) does not exist"),
    ("UART(-1, 9600)", "ValueError: UART(-1) does not exist"),
    ("UART('1', 9600)", "TypeError: can't convert str to int"),
    ("UART(1, '9600')", "TypeError: can't convert str to int"),
    ("UART(1, 9600, bits=9)", "ValueError: invalid data bits"),
    ("UART(1, 9600, stop=3)", "ValueError: invalid stop bits"),
    ("UART(1, 9600, invert=1)", "ValueError: invalid inversion mask"),
    ("UART(1, 9600, rx=40)", "ValueError: invalid pin"),
    ("UART(1, 9600, rx=24)", "ValueError: invalid pin"),
    ("UART(1, 9600, rx=None)", "ValueError: invalid pin"),
    ("UART(1, 9600, tx=34)", "ValueError: pin can only be input"),
    ("UART(1, 9600, buffer=4096)", "TypeError"),
    ("UART(1, 9600).irq", "AttributeError"),
    ("UART(1, 9600).close()", "AttributeError"),
    ("Pin(99)", "ValueError: invalid pin"),
    ("Pin(True)", "ValueError: invalid pin"),
    ("Pin(36, Pin.OUT)", "ValueError: pin can only be input"),
    ("Pin(2, Pin.OUT, level=1)", "TypeError"),
    ("Pin(2).high()", "AttributeError"),
    ("WDT(timeout=999)", "ValueError: WDT timeout too short"),
    ("WDT(1, 5000)", "ValueError"),
    ("WDT(timeout=5000).stop()", "AttributeError"),
    ("RTC().memory(bytes(2049))", "ValueError: buffer too long"),
    ("RTC().datetime((2024, 1, 1))", "ValueError"),
    ("machine.freq(100_000_000)", "ValueError: frequency"),
    ("machine.Timer(0)", "AttributeError"),
    ("machine.bootloader()", "AttributeError"),
    ("network.WLAN(5)", "ValueError: invalid WLAN interface identifier"),
    ("network.WLAN(0).connect('a', 'b')", "OSError: Wifi Not Started"),
    ("on().config(ssid='x')", "OSError: AP required"),
    ("on().config('rssi')", "ValueError: unknown config param"),
    ("on().config(power=3)", "ValueError: unknown config param"),
    ("on().config('mac', 'ssid')", "TypeError: can query only one param"),
    ("on().config('mac', pm=0)", "TypeError: either pos or kw args are allowed"),
    ("on().config(txpower=22)", "RuntimeError: Wifi Unknown Error 0x0102"),
    ("on().status('noise')", "ValueError: unknown status param"),
    ("on().status('rssi')", "OSError: Wifi Not Connected"),
    ("on().connect('a', 'b', timeout=3)", "TypeError"),
    ("on().connect('a', 'b', bssid=b'123')", "ValueError"),
    ("twice()", "OSError: Wifi Internal State Error"),
    ("joined().connect('a')", "OSError: Wifi Internal Error"),
    ("on().scan(block=False)", "TypeError"),
    ("on().ifconfig(('192.168.1.20', '255.255.255.0', '192.168.1.1'))", "ValueError: requested length 4"),
    ("on().ifconfig(('192.168.1.20', '255.255.255.0', '192.168.1.256', '1.1.1.1'))", "ValueError: invalid arguments"),
    ("on().status('stations')", "OSError: AP required"),
    ("network.WLAN(0).scan()", "no error"),
    ("network.WLAN(1).config(ssid='x')", "OSError: Wifi Invalid Mode"),
    ("own().config(security=3, key='seven77')", "OSError: Wifi Invalid Password"),
    ("own().config(channel=14, security=0)", "RuntimeError: Wifi Unknown Error 0x0102"),
    ("own().config(channel=6, max_clients=11)", "RuntimeError: Wifi Unknown Error 0x0102"),
    ("own().config(reconnects=1)", "OSError: STA required"),
    ("own().config('key')", "ValueError: unknown config param"),
    ("own().connect('a')", "OSError: STA required"),
    ("own().scan()", "OSError: STA must be active"),
    ("own().status('rssi')", "OSError: STA required"),
    ("network.country('NLD')", "ValueError"),
    ("network.hostname('x' * 33)", "ValueError"),
    ("network.LAN()", "AttributeError"),
    ("esp32.idf_heap_info('data')", "TypeError"),
    ("esp32.NVS('a')", "AttributeError"),
]


def test_fakes_refuse_what_the_port_refuses() -> None:
    code = (
        "import machine, network, esp32, json, sys\n"
        "from machine import UART, Pin, WDT, RTC\n"
        "def on():\n    w = network.WLAN(0)\n    w.active(True)\n    return w\n"
        "def own():\n    w = network.WLAN(1)\n    w.active(True)\n    return w\n"
        "def joined():\n    import time\n    w = on()\n    w.disconnect()\n    w.connect('a')\n    time.sleep_ms(100)\n    w.isconnected()\n    return w\n"
        "def twice():\n    w = on()\n    w.connect('a', 'b')\n    w.connect('a', 'b')\n"
        "out = []\n"
        "for text in json.loads(sys.argv[1] if len(sys.argv) > 1 else '[]') or TEXTS:\n"
        "    try:\n        eval(text)\n        out.append('no error')\n"
        "    except Exception as error:\n        out.append('%s: %s' % (type(error).__name__, error))\n"
        "print(json.dumps(out))"
    ).replace("json.loads(sys.argv[1] if len(sys.argv) > 1 else '[]') or TEXTS", repr([text for text, _ in REFUSED]))
    for (text, expected), got in zip(REFUSED, json.loads(fake(code)), strict=True):
        assert got.startswith(expected), f"{text}: {got}"


STATION = """
import network, time, json, sys
w = network.WLAN(network.STA_IF)
w.active(True)
w.config(reconnects=0)
def join(ssid, password):
    w.connect(ssid, password)
    first = w.status()
    time.sleep_ms(120)
    return [first, w.status(), w.isconnected()]
out = [join('home', 'wrong'), join('other', 'secret1'), join('home', 'secret1')]
with open(WIFI, 'w') as file:
    json.dump({'ssid': 'home', 'password': 'secret1', 'up': False}, file)
out.append([w.isconnected(), w.status()])
out.append(join('home', 'secret1'))
w.disconnect()
w.config(reconnects=-1)
w.connect('home', 'secret1')
time.sleep_ms(300)
out.append([w.status(), w.isconnected()])
with open(WIFI, 'w') as file:
    json.dump({'ssid': 'home', 'password': 'secret1', 'up': True}, file)
time.sleep_ms(300)
out.append([w.status(), w.isconnected(), w.ifconfig()[0], w.config('ssid')])
print(json.dumps(out))
"""


def test_station_joins_fails_and_loses_the_access_point(tmp_path: Path) -> None:
    wifi = tmp_path / "wifi.json"
    wifi.write_text('{"ssid": "home", "password": "secret1", "up": true}')
    found = json.loads(fake(STATION.replace("WIFI", repr(str(wifi))), {"wifi": str(wifi)}, tmp_path))
    connecting, got_ip, beacon, no_ap, wrong = 1001, 1010, 200, 201, 202  # of the ESP32's network module
    assert found == [
        [connecting, wrong, False],
        [wrong, no_ap, False],  # what the driver said last, it says until there is an address
        [no_ap, got_ip, True],
        [False, beacon],
        [connecting, no_ap, False],
        [no_ap, False],  # with retries of its own the driver says nothing else
        [got_ip, True, "127.0.0.1", "home"],
    ]


AIR = """
import network, time, json
w = network.WLAN(network.STA_IF)
w.active(True)
w.config(reconnects=0)
found = json.loads(open(WIFI).read())
def air(**changes):
    found.update(changes)
    with open(WIFI, 'w') as file:
        json.dump(found, file)
def join(*how, **more):
    w.disconnect()
    w.connect(*how, **more)
    time.sleep_ms(120)
    return [w.status(), w.isconnected()]
one, two = b"\\x02\\0\\0\\0\\0\\1", b"\\x02\\0\\0\\0\\0\\2"
out = [[[n.decode(), b[5], c, r, a] for n, b, c, r, a, _ in w.scan()]]
out.append(join('home', 'secret word', bssid=one) + [w.status('rssi'), w.config('channel')])
air(stall=1)
out.append([network._carries(), join('home', 'secret word'), w.config('channel'), network._carries()])
found['points'][1]['kick'] = 1
air()
out.append([w.isconnected(), w.status()])
out.append(join('home', 'wrong word', bssid=two))
found['points'][0]['refuse'] = 5
air()
out.append(join('home', 'secret word', bssid=one))
air(dhcp_ms=None)
out.append(join('home', 'secret word', bssid=two) + [w.status('rssi')])
w.ifconfig(('192.168.1.20', '255.255.255.0', '192.168.1.1', '192.168.1.2'))
out.append([w.isconnected(), w.ifconfig(), w.ipconfig('dhcp4')])
w.ipconfig(addr4='10.0.0.7/22', gw4='10.0.0.1')
out.append([w.ipconfig('addr4'), w.ipconfig('gw4'), w.ifconfig()[3]])
print(json.dumps(out))
"""
CELLAR = [
    {"ssid": "home", "password": "secret word", "bssid": "02:00:00:00:00:01", "channel": 1, "rssi": -80},
    {"ssid": "home", "password": "secret word", "bssid": "02:00:00:00:00:02", "channel": 11, "rssi": -60, "wrong": 15},
    {"ssid": "secret name", "password": "", "hidden": True, "bssid": "02:00:00:00:00:03", "rssi": -50},
]


def test_several_access_points_and_what_they_say(tmp_path: Path) -> None:
    wifi = tmp_path / "wifi.json"
    wifi.write_text(json.dumps({"points": CELLAR}))
    found = json.loads(fake(AIR.replace("WIFI", repr(str(wifi))), {"wifi": str(wifi)}, tmp_path))
    connecting = 1001
    assert found == [
        [["", 3, 6, -50, 0], ["home", 2, 11, -60, 3], ["home", 1, 1, -80, 3]],
        [1010, True, -80, 1],
        [False, [1010, True], 11, True],
        [False, 4],
        [15, False],
        [5, False],
        [connecting, False, -60],  # joined, but without an address
        [True, ["192.168.1.20", "255.255.255.0", "192.168.1.1", "192.168.1.2"], False],
        [["10.0.0.7", "255.255.252.0"], "10.0.0.1", "192.168.1.2"],
    ]


OWN = """
import network, json
s, a = network.WLAN(network.STA_IF), network.WLAN(network.AP_IF)
assert a is network.WLAN(1) and a is not s
out = [a.active(), a.active(True), s.active(True), a.ifconfig()[0], a.isconnected()]
a.config(ssid='meterbridge-d4e5f6', key='eight888', security=network.AUTH_WPA2_PSK, max_clients=1, channel=11)
out += [a.config('essid'), a.config('authmode'), a.config('max_clients'), a.config('channel'), s.config('channel')]
with open(WIFI, 'w') as file:
    json.dump({'stations': [['02:00:00:00:00:09', '192.168.4.2'], ['02:00:00:00:00:08', '192.168.4.3']]}, file)
out += [a.isconnected(), [address for mac, address in a.status('stations')], a.config('mac') != s.config('mac'), a.active(False), s.active()]
print(json.dumps(out))
"""


def test_an_access_point_of_its_own_beside_the_station(tmp_path: Path) -> None:
    wifi = tmp_path / "wifi.json"
    found = json.loads(fake(OWN.replace("WIFI", repr(str(wifi))), {"wifi": str(wifi)}, tmp_path))
    assert found == [False, True, True, "192.168.4.1", False, "meterbridge-d4e5f6", 3, 1, 11, 11, True, ["192.168.4.2"], True, False, True]


def test_no_address_without_wifi(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "try:\n    socket.getaddrinfo('127.0.0.1', 80)\nexcept OSError as error:\n    print(error.args)\n"
    )
    assert fake(code, {"wifi": str(tmp_path / "none.json")}, tmp_path) == "(-202,)\n"
    assert fake(code, {}, tmp_path) == ""


# own settings (bits, parity, inverted), the meter's, what it sends, what a UART reads: worked out by hand, bit by bit
MISREAD = [
    # 7E1 read as 8N1: the parity bit is bit 7, set where the character has an odd number of ones
    ((115200, 8, None, False), (115200, 7, 0, False), b"/A\x00\x7f", b"\xaf\x41\x00\xff"),
    # 7O1 read as 7E1: parity is not checked, the byte is right
    ((9600, 7, 0, False), (9600, 7, 1, False), b"/A", b"/A"),
    # 8N1 read as 7E1: bit 7 is taken for parity
    ((9600, 7, 0, False), (9600, 8, None, False), b"\xc1A", b"AA"),
    # half the speed: it samples 3, 5, 7, 9, ... bit times after the edge; a 0x00 is low for 9, so three of its bits are 0
    ((4800, 8, None, False), (9600, 8, None, False), b"\x00", b"\xf8"),
    # double speed: every bit is seen twice; 0xff is a start bit of two of its bit times, then all ones
    ((19200, 8, None, False), (9600, 8, None, False), b"\xff", b"\xfe"),
    # inverted: idle is low; 0x55 inverted is 1 0 1 0 1 0 1 0 1 0 on the wire: the first fall comes after the start bit
    ((9600, 8, None, True), (9600, 8, None, False), b"\x55", b"\x55"),
    # inverted 0xff: one short high, then low for ever: one start bit, all zeros
    ((9600, 8, None, True), (9600, 8, None, False), b"\xff", b"\x00"),
]


@pytest.mark.parametrize("own, meter, sent, expected", MISREAD)
def test_wrong_settings_read_what_a_uart_would(own: tuple, meter: tuple, sent: bytes, expected: bytes) -> None:
    code = (
        "import sim_line as s\n"
        f"own, meter = s.Line({own[0]}, {own[1]}, {own[2]}, 1, {own[3]}), s.Line({meter[0]}, {meter[1]}, {meter[2]}, 1, {meter[3]})\n"
        f"print(s.misread({sent!r}, meter, own))"
    )
    assert ast.literal_eval(fake(code)) == expected


UART_READ = """
import machine, sys, json
u = machine.UART(1, 115200, rx=16, tx=17, rxbuf=RXBUF)
print('ready')
sys.stdin.readline()
n, parts = u.any(), []
while True:
    data = u.read(100)
    if data is None:
        break
    parts.append(data)
print(json.dumps([n, u._lost, [b for part in parts for b in part]]))
"""


@pytest.mark.parametrize("rxbuf, sent, kept", [(256, 200, 200), (256, 256, 256), (256, 1500, 256), (2048, 1500, 1500)])
def test_bytes_beyond_rxbuf_are_lost(rxbuf: int, sent: int, kept: int, tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    settings = termios.tcgetattr(slave)
    settings[6][termios.VMIN] = 0  # a read of nothing returns at once, as the simulation's lines do
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    (tmp_path / "chip.json").write_text(json.dumps({"uart": os.ttyname(slave)}))
    data = bytes(i * 7 & 255 for i in range(sent))
    try:
        with subprocess.Popen(
            [runtime.find_micropython(), "-c", UART_READ.replace("RXBUF", str(rxbuf))],
            env=runtime.environment(extra={"MB_SIM": str(tmp_path / "chip.json")}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:
            end = threading.Timer(15, process.kill)
            end.start()
            assert process.stdout.readline() == "ready\n"
            os.write(master, data)
            process.stdin.write("go\n")
            process.stdin.flush()
            count, lost, got = json.loads(process.stdout.readline())
            end.cancel()
    finally:
        os.close(master)
        os.close(slave)
    assert (count, lost, bytes(got)) == (kept, sent - kept, data[:kept])
