"""The set-up portal of safe mode: the Safe in; a door of its own whose page tells why and lets settings be changed, out."""

from micropython import const

from bridge.core.unload import unload

_PORT = const(80)
_SETTINGS = "config.json"


class _Console:
    """What of the usual console the portal asks for, where nothing is read and nothing kept."""

    access = "access.json"
    store = desk = None

    def __init__(self, identity):
        self.identity = identity

    def save(self) -> None:
        """Nothing is in RAM alone."""

    def document(self):
        """There is no status."""
        yield b"{}"


class _Log:
    """Lines to the serial console."""

    def __init__(self, safe):
        self.warning = self.info = self.error = safe.warning


async def guests(safe) -> None:
    """Opens the portal, and the door behind it. Without a token nobody but the portal's guests is let in; there is no network anyway."""
    from bridge.config.access import load
    from bridge.hal import chip, wlan
    from bridge.push.sink import Identity
    from bridge.serve.door import Door
    from bridge.wifi.station import Station

    found = load(_Console.access)
    if not found:
        return
    identity = Identity(chip.device_id(), "safe mode", safe.board.name if safe.board else "", 0)
    identity.host = "meterbridge-" + identity.device[-6:]
    log = _Log(safe)
    door = Door(_PORT, found[0], _Console(identity), log, _SETTINGS, identity.host, safe.start)
    board = safe.board
    start = (board.wifi_start_s * 1000, board.txpower_dbm or 0, "") if board else (0, 0, "")
    door.station = Station(wlan.station(identity.host, ""), (), start, log, lambda: None)
    door.safe = safe
    del load, chip, wlan
    unload("bridge.config.access", "bridge.hal.chip", "bridge.hal.wlan")
    door.invite()
    await door.run()
