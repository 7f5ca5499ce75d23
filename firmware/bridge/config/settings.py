"""Settings of this device: a JSON file in, valid values out, whatever the file holds.

A bad value falls back to its default and is named in `problems`; a file that is empty, binary, too long or not JSON
leaves all defaults, or the last good copy where there is one.
"""

import json
import os

from micropython import const

from bridge.config.rules import is_secret
from bridge.config.table import SETTINGS
from bridge.core.errors import SettingsError

_MAX_FILE = const(8192)  # all settings at their longest take less; what is longer is not ours
_MAX_PROBLEMS = const(20)
_MAX_NESTED = const(1000)  # brackets that open: passwords may be made of them, but what JSON makes of thousands fills the memory


class Settings:
    """`values`: a dict of valid values by setting name; `problems`: what was wrong with `raw`, in words, no secret in it.

    `used`: the values will be, so a problem says which default stands in; else they are only tried.
    """

    def __init__(self, raw=None, used: bool = True):
        self.problems = []
        self._used = used
        self.values = {row[0]: row[1] for row in SETTINGS}
        if raw is not None:
            self._take(raw)

    def __getitem__(self, name: str):
        return self.values[name]

    def _problem(self, text: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(text)

    def _take(self, raw) -> None:
        for row in SETTINGS:
            name = row[0]
            if name not in raw:
                continue
            try:
                self.values[name] = row[2](raw[name], *row[3:])
            except SettingsError as error:
                from bridge.config.help import HELP

                kept = "" if is_secret(row[2]) or not self._used else ", using %s" % json.dumps(row[1])
                self._problem("%s %s%s (%s)" % (name, error, kept, HELP[name]))
        for name in raw:
            if name not in self.values:
                self._problem("%s is not a setting" % str(name)[:40])

    def public(self) -> dict:
        """All settings for display: of a secret only whether it is set."""
        shown = {}
        for row in SETTINGS:
            value = self.values[row[0]]
            shown[row[0]] = ("set" if value else "") if is_secret(row[2]) else value
        return shown


def read(path: str):
    """The JSON object of a settings file, or None when there is no such file. SettingsError when it cannot be used."""
    try:
        if os.stat(path)[6] > _MAX_FILE:
            raise SettingsError("%s is longer than %d bytes" % (path, _MAX_FILE))
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    if not data.strip():
        raise SettingsError("%s is empty" % path)
    try:
        if data.count(b"[") + data.count(b"{") > _MAX_NESTED:
            raise ValueError
        values = json.loads(data.decode())
    except (ValueError, UnicodeError, RuntimeError, MemoryError):  # nested without end: recursion or memory runs out
        raise SettingsError("%s is not JSON" % path)
    if not isinstance(values, dict):
        raise SettingsError("%s is not a JSON object" % path)
    return values


def load(path: str) -> Settings:
    """Settings of `path`; where that file is damaged, of its last good copy (`path`.good), else the defaults. Never raises."""
    try:
        return Settings(read(path))
    except SettingsError as error:
        damage = str(error)
    try:
        kept = read(path + ".good")
    except SettingsError:
        kept = None
    settings = Settings(kept)
    settings.problems.insert(0, damage + (": all settings are at their defaults" if kept is None else ": using the last good copy"))
    return settings


def save(path: str, values: dict) -> None:
    """Writes settings so that a power cut leaves either the old or the new file. SettingsError when a value is not valid."""
    problems = Settings(values, False).problems
    if problems:
        raise SettingsError(problems[0])
    with open(path + ".new", "w") as file:
        file.write(json.dumps(values))
    os.rename(path + ".new", path)
