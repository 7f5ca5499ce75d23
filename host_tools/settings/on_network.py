"""The settings of a dongle in the home network: what it has out, secrets never; what shall be changed in. It runs on meanwhile, and restarts with what was saved."""

from host_tools.dongle_http import Dongle
from host_tools.errors import FAILED, USAGE, UserError
from host_tools.settings import table

_SET = "set"  # what the dongle says of a secret, and takes as "stays as it is"


class NetworkSettings:
    """As `on_port.PortSettings`; `values` has True for a secret that is set. `damaged` is True once the last good ones are asked for: they are put back whole."""

    gives_secrets = False

    def __init__(self, dongle: Dongle):
        self._dongle = dongle
        self.where = dongle.port
        self.device = dongle.hello.get("id", "")
        problems = dongle.status().get("problems")
        self.notes = [f"{self.where}: the dongle says: {problem}" for problem in problems] if isinstance(problems, list) else []
        self.damaged = False
        self.values = _plain(dongle.settings())

    def __enter__(self) -> "NetworkSettings":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is kept open."""

    def save(self, changes: dict) -> None:
        """Changes settings, None: back to the default, and restarts the dongle. In one step, as by the port."""
        if self.damaged:
            self._dongle.put_back()
        else:
            for name, value in changes.items():
                if value == _SET and table.is_secret(name):
                    raise UserError(f"{self.where}: {name} cannot be '{_SET}' over the network, where that means that it stays as it is: use --port and the cable", USAGE)
            self._dongle.change(changes)
        try:
            self._dongle.restart()
        except UserError as error:
            raise UserError(f"{error}. The settings are saved, and count from its next start on: pull its plug if it does not restart by itself", FAILED) from error

    def undo(self) -> dict:
        """The settings with which the dongle last ran well; the next `save` puts them back, secrets too. UserError when it keeps none."""
        found = _plain(self._dongle.settings(good=True))
        self.damaged = True
        return found

    def write(self, name: str, data: bytes) -> None:
        """A file goes by the port alone."""
        raise UserError(f"{self.where}: {name} goes to a dongle by its serial port alone: use --port and the cable, or move {name} away if the dongle has it", USAGE)


def _plain(told: dict) -> dict:
    return {name: value == _SET if table.is_secret(name) else value for name, value in told.items() if value or not table.is_secret(name)}
