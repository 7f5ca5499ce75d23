"""Lines of P1 and D0 text from a table: rows of text and a dictionary of values in canonical units in; `1-0:1.7.0(00.512*kW)` out.

A row is `code name form [unit]`; one whose value is not there is left out. `code/3` stands for three phases: C goes up by 20, and
{} in the name is the phase. Forms: `9.3` is nine digits with three decimals, zeros in front (`0.3`: none in front); `-9.2` with room
for a sign, `+5.0` with a sign always; `X4` four hexadecimal digits; `hex` characters as hexadecimal pairs; `text` as it is; `gas` a
time stamp and cubic metres; or the name of a function in FORMS.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from host_tools.meters.localtime import local, stamp
from host_tools.meters.p1 import hexed, obj, volume

_SHIFTS = {"kWh": 3, "kW": 3, "kvarh": 3, "kvar": 3, "kVArh": 3, "kVAr": 3, "kVA": 3, "V": 3, "A": 3, "Hz": 3, "permille": 3, "Wh*": 3}
_UNWRITTEN = ("permille", "Wh*")  # a number whose unit the meter does not print: a factor, kWh

FORMS: dict[str, Callable[..., tuple[str, ...]]] = {
    "tst": lambda value: (stamp(value),),
    "hex": lambda value: (hexed(value),),
    "text": lambda value: (value,),
    "groups": tuple,
    "gas": lambda value: (stamp(value[0]), volume(value[1]) + "*m3"),
    "clock": lambda value: (local(value).strftime("%H:%M:%S"),),
    "day": lambda value: (local(value).strftime("%y-%m-%d"),),
}


def number(value: int | Decimal, form: str, shift: int = 0) -> str:
    """`value`, counted in 10^-shift of the unit, in a form such as `-9.2`. Raises ValueError when a digit would be lost or has no room."""
    sign = form[0] if form[0] in "+-" else ""
    digits, decimals = (int(part) for part in form.lstrip("+-").split("."))
    exact = Decimal(value).scaleb(-shift)
    text = f"{abs(exact):.{decimals}f}"
    if digits:
        text = text.zfill(digits + bool(decimals))
    if Decimal(text) != abs(exact) or (exact < 0 and not sign) or (digits and len(text) > digits + bool(decimals)):
        raise ValueError(f"{value}e-{shift} is no {form}")
    return ("-" if exact < 0 else "+" if sign == "+" else "") + text


def group(value: object, form: str, unit: str) -> tuple[str, ...]:
    """What stands in the brackets."""
    if form in FORMS:
        return FORMS[form](value)
    if form[0] == "X":
        return (f"{value:0{form[1:]}X}",)
    text = number(value, form, _SHIFTS.get(unit, 0))
    return (f"{text}*{unit}" if unit and unit not in _UNWRITTEN else text,)


def rows(table: str) -> list[tuple[str, str, str, str]]:
    """(code, name, form, unit) of each row, phases spelled out."""
    found = []
    for line in filter(None, table.splitlines()):
        code, name, form, unit = (*line.split(), "")[:4]
        if not code.endswith("/3"):
            found.append((code, name, form, unit))
            continue
        medium, _, rest = code[:-2].rpartition(":")
        first, _, rest = rest.partition(".")
        lead = f"{medium}:" if medium else ""
        found += [(f"{lead}{int(first) + 20 * n}.{rest}", name.format(n + 1), form, unit) for n in range(3)]
    return found


def names(table: str) -> set[str]:
    """The values that a table shows."""
    return {name for _, name, _, _ in rows(table)}


def lines(table: str, values: dict) -> list[str]:
    """The lines of the values that are there, in the table's order."""
    return [obj(code, *group(values[name], form, unit)) for code, name, form, unit in rows(table) if name in values]
