"""docs/reliability.md: each fault that can be injected has a row with what it costs; each test that it names exists."""

import ast
import re

from host_tools.faults import FAULTS
from tests.guards.sources import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.split("\n") if line.startswith("| `")]
NAMED = sorted(set(re.findall(r"(tests/[\w/]+\.py)::(\w+)", TEXT)))


def test_each_fault_has_its_row():
    assert [row[0].strip("`") for row in ROWS] == [fault.name for fault in FAULTS]
    for name, sees, lost, recovery, shown, command in ROWS:
        assert sees and lost and recovery and "::test_" in shown, name
        assert command == f"`make run FAULT={name.strip('`')}`"


def test_each_test_that_is_named_exists():
    assert len(NAMED) >= 10
    for path, name in NAMED:
        functions = {node.name for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path}::{name}"
