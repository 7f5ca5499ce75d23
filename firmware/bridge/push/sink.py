"""What every destination has in common: a cursor into the store, retries with back-off, a status; readings in, acknowledgements out.

A subclass gives `session()`: connect, deliver from the cursor, call `connected` and `acknowledge`; it returns or raises
when the connection is over. Nothing here or there is awaited by the receiving path.
"""

import asyncio
import gc
import time
from binascii import crc32

from micropython import const

from bridge.core.backoff import Backoff
from bridge.core.errors import BridgeError
from bridge.core.unload import unload

_FIRST_RETRY_MS = const(1000)
_LAST_RETRY_MS = const(60000)  # with jitter: a broker that comes back is found within a minute
_LATE_MS = const(250)  # a batch of the backlog that comes this much late, not more, is made up for
_LONGEST_PAUSE_MS = const(60000)


class Identity:
    """Who is speaking: `device` ("mb-a1b2c3", part of topics), `version` of the firmware, `board`, `boot` (count of starts), `host` (its name in the network)."""

    def __init__(self, device: str, version: str, board: str, boot: int):
        self.device = device
        self.version = version
        self.board = board
        self.boot = boot
        self.host = device

    def status(self) -> dict:
        """For the status document."""
        return {"id": self.device, "version": self.version, "board": self.board, "boot": self.boot}


class Context:
    """What a sink is given: store, clock, log, settings (a mapping), identity, `status()` for the whole device's status (an iterator of its
    JSON in bytes), and
    `online`: an Event that is set while there is a network (None: there always is). `desk`: where the PIN of a meter is asked for, or None.
    """

    def __init__(self, store, clock, log, settings, identity: Identity, status, online=None):
        self.store = store
        self.clock = clock
        self.log = log
        self.settings = settings
        self.identity = identity
        self.status = status
        self.online = online
        self.desk = None


class Sink:
    """A destination called `name`. `state`: "off", "connecting", "connected", "waiting" (for the next try).

    Another URL is another destination, with a place of its own in the journal. `rate`: readings of the backlog per second at most.
    `lost`: readings that were kept nowhere any more when their turn came; `undated`: passed over because nobody knows their time.
    """

    def __init__(self, name: str, context: Context):
        self.name = name
        self.context = context
        setting = context.settings.get
        key = "%s:%08x" % (name, crc32((setting(name + "_url") or "").encode()))
        self.cursor = context.store.cursor(key, context.store.next if setting(name + "_from") == "now" else None)
        self.rate = setting("backlog_per_s")
        self.lost = 0
        self.undated = 0
        self._told = 0  # the reading behind the last one that was counted as lost
        self._due = 0  # ticks
        self.state = "connecting"
        self.acknowledged = None
        self.last_ack = None
        self.errors = 0
        self.last_error = ""
        self.backoff = Backoff(_FIRST_RETRY_MS, _LAST_RETRY_MS)

    async def session(self) -> None:
        """One connection's life."""
        raise NotImplementedError

    async def run(self) -> None:
        """Sessions for ever, each failure shown in the status and followed by a longer wait."""
        while True:
            if self.context.online:
                await self.context.online.wait()
            self.state = "connecting"
            try:
                await self.session()
            except (OSError, EOFError, asyncio.TimeoutError, BridgeError) as error:
                self.failed(reason(error))
            gc.collect()
            self.state = "waiting"
            await asyncio.sleep_ms(self.backoff.next_ms())

    def connected(self) -> None:
        """The destination answers."""
        if self.state != "connected":
            self.state = "connected"
            self.context.log.info(self.name, "connected")

    def failed(self, why: str) -> None:
        """Notes a failure; the same one is logged once, not at each try."""
        self.errors += 1
        if why != self.last_error or self.state == "connected":
            self.last_error = why
            self.context.log.warning(self.name, why)

    def missing(self, first: int, seq: int):
        """(from, to, count) for the destination when `first` should have come next and `seq` does; None when that is the same.

        Counted and logged once, however often it is sent.
        """
        if first >= seq:
            return None
        self._told = max(first, self._told)
        if seq > self._told:
            self.lost += seq - self._told
            self._told = seq
            self.context.log.warning(self.name, "readings %d to %d are lost" % (first, seq - 1))
        return first, seq - 1, seq - first

    def pause(self) -> int:
        """Milliseconds until the next batch of the backlog may go. What goes live does not wait for it."""
        left = time.ticks_diff(self._due, time.ticks_ms())
        return left if 0 < left <= _LONGEST_PAUSE_MS else 0  # ticks of days ago look like some to come

    def pace(self, count: int) -> None:
        """`count` readings of the backlog go now."""
        now = time.ticks_ms()
        start = self._due if 0 <= time.ticks_diff(now, self._due) < _LATE_MS else now
        self._due = time.ticks_add(start, count * 1000 // self.rate)

    def acknowledge(self, seq: int) -> None:
        """The destination has every reading up to and including `seq`."""
        self.cursor.ack(seq)
        self.delivered(seq)

    def delivered(self, seq: int) -> None:
        """The destination has reading `seq`, perhaps not all before it: the way there works, so the next retry is quick again."""
        self.backoff.reset()
        if self.acknowledged is None or seq > self.acknowledged:
            self.acknowledged = seq
        self.last_ack = self.context.clock.now()

    def status(self) -> dict:
        """For the status document. `backlog`: readings not acknowledged; `lost`: kept nowhere any more, told or still to be told."""
        age = None if self.last_ack is None else max(0, self.context.clock.now() - self.last_ack)
        cursor = self.cursor
        found = {
            "state": self.state,
            "acknowledged": self.acknowledged,
            "last_ack_age_s": age,
            "backlog": cursor.backlog,
            "lost": self.lost + max(0, cursor.next - max(cursor.place, self._told)),
            "errors": self.errors,
            "last_error": self.last_error,
        }
        if self.undated:
            found["undated"] = self.undated
        return found


def reason(error: Exception) -> str:
    """Words for what a connection raised."""
    from bridge.push.reasons import words

    text = words(error)
    unload("bridge.push.reasons")
    return text
