"""Joins modules that are always in memory together: syntax trees and groups in, fewer trees out.

A module takes some 300 bytes beside what it does: its table, its names, its imports. Names that two modules of a group use for
different things become different. A module that a text names (to import it by name) must not go into another; where one is unloaded, the
group is unloaded in the same call.
"""

import ast
import builtins
from collections.abc import Iterator

from host_tools.compact.program import bound, words_of


def join(trees: dict[str, ast.Module], groups: dict[str, tuple[str, ...]]) -> None:
    """Changes `trees`: the modules of each group become one, by the group's name (which may be that of a member)."""
    for group, members in groups.items():
        wanted = [name for name in members if name in trees]
        for tree in trees.values():
            _unload_whole(tree, group, wanted)
        texts = {word for tree in trees.values() for word in words_of(tree, " ")}
        named = [name for name in wanted if name in texts and name != group]
        if named:
            raise ValueError(f"{named[0]} is named in a text: it cannot be joined")
        _Join(trees, group, _in_order(trees, wanted)).run()


def _unload_whole(tree: ast.Module, group: str, members: list[str]) -> None:
    """Takes members out of the calls that unload the group as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "unload":
            texts = [part.value if isinstance(part, ast.Constant) else None for part in node.args]
            if group in texts:
                node.args = [part for part, text in zip(node.args, texts) if text == group or text not in members]


def _in_order(trees: dict[str, ast.Module], members: list[str]) -> list[str]:
    """The members such that each comes after what it imports."""
    found: list[str] = []

    def add(name: str) -> None:
        if name not in found:
            for node in trees[name].body:
                for part in ast.walk(node) if isinstance(node, (ast.ImportFrom, ast.Try)) else ():
                    if isinstance(part, ast.ImportFrom):
                        for other in (part.module, *(f"{part.module}.{alias.name}" for alias in part.names)):
                            if other in members and other != name:
                                add(other)
            found.append(name)

    for name in members:
        add(name)
    return found


class _Join:
    def __init__(self, trees: dict[str, ast.Module], group: str, members: list[str]):
        self._trees = trees
        self._group = group
        self._members = members
        self._meanings: dict[str, dict[str, tuple[str, str]]] = {}
        self._new: dict[tuple[str, str], str] = {}  # what a member's global becomes

    def run(self) -> None:
        for tree in self._trees.values():
            self._by_name(tree)
        self._choose_names()
        keywords = {word.arg for tree in self._trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
        for member in self._members:
            new = {name: new for (module, name), new in self._new.items() if module == member and new != name}
            wrong = keywords & set(new) & {node.arg for node in ast.walk(self._trees[member]) if isinstance(node, ast.arg)}
            if wrong:
                raise ValueError(f"{member}: {sorted(wrong)[0]} is a global and a parameter given by keyword")
            _rename_names(self._trees[member], new)
        for tree in self._trees.values():
            self._redirect(tree)
        imports: list[ast.stmt] = []
        rest: list[ast.stmt] = []
        for member in self._members:
            for statement in self._trees.pop(member).body:
                if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                    rest.append(statement)
                elif ast.dump(statement) not in {ast.dump(one) for one in imports}:
                    imports.append(statement)
                    rest.append(statement)
        self._trees[self._group] = ast.Module(rest, [])

    def _by_name(self, tree: ast.Module) -> None:
        """`from package import member` and `member.name` become an import of the name; imports are split in one per name."""
        taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for body in _bodies(tree):
            at = 0
            while at < len(body):
                statement = body[at]
                if isinstance(statement, ast.ImportFrom):
                    body[at : at + 1] = made = [one for alias in statement.names for one in self._split(tree, statement.module, alias, taken)]
                    at += len(made)
                else:
                    at += 1

    def _split(self, tree: ast.Module, module: str, alias: ast.alias, taken: set[str]) -> list[ast.stmt]:
        member = f"{module}.{alias.name}"
        if member not in self._members:
            return [ast.ImportFrom(module, [alias], 0)]
        here = alias.asname or alias.name
        names = sorted({node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == here})
        given = {name: f"{here}_{name}" for name in names}
        if taken & set(given.values()):
            raise ValueError(f"{sorted(taken & set(given.values()))[0]} is taken")
        _Attributes(here, given).visit(tree)
        if any(isinstance(node, ast.Name) and node.id == here for node in ast.walk(tree)):
            raise ValueError(f"{member} is used as an object: it cannot be joined")
        return [ast.ImportFrom(member, [ast.alias(name, given[name])], 0) for name in names]

    def _choose_names(self) -> None:
        """A global that means something else in another member gets a new name."""
        uses: dict[str, set[tuple[str, str]]] = {}
        for member in self._members:
            own = self._meanings[member] = self._meaning_of_names(member)
            mentioned = {node.id for node in ast.walk(self._trees[member]) if isinstance(node, ast.Name)}
            for name in mentioned - set(own):
                if hasattr(builtins, name):
                    uses.setdefault(name, set()).add(("builtins", name))
        for member, own in self._meanings.items():
            for name in own:
                uses.setdefault(name, set()).add(self._origin(member, name))
        number = 0
        for member, own in self._meanings.items():
            for name in own:
                if len(uses[name]) > 1 and self._origin(member, name)[0] not in set(self._members) - {member}:
                    number += 1
                    self._new[member, name] = f"{name}_j{number}"
        for member, own in self._meanings.items():  # a local of a module may be called like what it imports under another name
            words = {node.id if isinstance(node, ast.Name) else node.arg for node in ast.walk(self._trees[member]) if isinstance(node, (ast.Name, ast.arg))}
            for name in own:
                new, origin = self._name_in(member, name), self._origin(member, name)
                if new != name and new in words - set(own) and origin[0] in self._members:
                    number += 1
                    self._new[origin] = f"{new}_j{number}"
        for member, own in self._meanings.items():  # what one imports from another is called as there
            self._new |= {(member, name): self._name_in(member, name) for name in own}

    def _origin(self, member: str, name: str) -> tuple[str, str]:
        """(module, name) of what a member calls so."""
        meaning = self._meanings[member].get(name, (member, name))
        return self._origin(*meaning) if meaning[0] in self._members and meaning != (member, name) else meaning

    def _name_in(self, member: str, name: str) -> str:
        """What a member's global is called in the joined module."""
        origin = self._origin(member, name)
        return self._new.get(origin if origin[0] in self._members else (member, name), name if origin[0] not in self._members else origin[1])

    def _meaning_of_names(self, member: str) -> dict[str, tuple[str, str]]:
        """Each global of a member -> (module, name) where it comes from."""
        tree = self._trees[member]
        found = {name: (member, name) for name in bound(tree.body)}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.asname or alias.name: (alias.name, "") for alias in node.names}
            elif isinstance(node, ast.Try):
                found |= {alias.asname or alias.name: (member, alias.asname or alias.name) for part in ast.walk(node) if isinstance(part, ast.ImportFrom) for alias in part.names}
        for node in ast.walk(tree):  # members that a function imports
            if isinstance(node, ast.ImportFrom) and node.module in self._members:
                found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        return found

    def _redirect(self, tree: ast.Module) -> None:
        """Imports from a member: of the group, or none where it is the group itself."""
        inside = any(self._trees[member] is tree for member in self._members)
        for body in _bodies(tree):
            for at in range(len(body) - 1, -1, -1):
                statement = body[at]
                if isinstance(statement, ast.ImportFrom) and statement.module in self._members:
                    if inside and body is tree.body:
                        del body[at]
                        continue
                    if inside:
                        body[at] = ast.Pass()
                        continue
                    for alias in statement.names:
                        new = self._name_in(statement.module, alias.name)
                        if new != alias.name:
                            alias.name, alias.asname = new, alias.asname or alias.name
                    statement.module = self._group


class _Attributes(ast.NodeTransformer):
    """Names for attributes of one name."""

    def __init__(self, of: str, names: dict[str, str]):
        self._of = of
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == self._of:
            return ast.copy_location(ast.Name(self._names[node.attr], node.ctx), node)
        return self.generic_visit(node)


def _bodies(tree: ast.Module) -> Iterator[list]:
    """Every list of statements."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for field in ("body", "orelse", "finalbody", "handlers"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                if field != "handlers":
                    yield body
                waiting.extend(body)


def _rename_names(tree: ast.Module, mapping: dict[str, str]) -> None:
    """Renames globals of a module; locals of the same name follow."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node in tree.body:
            node.name = mapping.get(node.name, node.name)
        elif isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg) and node.arg in mapping:
            node.arg = mapping[node.arg]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = mapping.get(node.name, node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            node.names = [mapping.get(name, name) for name in node.names]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                here = alias.asname or alias.name
                if here in mapping:
                    alias.asname = mapping[here]
