"""Which names of a program are whose: its modules as syntax trees in, sets of names that may become others out.

What stays: what MicroPython calls so (micropython_names.txt, and anything taken from its modules), what some text says (settings,
JSON, names of modules), what a program beside this one uses, names of errors (people read them), dunder names.
"""

import ast
import re
from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names


def words_of(tree: ast.AST, apart: str = "[. ]") -> Iterator[str]:
    """Words of the texts that may name something: those that are an identifier, dotted ones, or several with blanks between."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w. ]*", node.value):
            yield from re.split(apart, node.value)


class Program:
    """What the names of all modules are; the sets hold those to be renamed.

    `attributes`, `shared` (globals that other modules import, parameters given by keyword), `both`: seen in the whole program;
    `own[module, class]`: attributes that only its own methods use; `private[module]`: globals that no other module imports.
    `mentioned`: every word of the program.
    """

    def __init__(self, trees: dict[str, ast.Module], known: set[str], fixed: list[ast.Module]):
        self._trees = trees
        self.mentioned = {name for tree in [*trees.values(), *fixed] for name in (*identifiers(tree), *words_of(tree))}
        self._kept = known | {name for tree in fixed for name in (*identifiers(tree), *words_of(tree))}
        self._kept |= {part for module in trees for part in module.split(".")}
        members: set[str] = set()
        defined: dict[str, set[str]] = {}
        imported: set[str] = set()
        self.keywords = set()
        foreign: set[str] = set()
        self._bases: dict[tuple[str, str], list[tuple[str, str]]] = {}
        callable_ = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
        for module, tree in trees.items():
            defined[module] = set(bound(tree.body))
            self._kept |= set(words_of(tree))
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute):
                    if isinstance(node.ctx, ast.Store):
                        members.add(node.attr)
                elif isinstance(node, ast.ClassDef):
                    members |= set(bound(node.body))
                    self._kept |= set(_loaded(node)) & set(bound(node.body))
                    if node.name.endswith("Error"):
                        self._kept.add(node.name)
                elif isinstance(node, ast.ImportFrom):
                    (imported if node.module in trees else self._kept).update(alias.name for alias in node.names)
                elif isinstance(node, ast.Import):
                    self._kept |= {part for alias in node.names for part in alias.name.split(".")}
                elif isinstance(node, ast.Call):
                    words = {word.arg for word in node.keywords if word.arg}
                    self.keywords |= words
                    if (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) not in callable_:
                        foreign |= words
        self._kept |= foreign
        reached = set().union(*(_through_modules(tree, trees, self._kept) for tree in trees.values()))
        everywhere = set().union(*defined.values())
        parameters = {node.arg for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.arg)}
        self.both = self._ours(everywhere & reached)
        self._own_members(members)
        self.attributes = self._ours(members) - self.both
        self.shared = self._ours(everywhere & imported | parameters & self.keywords) - self.both
        self.private = {module: self._ours(names) - self.both - self.shared for module, names in defined.items()}

    def _ours(self, names: set[str]) -> set[str]:
        return {name for name in names - self._kept if not (name.startswith("__") and name.endswith("__"))}

    def _own_members(self, members: set[str]) -> None:
        """Sorts the private members by class; those that are reached through another object than `self` stay with all."""
        self.own: dict[tuple[str, str], set[str]] = {}
        inside: dict[tuple[str, str], set[str]] = {}
        outside: set[str] = set()
        for module, tree in self._trees.items():
            sources = {alias.asname or alias.name: (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
            within = set()
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    here = (module, node.name)
                    self._bases[here] = [sources.get(base.id, (module, base.id)) for base in node.bases if isinstance(base, ast.Name)]
                    inside[here] = set(bound(node.body))
                    for part in ast.walk(node):
                        if isinstance(part, ast.Attribute) and is_self(part.value):
                            inside[here].add(part.attr)
                            within.add(part)
            outside |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node not in within}
        private = {name for name in self._ours(members) if name.startswith("_") and name not in outside} - self.both
        for here, names in inside.items():
            self.own[here] = names & private
        members -= private

    def families(self) -> list[set[tuple[str, str]]]:
        """Classes (module, name) joined with those that they inherit from."""
        family = {one: {one} for one in self._bases}
        for one, bases in self._bases.items():
            for base in bases:
                if base in family and family[base] is not family[one]:
                    joined = family[base] | family[one]
                    family |= dict.fromkeys(joined, joined)
        return list({id(group): group for group in family.values()}.values())


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self" or isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"


def bound(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements define in their own scope."""
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname for alias in node.names if alias.asname)
        elif isinstance(node, (ast.If, ast.Try, ast.For, ast.While, ast.With)):
            for field in ("body", "orelse", "finalbody"):
                yield from bound(getattr(node, field, []))
            for handler in getattr(node, "handlers", []):
                yield from bound(handler.body)
            if isinstance(node, ast.For):
                yield from (part.id for part in ast.walk(node.target) if isinstance(part, ast.Name))
        else:
            yield from (part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))


def _loaded(node: ast.ClassDef) -> Iterator[str]:
    """Names that a class's own body uses, outside its functions."""
    for statement in node.body:
        parts = [*statement.decorator_list, *statement.args.defaults] if isinstance(statement, FUNCTIONS) else [statement]
        yield from (one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))


def reached(trees: dict[str, ast.Module], fixed: Iterable[ast.Module]) -> set[str]:
    """Names that something other than an import by name may ask a module for."""
    found = {name for tree in fixed for name in identifiers(tree)}
    return found.union(*(_through_modules(tree, trees, set()) for tree in trees.values()))


def _through_modules(tree: ast.Module, trees: dict[str, ast.Module], kept: set[str]) -> set[str]:
    """Names that a module reaches as attributes of our modules; those of MicroPython's modules are added to `kept`."""
    ours, others = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                (ours if f"{node.module}.{alias.name}" in trees else others).add(alias.asname or alias.name)
            if node.module in trees:
                others -= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            others |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ours:
                found.add(node.attr)
            elif node.value.id in others:
                kept.add(node.attr)
    return found


