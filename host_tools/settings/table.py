"""The firmware's table of settings on this computer: names and values in; the values as the dongle takes them, or what is wrong with a good example, out."""

import difflib
import json
import sys
import tempfile
from pathlib import Path, PurePosixPath

from host_tools import runtime
from host_tools.errors import UserError
from host_tools.settings.examples import example

MAX_FILE = 8192  # bytes; the firmware takes no longer file
_CERTIFICATES = ("mqtt_ca", "http_ca", "influx_ca")  # settings that name a file on the device
_PASSWORD_BYTES = (8, 63)  # of a WPA passphrase, IEEE 802.11
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def rows() -> dict[str, tuple]:
    """The rows of the table, by name: (name, default, rule, limits ...)."""
    runtime.firmware_importable()
    from bridge.config.table import SETTINGS

    return {row[0]: row for row in SETTINGS}


def is_secret(name: str) -> bool:
    """Whether a setting is write-only: nobody is shown what it holds."""
    runtime.firmware_importable()
    from bridge.config import rules

    row = rows().get(name)
    return row is not None and rules.is_secret(row[2])


def secrets() -> list[str]:
    """Names of all that are."""
    return [name for name in rows() if is_secret(name)]


def must_exist(name: str) -> None:
    """Raises UserError for a name that no setting has, with the nearest that one has."""
    if name not in rows():
        close = difflib.get_close_matches(name, rows(), n=1, cutoff=0.5)
        raise UserError(f"{name} is not a setting; " + (f"did you mean {close[0]}?" if close else "docs/settings.md lists all"))


def from_words(name: str, words: str) -> object:
    """What a person wrote as the value of a setting, as JSON has it; what does not fit stays text, for the rule to refuse."""
    default = rows()[name][1]
    if isinstance(default, bool):
        plain = words.strip().lower()
        return True if plain in _TRUE else False if plain in _FALSE else words
    if isinstance(default, int):
        try:
            return int(words)
        except ValueError:
            return words
    return words


def checked(values: dict) -> tuple[dict, list[str]]:
    """(the good values as the dongle keeps them, what is wrong with the others); no secret is in a message."""
    runtime.firmware_importable()
    from bridge.core.errors import SettingsError

    good, problems, table = {}, [], rows()
    for name, value in values.items():
        if name not in table:
            close = difflib.get_close_matches(str(name), table, n=1, cutoff=0.5)
            problems.append(f"{str(name)[:40]} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))
            continue
        try:
            _, _, rule, *limits = table[name]
            good[name] = rule(value, *limits)
            wrong = _beyond_the_table(name, good[name])
        except SettingsError as error:
            wrong = str(error)
        if wrong:
            good.pop(name, None)
            problems.append(f"{name} {wrong}; a good example: {example(name)}")
    return good, problems


def _beyond_the_table(name: str, value: object) -> str:
    """What the dongle would only find out when it uses the value."""
    from bridge.uart.settings import parse

    if isinstance(value, str):
        try:
            length = len(value.encode())
        except UnicodeEncodeError:
            return "has characters that are no text (is this terminal set to UTF-8?)"
        if name.startswith("wifi_password") and value and not _PASSWORD_BYTES[0] <= length <= _PASSWORD_BYTES[1]:
            return f"has {length} bytes, and a Wi-Fi password has {_PASSWORD_BYTES[0]} to {_PASSWORD_BYTES[1]}"
    if name == "meter_line" and value:
        try:
            parse(value)
        except ValueError as error:
            return f"cannot be used: {error}"
    return ""


def must_be_good(values: dict, where: str) -> dict:
    """The values as the dongle keeps them. Raises UserError that names each one that cannot be used; `where` they came from."""
    good, problems = checked(values)
    if problems:
        separator = f"\n  {where}: "
        raise UserError(f"{where}: {separator.join(problems)}")
    return good


def read_file(path: Path) -> dict:
    """The JSON object of a settings file, as the firmware reads it. Raises UserError when it is none."""
    runtime.firmware_importable()
    from bridge.config.settings import read
    from bridge.core.errors import SettingsError

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        return read(str(path)) or {}
    except SettingsError as error:
        raise UserError(str(error)) from error


def certificates(named: dict, folder: Path) -> dict[str, bytes]:
    """The files that settings name and that lie in the folder of their file."""
    found = {}
    for name in sorted({named[key] for key in _CERTIFICATES if named.get(key)}):
        beside = folder / PurePosixPath(name).name
        if "/" not in name and beside.is_file():
            found[name] = beside.read_bytes()
        else:
            print(f"note: {name} is not beside the settings; it must be on the dongle already", file=sys.stderr)
    return found


def parse(data: bytes) -> dict | None:
    """The JSON object in the bytes of a settings file, None when the firmware could not read it."""
    with tempfile.TemporaryDirectory(prefix="meterbridge-") as folder:
        path = Path(folder) / "config.json"
        path.write_bytes(data)
        try:
            return read_file(path)
        except UserError:
            return None


def to_bytes(values: dict) -> bytes:
    """The settings file that the dongle is given: what differs from the defaults. Raises UserError when it would be too long."""
    table = rows()
    kept = {name: value for name, value in values.items() if name not in table or value != table[name][1]}
    data = json.dumps(kept, ensure_ascii=False).encode()  # MicroPython does not join the halves of \ud83d\ude00
    if len(data) > MAX_FILE:
        raise UserError(f"all settings together take {len(data)} bytes, and the dongle reads {MAX_FILE}: shorten the longest")
    return data


def shown(name: str, value: object) -> str:
    """A value for the eyes of anybody."""
    if name not in rows() or is_secret(name):  # of a newer firmware it may be one
        return "set" if value else "not set"
    return json.dumps(value, ensure_ascii=False)
