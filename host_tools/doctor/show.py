"""The diagnosis for people: areas of `doctor.examine` in; a coloured overview and what to do, as lines of text for `rich` or for a pipe, out."""

import json
import textwrap

from rich.console import Console
from rich.text import Text

from host_tools.doctor import AREAS, Area, findings_of, to_do, verdict
from host_tools.doctor.findings import CERTAIN, NOTE

_COLOURS = {"ok": "green", "note": "cyan", "warn": "yellow", "bad": "bold red", "": "dim"}
_MARKS = {"ok": "ok", "note": "note", "warn": "WARN", "bad": "BAD", "": "-"}
_WIDTH, _NAME, _MARK = 80, max(len(name) for name in AREAS), 4
_NUMBER = 3
_WIDEST = 110


def title(facts: dict, where: str) -> str:
    """Who was looked at."""
    device = facts["status"].get("device")
    if not isinstance(device, dict):
        return where
    return _clean(f"{where}: {device.get('id')}, meterbridge {device.get('version')} on {device.get('board')}")


def _clean(text: str) -> str:
    """Names of networks, answers of servers: whatever they hold, the terminal obeys none of it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def lines(areas: list[Area], width: int) -> list[Text]:
    """The overview, then each finding with its advice, worst first, then the verdict; plain text in them is what a pipe gets."""
    shown = []
    for area in areas:
        if not area.state:
            continue
        room = width - _NAME - _MARK - 6
        pieces = textwrap.wrap(_clean(area.figure or area.findings[0].text), room) or [""]
        for at, piece in enumerate(pieces):
            head = [f"  {area.name if not at else '':{_NAME}}  ", (f"{_MARKS[area.state] if not at else '':{_MARK}}", _COLOURS[area.state]), "  "]
            shown.append(Text.assemble(*head, piece))
    number = 0
    for one in findings_of(areas):
        number += one.severity != NOTE
        mark = f"{number}." if one.severity != NOTE else "-"
        sure = "" if one.sure == CERTAIN else f" ({one.sure})"
        shown.append(Text(""))
        text = textwrap.wrap(_clean(f"{one.area}: {one.text}{sure}"), width - _NUMBER - 1)
        shown += [Text.assemble((f"{mark if not at else '':{_NUMBER}} ", _COLOURS[one.severity]), (piece, _COLOURS[one.severity])) for at, piece in enumerate(text)]
        shown += [Text(" " * (_NUMBER + 1) + piece) for piece in textwrap.wrap(_clean(f"-> {one.advice}"), width - _NUMBER - 1, subsequent_indent="   ")]
    last = verdict(areas)
    return [*shown, Text(""), Text(last, style="bold green" if not to_do(areas) else "bold yellow")]


def show(areas: list[Area], heading: str) -> None:
    """To standard output, in colours where that is a terminal."""
    console = Console(highlight=False)
    width = min(console.width, _WIDEST) if console.is_terminal else _WIDTH
    if not console.is_terminal:
        console.width = 10_000  # lines are cut here already
    console.print(Text(heading, style="bold"))
    for line in lines(areas, width):
        console.print(line, soft_wrap=True)


def document(areas: list[Area], facts: dict) -> str:
    """The same for programs."""
    rows = [{"code": one.code, "area": one.area, "severity": one.severity, "sure": one.sure, "text": one.text, "advice": one.advice} for one in findings_of(areas)]
    about = {"device": facts.get("status", {}).get("device"), "way": facts["way"]}
    overview = {area.name: {"state": area.state, "figure": area.figure} for area in areas if area.state}
    return json.dumps({**about, "areas": overview, "findings": rows, "to_do": to_do(areas), "verdict": verdict(areas)}, indent=1, ensure_ascii=False)
