"""docs/doctor.md: a row for every finding, with the words and the advice that the doctor gives; no row for one that there is not."""

import re

from host_tools.doctor import AREAS
from host_tools.doctor.findings import FINDINGS
from tests.guards.sources import ROOT

TEXT = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")


def plain(text: str) -> str:
    """The words with "..." where a figure goes."""
    return re.sub(r"\{\w+\}", "...", text)


def row_of(code: str) -> str:
    """The line of the document for a finding."""
    row = FINDINGS[code]
    advice = "what the dongle says of its line: see below" if row.advice == "{advice}" else plain(row.advice)
    return f"| `{code}` | {row.severity} | {row.sure} | {plain(row.text)} | {advice} |"


def test_each_finding_has_its_row():
    lines = TEXT.split("\n")
    assert [code for code in FINDINGS if row_of(code) not in lines] == []


def test_there_are_no_others():
    assert set(re.findall(r"^\| `([a-z0-9_]+\.[a-z0-9_]+)` \|", TEXT, re.MULTILINE)) == set(FINDINGS)


def test_each_area_is_explained():
    for area in AREAS:
        assert f"\n### {area}\n" in TEXT
