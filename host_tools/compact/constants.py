"""Writes constants where they are used: modules as syntax trees in, the same without the names of their numbers and short words out.

MicroPython folds `_X = const(1)` within a module. This does the same across modules and for names without an underscore: each
costs an entry in a module's table, one in every module that imports it, and its letters.
"""

import ast
import re

_CAPITALS = re.compile(r"_?[A-Z][A-Z0-9_]*")
_SMALL = 1 << 30  # beyond, the ESP32 makes an object of a number at each use
_WORD = re.compile(r"[A-Za-z0-9_]{1,10}")  # MicroPython keeps one copy of such a text, however often it is written
_OPERATORS = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__, ast.FloorDiv: int.__floordiv__, ast.LShift: int.__lshift__,
    ast.RShift: int.__rshift__, ast.BitOr: int.__or__, ast.BitAnd: int.__and__,
}  # fmt: skip


def fold(trees: dict[str, ast.Module], kept: set[str]) -> None:
    """Changes the trees; names in `kept` stay defined as well."""
    known: dict[tuple[str, str], int | str] = {}
    more = True
    while more:  # a constant may be made of another module's
        before = len(known)
        for module, tree in trees.items():
            _find(module, tree, known)
        more = len(known) > before
    for module, tree in trees.items():
        own = {name: value for (where, name), value in known.items() if where == module and name not in kept}
        _Folded(own, known).visit(tree)
        _drop_import(tree, "const")
        ast.fix_missing_locations(tree)


def _find(module: str, tree: ast.Module, known: dict[tuple[str, str], int | str]) -> None:
    """Adds the constants of a module's top level, those that it imports too."""
    stores = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (statement.module, alias.name) in known:
                    known[module, alias.asname or alias.name] = known[statement.module, alias.name]
        for name, value in _assigned(statement):
            found = _value(value, module, known)
            if found is not None and stores.count(name) == 1:
                known[module, name] = found


def _assigned(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    """(name, value) of each constant that a statement may assign; [] when it is no such statement."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return []
    target, value = statement.targets[0], statement.value
    pairs = list(zip(target.elts, value.elts)) if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) else [(target, value)]
    return [(name.id, one) for name, one in pairs if isinstance(name, ast.Name) and _CAPITALS.fullmatch(name.id)]


def _value(node: ast.expr, module: str, known: dict[tuple[str, str], int | str]) -> int | str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        node = node.args[0]
    if isinstance(node, ast.Constant) and type(node.value) is str and _WORD.fullmatch(node.value):
        return node.value
    found = _number(node, module, known)
    return found if found is not None and -_SMALL <= found < _SMALL else None


def _number(node: ast.expr, module: str, known: dict[tuple[str, str], int | str]) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        found = known.get((module, node.id))
        return found if type(found) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = _number(node.operand, module, known)
        return None if found is None else -found
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _number(node.left, module, known), _number(node.right, module, known)
        return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
    return None


class _Folded(ast.NodeTransformer):
    """Values for names, and neither definitions nor imports of them."""

    def __init__(self, own: dict[str, int | str], known: dict[tuple[str, str], int | str]):
        self._own = own
        self._known = known
        self._local: dict[str, int | str] = {}

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for inner in ast.walk(node):  # imports within functions
            if isinstance(inner, ast.ImportFrom):
                for alias in inner.names:
                    if (inner.module, alias.name) in self._known:
                        self._local[alias.asname or alias.name] = self._known[inner.module, alias.name]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self._own.get(node.id, self._local.get(node.id))
        return ast.Constant(found) if found is not None and isinstance(node.ctx, ast.Load) else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        node.names = [alias for alias in node.names if (node.module, alias.name) not in self._known]
        return node if node.names else ast.Pass()

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        pairs = _assigned(node)
        if not pairs or not any(name in self._own for name, _ in pairs):
            return self.generic_visit(node)
        rest = [ast.Assign([ast.Name(name, ast.Store())], self.visit(value)) for name, value in pairs if name not in self._own]
        return rest or ast.Pass()


def _drop_import(tree: ast.Module, name: str) -> None:
    """Removes the import of a name that nothing uses any more."""
    if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)):
        return
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            statement.names = [alias for alias in statement.names if (alias.asname or alias.name) != name]
    tree.body = [one for one in tree.body if not isinstance(one, ast.Pass) and not (isinstance(one, ast.ImportFrom) and not one.names)]
