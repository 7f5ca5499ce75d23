"""Takes modules out of their packages: syntax trees in, `bridge.store.journal` becomes `bridge.store_journal`.

Each package takes some 200 bytes of RAM, and its name once more in the name of every module in it. Texts that are exactly the
name of a module are taken for it: unload("bridge.store.journal").
"""

import ast


def flatten(trees: dict[str, ast.Module], fixed: list[ast.Module]) -> dict[str, str]:
    """Changes `trees` and gives new names by old ones; what a program beside it imports stays where it is."""
    told = {node.module or "" for tree in fixed for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    packages = {module.rpartition(".")[0] for module in trees}
    moved = {}
    for module in trees:
        root, _, rest = module.partition(".")
        if "." in rest and module not in told | packages:
            moved[module] = f"{root}.{rest.replace('.', '_')}"
    if set(moved.values()) & set(trees) or len(set(moved.values())) < len(moved):
        raise ValueError("two modules would have the same name")
    for tree in trees.values():
        _Moved(moved).visit(tree)
    for old, new in moved.items():
        trees[new] = trees.pop(old)
    used = {module.rpartition(".")[0] for module in trees}
    for package in packages - used:
        if package in trees and not trees[package].body:
            del trees[package]
    return moved


class _Moved(ast.NodeTransformer):
    """Imports and texts with the new names."""

    def __init__(self, moved: dict[str, str]):
        self._moved = moved

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        node.module = self._moved.get(node.module or "", node.module)
        made: list[ast.stmt] = []
        for alias in list(node.names):
            module = self._moved.get(f"{node.module}.{alias.name}")
            if module:
                node.names.remove(alias)
                package, _, name = module.rpartition(".")
                made.append(ast.ImportFrom(package, [ast.alias(name, alias.asname or alias.name)], 0))
        return made + [node] if node.names else made

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str) and node.value in self._moved:
            node.value = self._moved[node.value]
        return node
