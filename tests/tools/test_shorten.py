"""Names made shorter for the device: what may change, what must stay, and that the programs still do the same."""

from host_tools.shorten import shorten

BASE = '''
class Base:
    def __init__(self, first, size):
        self._buffer = first
        self.size = size
    def _grow(self, amount):
        self._buffer += amount
        return self._buffer
'''
CHILD = '''
from base import Base
from helper import shown
_LIMIT = 3
def _twice(number):
    return number * 2
class Child(Base):
    def __init__(self, first):
        super().__init__(first, size=_twice(first))
        self._other = 1
    def run(self, amount):
        total = self._grow(amount) + self._other
        return [amount + one for one in range(total)], self.size, shown(self), getattr(self, "_named")
    _named = 7
'''
HELPER = '''
def shown(thing):
    return thing._other
def _unused(thing, *rest, key=None):
    return lambda thing=thing: thing
'''


def shortened() -> dict:
    return shorten({"base": BASE, "child": CHILD, "helper": HELPER})


def result_of(sources: dict) -> tuple:
    import sys
    import types

    modules = {name: types.ModuleType(name) for name in sources}
    before = {name: sys.modules.get(name) for name in sources}
    sys.modules.update(modules)
    try:
        for name in ("base", "helper", "child"):
            exec(compile(sources[name], name, "exec"), modules[name].__dict__)
        return modules["child"].Child(2).run(3)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def test_the_program_does_the_same():
    assert result_of(shortened()) == result_of({"base": BASE, "child": CHILD, "helper": HELPER}) == ([3, 4, 5, 6, 7, 8], 4, 1, 7)


def test_private_names_and_positional_parameters_are_short():
    text = "".join(shortened().values())
    for name in ("_buffer", "_grow", "_twice", "number", "__init__(self, first"):
        assert name not in text, name
    assert "def run(self, amount)" in text, "a comprehension inside uses it: left alone"


def test_names_that_others_use_stay():
    text = shortened()
    assert "._other" in text["helper"] and "self._other" in text["child"], "reached through another object"
    assert '_named' in text["child"], "named in a string"
    assert "size" in text["base"], "given by keyword"
    assert "_LIMIT" in text["child"], "a constant, which the compiler folds"


def test_a_family_of_classes_shares_its_names():
    text = shortened()
    grow = text["base"].split("def ")[2].split("(")[0]
    assert f"self.{grow}(" in text["child"]
