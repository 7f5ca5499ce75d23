"""The simulated meters for people and for programs: METERS and LOCKED in; rows of what each is, its line, its pace and its keys, and a table of them, out."""

from __future__ import annotations

from host_tools.meters import LOCKED, METERS
from host_tools.meters.request import Requested

# Beginning of a name: where such meters are, and what one is attached to. The longest that fits counts.
GROUPS = {
    "p1-nl": "Netherlands, P1 port", "p1-be": "Belgium, P1 port", "lu-": "Luxembourg, P1 port", "p1-": "Other countries, P1 port, text",
    "sml": "Germany, optical port, SML", "sml-locked": "Germany, optical port, SML, before its PIN", "d0-": "Germany and others, optical port, D0 text", "at-": "Austria, customer interface",
    "ch-": "Switzerland, customer interface", "no-": "Norway, HAN port", "se-": "Sweden, HAN port, DLMS", "dk-": "Denmark, HAN port, DLMS",
}
_OTHERS = "Others"


def group(name: str) -> str:
    """The heading that a meter stands under."""
    return GROUPS.get(max((start for start in GROUPS if name.startswith(start)), key=len, default=""), _OTHERS)


def rows() -> list[dict]:
    """One per meter, those of a group together; `asked`: it says nothing of itself."""
    found = []
    for name, kind in (METERS | LOCKED).items():
        found.append({
            "name": name, "group": group(name), "description": kind.description, "protocol": kind.protocol, "line": str(kind.line),
            "cadence_s": kind.cadence_s, "asked": isinstance(kind(1), Requested), "encrypted": bool(kind.keys),
            "key": kind.keys.get("key"), "auth_key": kind.keys.get("auth_key"),
        })
    order = [*GROUPS.values(), _OTHERS]
    return sorted(found, key=lambda row: order.index(row["group"]))


def table() -> list[str]:
    """Lines for a terminal: a heading per group; per meter its name, line and pace, whether it encrypts, and what it is; its keys below."""
    lines, heading, meters = [], None, rows()
    width, line_width = (max(len(row[column]) for row in meters) for column in ("name", "line"))
    for row in meters:
        if row["group"] != heading:
            heading = row["group"]
            lines += ["", heading] if lines else [heading]
        pace = "asked" if row["asked"] else f"{row['cadence_s']:g} s"
        safe = "plain" if not row["encrypted"] else "encrypted, tag" if row["auth_key"] else "encrypted"
        lines.append(f"  {row['name']:<{width}}  {row['line']:<{line_width}}  {pace:>5}  {safe:<14}  {row['description']}")
        lines += [f"  {'':{width}}    {word} {row[name]}" for name, word in (("key", "key"), ("auth_key", "authentication key")) if row[name]]
    return [*lines, "", "encrypted, tag: the meter authenticates what it sends, with the second key"]
