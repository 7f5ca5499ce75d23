"""GET /portal/settings: what the page shows of them out, of secrets only whether they are set. POST /portal/test, /portal/save: settings in.

A test tries them and keeps nothing; saving writes them and starts the dongle anew, with the portal once more. What is not named stays as
it is, null is the default, "set" a secret that stays. What cannot be used is answered with {"error": words, "field": the setting's name}.
"""

import asyncio
import gc

from bridge.core.errors import SettingsError
from bridge.core.unload import unload
from bridge.serve.http_request import Refusal

_PARTS = ("bridge.config.settings", "bridge.config.table", "bridge.config.rules", "bridge.config.help", "bridge.core.ipv4")
_ASKED = (
    "wifi_ssid", "wifi_password", "meter_key", "meter_auth_key", "mqtt_url", "mqtt_user", "mqtt_password", "mqtt_discovery", "mqtt_ca", "mqtt_tls_verify",
    "http_url", "http_token", "http_ca", "http_tls_verify", "device_name", "host_name",
)  # fmt: skip
_TESTS = ("wifi", "mqtt", "http")
_LONGEST = 63  # bytes of a password: what the driver takes


async def answer(request, reply, door) -> None:
    """Shows, tries or saves them."""
    saves = request.path.endswith("save")
    if request.method == b"POST":
        door.portal.heard = ()  # the rules of all settings take much memory
        door.portal.scanned = None
        gc.collect()
    wanted = await request.json() if request.left else {}
    what = wanted.pop("what", "wifi")
    problem = None
    try:
        if request.method != b"POST":
            return await reply.json(_shown(door.settings))
        values, problem = _merged(door.settings, wanted)
        if saves and not problem:
            _save(door.settings, values)
    except OSError as error:
        raise Refusal(507, "the flash does not take it: %s" % error)
    finally:
        unload(*_PARTS)
    if problem:
        return await reply.json({"error": problem, "field": problem.split(" ")[0]}, 400)
    if not saves:
        return await _test(values, what, reply, door)
    door.log.warning("portal", "settings saved; starting anew with them")
    await reply.json({"saved": sorted(wanted), "address": door.station.address()})
    await reply.restart(door)


async def _test(values: dict, what, reply, door) -> None:
    portal = door.portal
    if what not in _TESTS:
        raise Refusal(400, "what is to be tested? wifi, mqtt or http")
    if portal.trial and not portal.trial["over"]:
        raise Refusal(409, "a test is running")
    from bridge.portal.trial import run

    portal.trial = {"stage": "wifi", "over": False, "code": "", "detail": "", "address": ""}
    asyncio.create_task(run(portal, values, what))
    await reply.json({"testing": what}, 202)


def _shown(path: str) -> dict:
    from bridge.config.settings import load

    public = load(path).public()
    return {name: public[name] for name in _ASKED}


def _merged(path: str, wanted: dict) -> tuple:
    """(all settings that there would be, what is wrong with them or None)."""
    from bridge.config.rules import is_secret
    from bridge.config.settings import Settings, read
    from bridge.config.table import SETTINGS

    try:
        values = read(path) or {}
    except SettingsError:
        values = read(path + ".good") or {}
    for name in [problem.split(" ")[0] for problem in Settings(values).problems]:
        values.pop(name, None)  # it did not count anyway
    secrets = [row[0] for row in SETTINGS if is_secret(row[2])]
    for name, value in wanted.items():
        if name not in _ASKED:
            return values, "%s is not for this page" % str(name)[:40]
        if value is None:
            values.pop(name, None)
        elif value != "set" or name not in secrets:
            values[name] = value
    problems = Settings(values, False).problems
    if problems:
        return values, problems[0]
    if not values.get("wifi_ssid"):
        return values, "wifi_ssid is missing: the name of your Wi-Fi network"
    password = values.get("wifi_password", "").encode()
    if password and not 8 <= len(password) <= _LONGEST:
        return values, "wifi_password has %d bytes: WPA2 takes 8 to %d" % (len(password), _LONGEST)
    return values, None


def _save(path: str, values: dict) -> None:
    """Writes them, and lets the next start open the portal once more; it counts as no failed start."""
    from bridge.config.settings import save
    from bridge.portal.life import MARK
    from bridge.update.slots import healthy

    save(path, values)
    with open(MARK, "w") as file:
        file.write("once")
    healthy()
