"""What can break around a dongle: a name in; how it is broken and mended in a simulated run, and what its owner should see, out."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from host_tools.errors import USAGE, UserError
from host_tools.faults.world import ENOSPC, World

_SOON_S = 20.0  # long enough to see what waits grow, short enough to see the way back


@dataclass(frozen=True)
class Fault:
    """`what` happens, what the owner `sees`. `begin` and `end` are given the World; it `lasts` so many seconds (0: it happens once).

    `tls`: the dongle speaks TLS to the broker. `rewinds`: a capture cannot be played so. `writes`: the dongle is told by its console to write
    to its flash every few seconds, which it otherwise does about once a minute.
    """

    name: str
    what: str
    sees: str
    begin: Callable[[World], None]
    end: Callable[[World], None]
    lasts: float = _SOON_S
    tls: bool = False
    rewinds: bool = False
    writes: bool = False


def _nothing(_world: World) -> None:
    """Time heals it."""


FAULTS = (
    Fault("broker-killed", "the broker's program is killed, and started again at the end",
          "mqtt tries again, what waits for it grows; http goes on",
          World.kill_broker, World.start_broker),
    Fault("broker-stalls", "the broker keeps its connections, accepts new ones, says nothing",
          "mqtt gives up after 10 s without an answer, tries again; http goes on",
          lambda world: world.mqtt.stall(), lambda world: world.mqtt.heal()),
    Fault("wifi-lost", "the Wi-Fi access point is off",
          "Wi-Fi down, both destinations wait; the meter is read on",
          lambda world: world.wifi(False), lambda world: world.wifi(True)),
    Fault("dns-failing", "nobody answers who looks up a host's name (7 s each); connections broke",
          "connections are made anew at once: addresses that worked are remembered",
          lambda world: world.names(False), lambda world: world.names(True)),
    Fault("half-open", "the connections are dead, and nobody was told",
          "new connections after 10 s (mqtt) and 15 s (http) without an answer",
          World.half_open, _nothing, lasts=0),
    Fault("tls-expired", "the broker's TLS certificate has expired; its connection broke",
          "mqtt says so and sends nothing; http goes on",
          lambda world: world.certificate("expired"), lambda world: world.certificate("valid"), tls=True),
    Fault("clock-unset", "the broker's certificate is not valid yet, as for a clock that is unset",
          "mqtt asks whether the clock is set, sends nothing; http goes on",
          lambda world: world.certificate("future"), lambda world: world.certificate("valid"), tls=True),
    Fault("flash-full", "the flash takes nothing more: each write fails with ENOSPC",
          "a problem in the status; the destinations go on; later all is written",
          lambda world: world.flash.fail(ENOSPC), lambda world: world.flash.fail(0), writes=True),
    Fault("flash-bad-block", "each third block of the flash takes no writes, without a word",
          "nothing: the file system finds other blocks",
          World.spoil_flash, lambda world: world.flash.spoil(), writes=True),
    Fault("flash-damaged", "the power is cut, and the flash holds garbage when it is back",
          "a restart; readings go on; what was on flash alone is gone",
          World.damage_flash, _nothing, lasts=0, writes=True),
    Fault("sink-500", "the web server answers each request with 500",
          "http waits and tries again, ever more seldom; mqtt goes on",
          lambda world: world.answer(500), lambda world: world.answer(0)),
    Fault("fast-meter", "100 telegrams per second, ten times what the meter's line could carry",
          "numbers run; what waits for the destinations grows and shrinks",
          World.hurry, World.calm, rewinds=True),
    Fault("low-memory", "all but 6 KB of the memory is taken, in small pieces; connections broke",
          "mqtt and http die of MemoryError, start again; the meter is read on",
          World.take_memory, World.give_memory),
)


def find(name: str) -> Fault:
    """The fault of this name; UserError with all of them when there is none."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    close = difflib.get_close_matches(name, [fault.name for fault in FAULTS], 1)
    hint = f"; did you mean {close[0]}?" if close else "."
    rows = "\n".join(f"  {fault.name:16} {fault.what}" for fault in FAULTS)
    raise UserError(f"no fault is called '{name}'{hint} There are:\n{rows}", USAGE)
