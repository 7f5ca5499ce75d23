"""GET /api/settings: the settings out, of secrets only whether they are set. PUT or POST: some settings as JSON in, the file written.

What is not named stays as it is; null puts a setting back to its default; a secret that comes back as "set" stays. They count from the next
start on: `?restart=1` lets it come at once.
"""

from bridge.core.errors import SettingsError
from bridge.core.unload import unload
from bridge.serve.http_request import Refusal

_PARTS = ("bridge.config.settings", "bridge.config.table", "bridge.config.rules", "bridge.config.help")


async def answer(request, reply, door) -> None:
    """Shows or changes them."""
    wanted = await request.json() if request.left else {}
    if request.method in (b"PUT", b"POST") and not wanted:
        raise Refusal(400, 'no setting is named: send JSON such as {"device_name": "Cellar"}')
    try:
        if not wanted:
            shown = _shown(door.settings)
        else:
            _change(door.settings, wanted)
    except SettingsError as error:
        raise Refusal(400, str(error))
    except OSError as error:
        raise Refusal(507, "the flash does not take it: %s" % error)
    finally:
        unload(*_PARTS)
    if not wanted:
        return await reply.json(shown)
    restarts = request.argument(b"restart") == "1"
    await reply.json({"saved": sorted(wanted), "restarting": restarts})
    if restarts:
        await reply.restart(door)


def _shown(path: str) -> dict:
    from bridge.config.settings import load

    return load(path).public()


def _change(path: str, wanted: dict) -> None:
    from bridge.config.rules import is_secret
    from bridge.config.settings import read, save
    from bridge.config.table import SETTINGS

    try:
        values = read(path) or {}
    except SettingsError:
        values = read(path + ".good") or {}  # the file is damaged: what the dongle runs with
    secrets = [row[0] for row in SETTINGS if is_secret(row[2])]
    for name, value in wanted.items():
        if value is None:
            values.pop(name, None)
        elif value != "set" or name not in secrets:
            values[name] = value
    save(path, values)
