"""What the simulated chip is connected to: the JSON file named by MB_SIM in, its values out. Only the fakes import this."""

import json
import os

_path = os.getenv("MB_SIM")


def _load() -> dict:
    if not _path:
        return {}
    with open(_path) as file:
        return json.load(file)


_CHIP = _load()


def chip(name: str, default=None):
    """A value of the MB_SIM file, or `default` when it is absent or null."""
    value = _CHIP.get(name)
    return default if value is None else value


def read_json(path: str) -> dict:
    """A JSON file that another program replaces now and then; {} when it is not there."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}
