"""Puts a module's most frequent names first in its table of names: a syntax tree in, changed.

Bytecode names a global, an attribute, an argument by its place in that table: in one byte for the first 128, else in two. The
compiler numbers attributes first, as it meets them: here in statements at the start that never run and are freed after the import.
"""

import ast
import builtins
import keyword
from collections import Counter

from host_tools.compact.program import FUNCTIONS, bound

_ONE_BYTE = 128
_OWN = 2  # places that the compiler fills first: the file's name, and the module's


def order(tree: ast.Module) -> None:
    """Does nothing where all names have room."""
    globals_ = set(bound(tree.body))
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            globals_ |= {alias.asname or alias.name for alias in node.names}
    uses: Counter = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            uses[node.attr] += 1
        elif isinstance(node, ast.Name) and (node.id in globals_ or hasattr(builtins, node.id)):
            uses[node.id] += 1
        elif isinstance(node, (ast.arg, ast.keyword)) and node.arg:
            uses[node.arg] += 1
        elif isinstance(node, FUNCTIONS):
            uses[node.name] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier() and len(node.value) <= 10:
            uses[node.value] += 1  # such a text is a name too
    if len(uses) <= _ONE_BYTE - _OWN:
        return
    start = ast.Name("__name__", ast.Load())
    first = [name for name, _ in uses.most_common(_ONE_BYTE - _OWN) if not keyword.iskeyword(name)]
    never: list[ast.stmt] = [ast.Expr(ast.Attribute(start, name, ast.Load())) for name in first]
    tree.body.insert(0, ast.If(ast.UnaryOp(ast.Not(), start), never, []))
