"""Tables of what a dongle kept in; CSV, one JSON document or lines of JSON out. Times are UTC in ISO 8601; CSV has a local time beside, as spreadsheets read it."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from host_tools import time_words

FORMATS = ("csv", "json", "ndjson")
_LOCAL = "local_time"


@dataclass
class Table:
    """`rows()` gives the rows, each a dict with some of `columns`; `kind`: what one row is ("reading"); `times`: columns that are seconds since 2000."""

    name: str
    kind: str
    columns: list[str]
    rows: Callable[[], Iterable[dict]]
    times: tuple[str, ...] = ("time",)
    about: dict = field(default_factory=dict)  # for the head of a JSON document
    count: int = 0  # rows written

    def plain(self) -> Iterator[dict]:
        """The rows with their times as text."""
        for row in self.rows():
            self.count += 1
            yield {name: time_words.iso(value) if name in self.times else value for name, value in row.items()}


def write(tables: list[Table], form: str, head: dict, out: TextIO) -> None:
    """Everything into one stream; CSV takes one table."""
    if form == "csv":
        write_csv(tables[0], out)
    elif form == "ndjson":
        for table in tables:
            for row in table.plain():
                out.write(json.dumps({"kind": table.kind, **row}, ensure_ascii=False, separators=(",", ":")) + "\n")
    else:
        _write_json(tables, head, out)


def write_folder(tables: list[Table], folder: Path) -> None:
    """One CSV file for each table, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        with open(folder / f"{table.name}.csv", "w", encoding="utf-8", newline="") as out:
            write_csv(table, out)


def write_csv(table: Table, out: TextIO) -> None:
    """A header and a line for each row, as RFC 4180 wants it; what is absent is empty."""
    first = table.times[0]
    columns = [part for name in table.columns for part in ((name, _LOCAL) if name == first else (name,))]
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in table.rows():
        table.count += 1
        cells = [time_words.local(row.get(first)) if name == _LOCAL else time_words.iso(row.get(name)) if name in table.times else row.get(name) for name in columns]
        writer.writerow([_harmless(cell) for cell in cells])


def _harmless(cell: object) -> object:
    """A text from outside that a spreadsheet would take for a formula."""
    return "'" + cell if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def _write_json(tables: list[Table], head: dict, out: TextIO) -> None:
    """One object: what `head` says, then a list for each table; written row by row, as there may be millions."""
    out.write("{\n")
    for name, value in {**head, **{f"{table.name}_about": table.about for table in tables if table.about}}.items():
        out.write(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n")
    for number, table in enumerate(tables):
        out.write(f"{json.dumps(table.name)}: [")
        before = "\n"
        for row in table.plain():
            out.write(before + json.dumps(row, ensure_ascii=False, separators=(",", ":")))
            before = ",\n"
        out.write("\n]" + (",\n" if number + 1 < len(tables) else "\n"))
    out.write("}\n")
