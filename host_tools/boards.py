"""The boards that the firmware knows: names in, their data out, and every mistake in such data by name."""

import json
import re
from pathlib import Path

from host_tools import runtime
from host_tools.errors import UserError

_LINE = re.compile(r"[1-9]\d{2,6} [5-8][NEO][12]( inverted)?")
_SIMULATOR = "sim"


def names(folder: Path = runtime.BOARDS, simulator: bool = False) -> list[str]:
    """Folder names of all boards, sorted; of real ones only unless `simulator`."""
    found = sorted(path.parent.name for path in folder.glob("*/board.json"))
    return [name for name in found if simulator or name != _SIMULATOR]


def load(name: str) -> dict:
    """The data of one board. Raises UserError for a name that is not a board's, with those that are."""
    path = runtime.BOARDS / name / "board.json"
    if not name or "/" in name or not path.is_file():
        raise UserError(f"no board named {name!r}; there are: {', '.join(names())}")
    return json.loads(path.read_text(encoding="utf-8"))


def capabilities() -> dict:
    """The table of keys and chips that all boards are held to (boards/capabilities.json)."""
    return json.loads((runtime.BOARDS / "capabilities.json").read_text(encoding="utf-8"))


def check(board: dict, table: dict) -> list[str]:
    """Everything that is wrong with a board's data, in words; empty when all is well."""
    chip = table["chips"].get(board.get("chip"), {})
    problems = _check_keys(board, table["keys"], chip, "")
    if problems or not chip:
        return problems or ["chip: not known"]
    uart = board["uart"]
    if uart["id"] >= chip["uarts"]:
        problems.append(f"uart.id: this chip has {chip['uarts']} UARTs")
    sending = chip["idle_tx"] if uart["tx"] is None else uart["tx"]
    used = {"uart.rx": uart["rx"], "uart.tx": sending, "request_pin": board["request_pin"], "button": board["button"]}
    used["led.pin"] = board["led"] and board["led"]["pin"]
    used["light.pin"] = board.get("light") and board["light"]["pin"]
    seen: dict[int, str] = {}
    for name, pin in used.items():
        if pin is None:
            continue
        if pin in seen:
            problems.append(f"{name}: GPIO {pin} is already {seen[pin]}")
        seen[pin] = name
        if board["psram"] and _within(pin, chip["psram"]):
            problems.append(f"{name}: GPIO {pin} belongs to the PSRAM")
    return problems


def _check_keys(data: dict, keys: dict, chip: dict, prefix: str) -> list[str]:
    problems = [f"{prefix}{name}: not a key of a board" for name in data if name not in keys]
    for name, rule in keys.items():
        if name not in data:
            problems += [] if rule.get("optional") else [f"{prefix}{name}: missing"]
        elif data[name] is None:
            if rule.get("required"):
                problems.append(f"{prefix}{name}: must be known")
        else:
            problems += _check_value(data[name], rule, chip, prefix + name)
    return problems


def _check_value(value: object, rule: dict, chip: dict, name: str) -> list[str]:
    if rule["kind"] == "object":
        return _check_keys(value, rule["keys"], chip, name + ".") if isinstance(value, dict) else [f"{name}: not an object"]
    if rule["kind"] == "pin":
        return _check_pin(value, rule, chip, name)
    wrong = _CHECKS[rule["kind"]](value, rule)
    return [f"{name}: {wrong}"] if wrong else []


def _check_pin(pin: object, rule: dict, chip: dict, name: str) -> list[str]:
    if not _is_int(pin):
        return [f"{name}: not a GPIO number"]
    if not chip:
        return []
    if not _within(pin, chip["pins"]):
        return [f"{name}: this chip has no GPIO {pin}"]
    for use, why in (("flash", "belongs to the flash"), ("repl", "belongs to USB or the prompt")):
        if _within(pin, chip[use]):
            return [f"{name}: GPIO {pin} {why}"]
    if rule.get("output") and _within(pin, chip["input_only"]):
        return [f"{name}: GPIO {pin} can only be an input"]
    return []


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(pin: int, ranges: list) -> bool:
    return any(low <= pin <= high for low, high in ranges)


def _text(value: object, rule: dict) -> str:
    return "" if isinstance(value, str) and (value or rule.get("empty")) else "not a text"


def _number(value: object, rule: dict) -> str:
    good = _is_int(value) and rule["low"] <= value <= rule["high"]
    return "" if good else f"not a whole number from {rule['low']} to {rule['high']}"


def _choice(value: object, rule: dict) -> str:
    good = not isinstance(value, bool) and value in rule["of"]
    return "" if good else f"not one of {', '.join(map(str, rule['of']))}"


def _list(value: object, rule: dict) -> str:
    if not isinstance(value, list) or not value:
        return "not a list with something in it"
    return "" if set(value) <= set(rule["of"]) and len(set(value)) == len(value) else f"holds more than {', '.join(rule['of'])}"


_CHECKS = {
    "text": _text,
    "int": _number,
    "choice": _choice,
    "list": _list,
    "bool": lambda value, rule: "" if isinstance(value, bool) else "not true or false",
    "line": lambda value, rule: "" if isinstance(value, str) and _LINE.fullmatch(value) else 'not a line such as "115200 8N1"',
}
