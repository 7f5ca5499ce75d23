"""Makes the firmware small: source texts in, programs that do the same with less of the device's RAM out, and what became of the names."""

import ast

from host_tools.compact import constants, flat, join, names, order, program


def compact(
    sources: dict[str, str],
    native: set[str] = frozenset(),
    fixed: tuple[str, ...] = (),
    groups: dict[str, tuple[str, ...]] | None = None,
    parameters: bool = True,
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Sources by dotted module name (all modules of the program at once) -> their new texts, and by module new name -> old name.

    `groups`: modules to be joined, by the name of what they become.
    `native`: modules that are compiled on the device; `fixed`: texts of programs that use these and stay as they are,
    who may give `parameters` by keyword if those are not renamed.
    """
    trees = {name: ast.parse(text) for name, text in sources.items()}
    others = [ast.parse(text) for text in fixed]
    for module, tree in trees.items():
        _drop_docstrings(tree)
        if module not in native:
            _drop_annotations(tree)
    constants.fold(trees, program.reached(trees, others) | set(names.lists()[1]))
    join.join(trees, groups or {})
    moved = flat.flatten(trees, others)
    told = names.rename(trees, others, parameters)
    for module in native:
        names.shorten_locals(trees[moved.get(module, module)])
    for tree in trees.values():
        order.order(tree)
    return {module: ast.unparse(ast.fix_missing_locations(tree)) + "\n" for module, tree in trees.items()}, told


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            del body[0]
            if not body and not isinstance(node, ast.Module):
                body.append(ast.Pass())


def _drop_annotations(tree: ast.Module) -> None:
    """The compiler ignores them, but where there is machine code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
