"""Names made shorter for the device: what may change, what must stay, and that the programs still do the same."""

import subprocess

import pytest

from host_tools import runtime
from host_tools.compact import compact, names, tracebacks

BASE = '''
LIMIT = 40
SIZES = (1, 2)
class Base:
    PROTOCOL = "p1"
    def __init__(self, first, size, kind="x"):
        self._buffer = first
        self.size = size
        self.long_kind = kind
    def _grow(self, amount):
        self._buffer += amount
        return self._buffer
    @property
    def doubled(self):
        return self._buffer * 2
'''
CHILD = '''
"""A docstring."""
from base import Base, LIMIT, SIZES
from helper import shown
import helper
import sys as _system
from binascii import hexlify
_TWO, _FOUR = 2, 2 * 2
def _twice(number):
    return number * _TWO
class OddError(Exception):
    pass
class Child(Base):
    """A docstring."""
    def __init__(self, first):
        super().__init__(first, size=_twice(first), kind="y")
        self._other = 1
        self.reached_by_name = LIMIT + _FOUR
    def run_it(self, amount):
        """A docstring."""
        total = self._grow(amount) + self._other
        hexlify(b"" if _system.version else b"x")
        try:
            raise OddError(total)
        except OddError as error:
            wrapped = [amount + one for one in range(error.args[0])]
        return wrapped, self.size, shown(self), getattr(self, "reached_by_name"), self.long_kind, helper.counted(), self.doubled, SIZES
'''
HELPER = '''
_count = 0
def shown(thing):
    return thing._other
def counted():
    global _count
    _count += 1
    return _count
def _unused(thing, *rest, key=None):
    return lambda thing=thing: thing
'''
MAIN = "from child import Child\nresult = Child(2).run_it(3)\n"
SOURCES = {"base": BASE, "child": CHILD, "helper": HELPER}


def shortened() -> tuple[dict, dict]:
    return compact(SOURCES, fixed=(MAIN,))


def result_of(sources: dict) -> tuple:
    import sys
    import types

    modules = {name: types.ModuleType(name) for name in sources}
    before = {name: sys.modules.get(name) for name in sources}
    sys.modules.update(modules)
    try:
        for name in ("base", "helper", "child"):
            exec(compile(sources[name], name, "exec"), modules[name].__dict__)
        found: dict = {}
        exec(MAIN, found)
        return found["result"]
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def test_the_program_does_the_same():
    assert result_of(shortened()[0]) == result_of(SOURCES) == ([3, 4, 5, 6, 7, 8], 4, 1, 44, "y", 1, 10, (1, 2))


def test_names_docstrings_and_constants_are_gone():
    text = "".join(shortened()[0].values())
    for name in ("_buffer", "_grow", "_twice", "number", "first", "size", "long_kind", "shown", "docstring", "LIMIT", "_TWO", "_FOUR", "Base", "doubled"):
        assert name not in text, name


def test_names_that_others_use_stay():
    text = shortened()[0]
    assert "Child" in text["child"] and "run_it" in text["child"], "used by a program that stays as it is"
    assert "self.reached_by_name" in text["child"], "named in a string"
    assert "hexlify" in text["child"] and ".args[0]" in text["child"], "MicroPython's"
    assert "OddError" in text["child"], "people read it"


def test_it_is_told_what_became_of_what():
    text, told = shortened()
    new = {old: new for new, words in told["child"].items() for old in words.split(" or ")}
    assert f"def {new['_twice']}(" in text["child"] and f"self.{new['size']}" in text["child"]
    assert set(told) == set(SOURCES)


def test_locals_of_what_the_device_compiles_are_short():
    source = "def run(buffer, at: int) -> int:\n    octets = ptr8(buffer)\n    return octets[at]\n"
    assert compact({"native": source}, native={"native"})[0]["native"] == "def run(a, b: int) -> int:\n    c = ptr8(a)\n    return c[b]\n"


def test_the_list_of_names_is_complete():
    """Whatever the modules that the firmware uses have, by MicroPython's own account."""
    modules = "array asyncio binascii builtins cryptolib errno gc io json micropython os socket ssl struct sys time"
    program = f"for name in {modules!r}.split():\n    module = __import__(name)\n    print(*dir(module))\n    for one in dir(module):\n        print(*dir(getattr(module, one)))\n"
    run = subprocess.run([runtime.find_micropython(), "-c", program], capture_output=True, text=True, check=True)
    known = set(names.lists()[1])
    missing = {name for name in run.stdout.split() if name.isidentifier() and not name.startswith("__")} - known
    assert not missing , missing


FIRST = '''
from helper import shared_name as known
from time import sleep
_LOW = [1]
def parse(text):
    return (known(text), _LOW)
def open_it(sleep=3):
    return sleep
class Thing:
    def parse(self):
        return parse("a")
'''
SECOND = '''
from first import Thing, parse as read
_LOW = [2]
def parse(text):
    open = read(text)
    return open, _LOW
def late():
    from first import open_it
    return open_it()
def keeps(path):
    return open
def folded(start):
    from box import third
    double = start + 1
    return third.double(double)[0]
'''
USER = "from second import parse, late, folded\nfrom first import parse as other, Thing\nfrom box import third\nresult = parse('x')[:2], late(), other('y'), Thing().parse(), third.double(2), folded(2)\n"
THIRD = "open = [5]\ndef double(number):\n    return number * 2, open\n"


def test_joined_modules_do_the_same():
    import sys
    import types

    sources = {"helper": "def shared_name(text):\n    return text\n", "first": FIRST, "second": SECOND, "box": "", "box.third": THIRD, "user": USER}
    for groups in ({}, {"all": ("second", "box.third", "first")}, {"second": ("first", "second")}):
        made = compact(sources, fixed=("from user import result\n",), groups=groups)[0]
        assert len(made) == len(sources) - len([name for members in groups.values() for name in members]) + len(groups)
        modules = {}
        try:
            for name in ("box", "helper", "first", "box.third", "second", "all", "user"):
                if name in made:
                    sys.modules[name] = modules[name] = types.ModuleType(name)
                    modules[name].__path__ = []
                    exec(compile(made[name], name, "exec"), modules[name].__dict__)
                    if name == "box.third":
                        modules["box"].third = modules[name]
        finally:
            for name in modules:
                del sys.modules[name]
        assert modules["user"].result == ((("x", [1]), [2]), 3, ("y", [1]), ("a", [1]), (4, [5]), 6), groups


def test_what_a_text_names_is_not_joined():
    with pytest.raises(ValueError, match="named in a text"):
        compact({"a.b": "x = 1\n", "a.c": "unload('a.b')\n"}, groups={"a.d": ("a.b", "a.c")})


def test_a_traceback_is_readable():
    text, told = shortened()
    word = next(word for word, old in told["child"].items() if "_twice" in old.split(" or "))
    line = f'  File "child", line 1, in {word}\n'
    assert tracebacks.readable(line, told).startswith('  File "child", line 1, in ') and "_twice" in tracebacks.readable(line, told)
    assert tracebacks.readable('File "asyncio/core.py", line 1, in run', told) == 'File "asyncio/core.py", line 1, in run'
