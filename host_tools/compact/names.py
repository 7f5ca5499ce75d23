"""Gives names that only the firmware's own code sees to words that cost no RAM: syntax trees in, renamed, and what was renamed to what out.

MicroPython keeps every name of an attribute, a function, a global in RAM once (some 10 bytes and its letters), but for those that
it knows itself: these are in flash. So `Reading.time_source` becomes `.acosh`, consistently in the whole program. Attributes and
globals never meet, nor do attributes of classes that are not related where only their own methods see them: those share words.
Which may change, `Program` says.
"""

import ast
import builtins
import itertools
import keyword
import string
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from host_tools.compact.program import FUNCTIONS, Program, identifiers, is_self

_LISTS = Path(__file__).with_name("micropython_names.txt")


def lists() -> tuple[list[str], list[str]]:
    """(words that are in the flash of every MicroPython and mean nothing on an object of ours, all names that it uses)."""
    words, names = [part.split() for part in _LISTS.read_text(encoding="utf-8").split("\n\n")[1:]]
    return words, names


def rename(trees: dict[str, ast.Module], fixed: Iterable[ast.Module] = (), parameters: bool = True) -> dict[str, dict[str, str]]:
    """Changes the trees, by dotted module name all modules of the program; `fixed` are programs beside it that stay as they are.
    Without `parameters` functions keep the names of theirs: those programs may use them.

    Gives by module: the word that stands in its file now -> the name that it had.
    """
    words, names = lists()
    program = Program(trees, set(names), list(fixed))
    if not parameters:
        program.shared -= program.keywords
    attributes = _spread(program.attributes | program.both, words, program.mentioned)
    both = {name: attributes[name] for name in program.both}
    shared = _spread(program.shared, words, program.mentioned | set(both.values()))
    classes = {}
    for family in program.families():
        own = set().union(*(program.own[one] for one in family))
        classes |= dict.fromkeys(family, attributes | _spread(own, words, program.mentioned | set(attributes.values())))
    keywords = {(both | shared).get(name, name) for name in program.keywords}
    told = {}
    for module, tree in trees.items():
        globals_ = both | shared
        used = {globals_[name] for name in identifiers(tree) if name in globals_}
        globals_ |= _spread(program.private[module], words, program.mentioned | used)
        told[module] = _Renamer(module, globals_, attributes, classes).run(tree)
        for node in ast.walk(tree):
            if parameters and isinstance(node, FUNCTIONS):
                _shorten_parameters(node, keywords)
    return told


def shorten_locals(tree: ast.Module) -> None:
    """Of a module that is compiled on the device, where local names cost as well."""
    for function in tree.body:
        if isinstance(function, FUNCTIONS):
            inside = list(ast.walk(function))
            own = {node.arg for node in inside if isinstance(node, ast.arg)}
            own |= {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            taken = {node.id for node in inside if isinstance(node, ast.Name)} - own
            _replace(inside, dict(zip(sorted(own), _short(taken))))


def _spread(names: set[str], words: list[str], taken: set[str]) -> dict[str, str]:
    """A word for each name, none of them taken: by a hash, so that one name more or less in the source changes few files."""
    found: dict[str, str] = {}
    used = set(taken)
    short = _short(used | set(words))
    for name in sorted(names):
        start = zlib.crc32(name.encode()) % len(words)
        found[name] = next((word for word in (*words[start:], *words[:start]) if word not in used), None) or next(short)
        used.add(found[name])
    return found


def _short(taken: set[str]) -> Iterator[str]:
    """a, b, ... z, aa, ab, ..., none of them taken."""
    for length in (1, 2, 3):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            word = "".join(letters)
            if word not in taken and not keyword.iskeyword(word) and not hasattr(builtins, word):
                yield word


class _Renamer(ast.NodeVisitor):
    """Renames in one module, and notes what became of what."""

    def __init__(self, module: str, globals_: dict[str, str], attributes: dict[str, str], classes: dict[tuple[str, str], dict[str, str]]):
        self._module = module
        self._globals = globals_
        self._attributes = attributes
        self._classes = classes
        self._members = attributes  # of the class that is being visited
        self._done: dict[str, set[str]] = {}

    def run(self, tree: ast.Module) -> dict[str, str]:
        """Gives the words of this module, with what each was; an attribute and a global may share one."""
        self.visit(tree)
        return {word: " or ".join(sorted(names)) for word, names in self._done.items()}

    def _new(self, mapping: dict[str, str], name: str) -> str:
        found = mapping.get(name, name)
        if found != name:
            self._done.setdefault(found, set()).add(name)
        return found

    def visit_Name(self, node: ast.Name) -> None:
        node.id = self._new(self._globals, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        node.attr = self._new(self._members if is_self(node.value) else self._attributes, node.attr)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer = self._members
        self._members = self._classes.get((self._module, node.name), self._attributes)
        node.name = self._new(self._globals, node.name)
        for base in node.bases:
            self.visit(base)
        for statement in node.body:
            self._member(statement)
        self._members = outer

    def _member(self, statement: ast.stmt) -> None:
        if isinstance(statement, FUNCTIONS):
            statement.name = self._new(self._members, statement.name)
            self.generic_visit(statement)
            return
        targets = [part for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
        for target in targets:
            target.id = self._new(self._members, target.id)
        value = getattr(statement, "value", None)
        if value is not None:
            self.visit(value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        node.name = self._new(self._globals, node.name)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arg(self, node: ast.arg) -> None:
        node.arg = self._new(self._globals, node.arg)
        if node.annotation:
            self.visit(node.annotation)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg:
            node.arg = self._new(self._globals, node.arg)
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            alias.name = self._new(self._globals, alias.name)
            if alias.asname:
                alias.asname = self._new(self._globals, alias.asname)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                alias.asname = self._new(self._globals, alias.asname)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            node.name = self._new(self._globals, node.name)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        node.names = [self._new(self._globals, name) for name in node.names]

    visit_Nonlocal = visit_Global


def _shorten_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, keywords: set[str]) -> None:
    """Gives positional parameters the shortest names."""
    inside = [node for statement in function.body for node in ast.walk(statement)]
    if any(isinstance(node, (ast.ClassDef, ast.Global, ast.Nonlocal)) for node in inside) or function.decorator_list:
        return
    arguments = [one for one in (*function.args.posonlyargs, *function.args.args) if one.arg not in keywords and one.arg not in ("self", "cls")]
    taken = set(identifiers(function))
    mapping = dict(zip((one.arg for one in arguments), _short(taken)))
    _replace([*inside, *arguments], mapping)


def _replace(nodes: Iterable[ast.AST], mapping: dict[str, str]) -> None:
    """Renames names and arguments, not attributes."""
    for node in nodes:
        field = {ast.Name: "id", ast.arg: "arg", ast.ExceptHandler: "name"}.get(type(node))
        if field and getattr(node, field) in mapping:
            setattr(node, field, mapping[getattr(node, field)])
