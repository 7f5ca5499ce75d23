"""GET /api/settings: the settings out, of secrets only whether they are set. PUT or POST: some settings as JSON in, the file written.

What is not named stays as it is; null puts a setting back to its default; a secret that comes back as "set" stays. They count from the next
start on: `?restart=1` lets it come at once. `?good=1`: those with which it last ran well, to be shown, or to be put back by POST.
"""

import os

from bridge.core.errors import SettingsError
from bridge.core.unload import unload
from bridge.serve.http_request import Refusal

_PARTS = ("bridge.config.settings", "bridge.config.table", "bridge.config.rules", "bridge.config.help")


async def answer(request, reply, door) -> None:
    """Shows or changes them."""
    wanted = await request.json() if request.left else {}
    changes = request.method in (b"PUT", b"POST")
    good = request.argument(b"good") == "1"
    if changes and not wanted and not good:
        raise Refusal(400, 'no setting is named: send JSON such as {"device_name": "Cellar"}')
    try:
        if not changes:
            shown = _shown(door.settings, good)
        elif good:
            wanted = _undo(door.settings)
        else:
            _change(door.settings, wanted)
    except SettingsError as error:
        raise Refusal(400, str(error))
    except OSError as error:
        raise Refusal(507, "the flash does not take it: %s" % error)
    finally:
        unload(*_PARTS)
    if not changes:
        return await reply.json(shown)
    restarts = request.argument(b"restart") == "1"
    await reply.json({"saved": sorted(wanted), "restarting": restarts})
    if restarts:
        from bridge.update.slots import healthy

        healthy()  # no start that failed
        await reply.restart(door)


def _shown(path: str, good: bool) -> dict:
    from bridge.config.settings import load

    return load(_copy(path) if good else path).public()


def _copy(path: str) -> str:
    path += ".good"
    try:
        os.stat(path)
    except OSError:
        raise Refusal(404, "no settings are kept with which it ran well: it has to run for two minutes first")
    return path


def _undo(path: str) -> dict:
    from bridge.config.settings import read, save

    values = read(_copy(path)) or {}
    save(path, values)
    return values


def _change(path: str, wanted: dict) -> None:
    from bridge.config.rules import is_secret
    from bridge.config.settings import Settings, read, save
    from bridge.config.table import SETTINGS

    try:
        values = read(path) or {}
    except SettingsError:
        values = read(path + ".good") or {}  # the file is damaged: what the dongle runs with
    for name in [problem.split(" ")[0] for problem in Settings(values, False).problems]:
        values.pop(name, None)  # it did not count anyway
    secrets = [row[0] for row in SETTINGS if is_secret(row[2])]
    for name, value in wanted.items():
        if value is None:
            values.pop(name, None)
        elif value != "set" or name not in secrets:
            values[name] = value
    save(path, values)
