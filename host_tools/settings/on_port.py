"""The settings of a dongle at a serial port: what it has out, what shall be changed in; its firmware is stopped meanwhile and restarted."""

from host_tools.device import Device
from host_tools.settings import table

FILE = "config.json"
GOOD = FILE + ".good"  # with which it last ran well


class PortSettings:
    """What `meterbridge configure` asks of a dongle, however it is reached; a context manager that lets go of it.

    `values`: what is set, by name (over a network, of a secret only True). `gives_secrets`: whether they are in there. `notes`: what the
    owner should know about what was found, `damaged`: that its settings have to be written anew whatever changes, as its file is damaged. `device`: its id, "" when it does not say. `where` it is, for messages.
    """

    gives_secrets = True

    def __init__(self, port: str):
        self.where = port
        self.notes: list[str] = []
        self.damaged = False
        self._device = Device(port)
        try:
            self.device = self._device.id()
            self._there = self._device.hashes([FILE, GOOD, "main.py"])
            self.values = self._load()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "PortSettings":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the dongle, which starts again."""
        self._device.close()

    def save(self, changes: dict) -> None:
        """Changes settings, None: back to the default. In one step: whenever the power is cut, the dongle has the old ones or the new."""
        values = {name: value for name, value in (self.values | changes).items() if value is not None}
        self._device.replace(FILE, table.to_bytes(values))
        self.values = values

    def undo(self) -> dict | None:
        """The settings with which the dongle last ran well, None when it keeps none."""
        data = self._read(GOOD)
        return None if data is None else table.parse(data)

    def write(self, name: str, data: bytes) -> None:
        """A file that settings name, such as a certificate."""
        self._device.replace(name, data)

    def _load(self) -> dict:
        if "main.py" not in self._there:
            self.notes.append(f"{self.where}: there is no firmware on this board yet; the settings wait for it")
        data = self._read(FILE)
        if data is None and FILE not in self._there:
            return {}
        values = None if data is None else table.parse(data)
        if values is not None:
            return values
        self.damaged = True
        self.notes.append(f"{self.where}: {FILE} on the dongle is damaged" + ("; its last good copy is used" if GOOD in self._there else ""))
        return self.undo() or {}

    def _read(self, name: str) -> bytes | None:
        size = self._there.get(name, (-1, ""))[0]
        return self._device.read(name) if 0 <= size <= table.MAX_FILE else None
