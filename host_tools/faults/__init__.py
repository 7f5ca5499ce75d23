"""What can break around a dongle: a name in; how it is broken and mended in a simulated run, and what its owner should see, out."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from host_tools.errors import USAGE, UserError
from host_tools.faults.world import ENOSPC, World

_SOON_S = 20.0  # long enough to see what waits grow, short enough to see the way back
_FLASH_S = 75.0  # the flash is written once a minute


@dataclass(frozen=True)
class Fault:
    """`what` happens, what the owner `sees`. `begin` and `end` are given the World; it `lasts` so many seconds (0: it happens once).

    `tls`: the dongle speaks TLS to the broker. `rewinds`: the world cannot play a capture meanwhile.
    """

    name: str
    what: str
    sees: str
    begin: Callable[[World], None]
    end: Callable[[World], None]
    lasts: float = _SOON_S
    tls: bool = False
    rewinds: bool = False


def _nothing(_world: World) -> None:
    """Time heals it."""


FAULTS = (
    Fault("broker-killed", "the MQTT broker's program is killed, and started again at the end",
          "mqtt waits for the next try and what waits for it grows; http goes on; then the backlog follows with its own times",
          World.kill_broker, World.start_broker),
    Fault("broker-stalls", "the broker keeps its connections and accepts new ones, and says nothing any more",
          "mqtt 'did not answer in 10 s' and tries again; http goes on",
          lambda world: world.mqtt.stall(), lambda world: world.mqtt.heal()),
    Fault("wifi-lost", "the Wi-Fi access point is off",
          "Wi-Fi down, both destinations wait; the meter is read on",
          lambda world: world.wifi(False), lambda world: world.wifi(True)),
    Fault("dns-failing", "nobody answers who asks for a host's name, and all connections broke: each look-up stands still for 7 s, as on the chip",
          "'host name not found'; both destinations wait",
          lambda world: world.names(False), lambda world: world.names(True)),
    Fault("half-open", "the connections to broker and web server are dead, and nobody was told: nothing comes, nothing is refused",
          "after 10 s (mqtt) and 15 s (http) without an answer new connections, and all that was on its way again",
          World.half_open, _nothing, lasts=0),
    Fault("tls-expired", "the broker's TLS certificate has expired (and the connection broke)",
          "mqtt 'certificate has expired by the dongle's clock', nothing is sent there; http goes on",
          lambda world: world.certificate("expired"), lambda world: world.certificate("valid"), tls=True),
    Fault("clock-unset", "the broker's TLS certificate is not valid yet, which is what a dongle sees whose clock is unset (this computer's "
          "clock stays as it is: it is the certificate that comes from the future)",
          "mqtt 'certificate is not valid yet by the dongle's clock (is it set?)'; http goes on",
          lambda world: world.certificate("future"), lambda world: world.certificate("valid"), tls=True),
    Fault("flash-full", "the flash takes nothing more: each write fails with ENOSPC",
          "a problem in the status; both destinations go on; what is not on flash is kept in RAM and written afterwards",
          lambda world: world.flash.fail(ENOSPC), lambda world: world.flash.fail(0), lasts=_FLASH_S),
    Fault("flash-bad-block", "every third block of the flash takes no writes any more, without a word",
          "nothing: the file system finds other blocks",
          World.spoil_flash, lambda world: world.flash.spoil(), lasts=_FLASH_S),
    Fault("flash-damaged", "the power is cut, the flash holds garbage when it is back",
          "a restart; readings go on, what was only on flash is gone",
          World.damage_flash, _nothing, lasts=0),
    Fault("sink-500", "the web server answers each request with 500",
          "http waits and tries again, ever more seldom; mqtt goes on",
          lambda world: world.answer(500), lambda world: world.answer(0)),
    Fault("fast-meter", "the meter sends 100 telegrams per second, ten times what its line could carry",
          "numbers run; what waits for the destinations grows and shrinks",
          World.hurry, World.calm, rewinds=True),
    Fault("low-memory", "something takes all but 6 KB of the dongle's memory, what is left is in small pieces, and all connections broke",
          "mqtt and http die of MemoryError and are started again; the meter is read and kept on",
          World.take_memory, World.give_memory),
)


def find(name: str) -> Fault:
    """The fault of this name; UserError with all of them when there is none."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    close = difflib.get_close_matches(name, [fault.name for fault in FAULTS], 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    rows = "\n".join(f"  {fault.name:16} {fault.what}" for fault in FAULTS)
    raise UserError(f"no fault is called '{name}'{hint} There are:\n{rows}", USAGE)
