"""Shortens names that only the firmware's own code sees: source texts in, the same programs with less RAM for names out.

MicroPython keeps every attribute, function and argument name in RAM, once per different name (about 16 bytes and its letters).
Renamed are private names (one leading underscore) and positional parameters; public names, strings, keywords used in any call
and constants in capitals stay. Modules whose classes inherit from each other share one list of short names; others reuse them.
"""

import ast
import builtins
import keyword
import re
from collections.abc import Iterator

_PRIVATE = re.compile(r"_[a-z][A-Za-z0-9_]*")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def shorten(sources: dict[str, str]) -> dict[str, str]:
    """Sources by dotted module name (all modules of the program at once) -> shortened sources by the same names."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    kept = _kept(trees)
    shorts: dict[str, dict[str, str]] = {}
    for group in _families(trees):
        names = sorted({name for module in group for name in _private_names(trees[module])} - kept)
        fresh = _fresh("_", kept | {name for module in group for name in _all_names(trees[module])})
        mapping = {name: next(fresh) for name in names}
        shorts |= {module: mapping for module in group}
    keywords = _keywords(trees)
    for module, tree in trees.items():
        _Privates(shorts[module]).visit(tree)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                _shorten_parameters(node, keywords)
    return {module: ast.unparse(tree) + "\n" for module, tree in trees.items()}


def _fresh(prefix: str, taken: set[str]) -> Iterator[str]:
    """Short names that are not taken: a, b, ... z, aa, ab, ..."""
    for length in (1, 2, 3):
        for number in range(len(_LETTERS) ** length):
            word = ""
            for _ in range(length):
                number, rest = divmod(number, len(_LETTERS))
                word = _LETTERS[rest] + word
            name = prefix + word
            if name not in taken and not keyword.iskeyword(name) and not hasattr(builtins, name):
                yield name


def _all_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def _private_names(tree: ast.Module) -> Iterator[str]:
    return (name for name in _all_names(tree) if _PRIVATE.fullmatch(name))


def _kept(trees: dict[str, ast.Module]) -> set[str]:
    """Private names that must stay: not ours, imported by another module, reached through another object, or named in a string."""
    kept: set[str] = set()
    ours: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                ours.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                ours.add(node.id)
            elif isinstance(node, ast.Attribute):
                if isinstance(node.ctx, ast.Store):
                    ours.add(node.attr)
                if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
                    if not (isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"):
                        kept.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                kept |= {alias.name for alias in node.names} | {alias.asname for alias in node.names if alias.asname}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                kept.add(node.value)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                kept |= set(node.names)
    used = {name for tree in trees.values() for name in _private_names(tree)}
    return {name for name in used if name in kept or name not in ours}


def _families(trees: dict[str, ast.Module]) -> list[set[str]]:
    """Modules joined where a class of one inherits from a class that it imports from the other."""
    family = {module: {module} for module in trees}
    for module, tree in trees.items():
        sources = {alias.asname or alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        for node in ast.walk(tree):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                other = sources.get(getattr(base, "id", ""))
                if other in trees and family[other] is not family[module]:
                    joined = family[other] | family[module]
                    for one in joined:
                        family[one] = joined
    return [set(group) for group in {id(group): group for group in family.values()}.values()]


class _Privates(ast.NodeTransformer):
    """Renames names, attributes, definitions by a mapping."""

    def __init__(self, mapping: dict[str, str]):
        self._mapping = mapping

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "attr", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str) and value in self._mapping and not isinstance(node, ast.alias):
                setattr(node, field, self._mapping[value])
        return super().generic_visit(node)


def _keywords(trees: dict[str, ast.Module]) -> set[str]:
    """Every name that some call gives by keyword: a parameter of that name keeps it."""
    return {word.arg for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords if word.arg}


def _shorten_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, keywords: set[str]) -> None:
    """Renames positional parameters of a function that has no function or comprehension of its own inside."""
    nested = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.ClassDef)
    inside = [node for statement in function.body for node in ast.walk(statement)]
    if function.decorator_list or any(isinstance(node, nested) for node in inside):
        return
    arguments = [one for one in function.args.args if one.arg not in keywords and one.arg not in ("self", "cls")]
    taken = {node.id for node in inside if isinstance(node, ast.Name)} | {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    fresh = _fresh("", taken)
    mapping = {one.arg: next(fresh) for one in arguments}
    for one in arguments:
        one.arg = mapping[one.arg]
    for node in inside:
        if isinstance(node, ast.Name) and node.id in mapping:
            node.id = mapping[node.id]
        elif isinstance(node, ast.ExceptHandler) and node.name in mapping:
            node.name = mapping[node.name]
