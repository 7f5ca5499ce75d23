"""The journal on flash: blocks of RAM in, appended piecewise to files ("segments"), the oldest deleted first; blocks out by number of a reading.

A segment is named by the number of its first reading, eight hexadecimal digits, and holds chunks (see `chunks`). It begins with the places of the
destinations and the UTC offsets of the device's starts, so that the newest one alone tells them. A block that does not fit begins the next one.
Here is what must be in memory always; `recall` (at the start), `saving` (once a minute) and `lookup` (in a backlog) are loaded for their moment.
"""

from micropython import const

from bridge.core.unload import unload

UNIT = 4096  # bytes that a file takes are a multiple of this: a block of the flash
_NO_MEMORY = const(12)  # ENOMEM
_NO_CODE = "flash cannot be used: no memory for its code, or that is damaged"


class Segments:
    """`next`: number after the newest reading on flash, 1 when none; `saved`: a destination's key to the first number that it has not acknowledged;
    `start`: `next` when the device started; `problem`: "" or words for the owner. The rest is set by `recall` and for those that are loaded.
    """

    def __init__(self, folder: str, capacity: int, boot: int):
        self.folder = folder
        self.capacity = capacity
        self.boot = boot
        self.problem = ""
        self._load = None  # while it is in use
        self._idle = True  # nothing was read since the last write
        from bridge.store.recall import recall

        recall(self)
        del recall
        unload("bridge.store.recall", "bridge.store.chunks")

    @property
    def oldest(self) -> int:
        """Number of the oldest reading on flash, `next` when none."""
        return min(self.firsts[0], self.next) if self.firsts else self.next

    def utc_offset(self, boot: int):
        """Seconds to add to that start's uptime, None when never known."""
        for start, offset in self.offsets:
            if start == boot:
                return offset
        return None

    def load(self, seq: int, near=None):
        """The block that holds `seq`, or the next later one, as (bytes, number of its first reading, number after its last, how many bytes are
        records, start of the device or 0 for the present one, that one's UTC offset, meters, segment, position); None when there is none.

        `near`: the one before, from where it goes on without a search. Raises OSError when there is no memory for it now: None would say that all
        of them are lost.
        """
        if seq >= self.next or not self.firsts:
            return None
        self._idle = False
        try:
            if not self._load:
                from bridge.store.lookup import load

                self._load = load
            return self._load(self, seq, near)
        except (OSError, MemoryError, ImportError, ValueError):
            self._release()
            self.problem = _NO_CODE
            raise OSError(_NO_MEMORY)

    def _release(self) -> None:
        self._load = self.heard = None
        unload("bridge.store.lookup", "bridge.store.chunks", "bridge.store.meter_texts")

    def write(self, journal, cursors: dict, offset) -> bool:
        """Appends what `journal` has beyond the flash, places of destinations (`cursors`: key to number) and this start's UTC offset (None while
        unknown) where they changed. True when all is on flash; otherwise `problem` says why, and the rest is written another time.
        """
        if self._idle and self._load:
            self._release()
        self._idle = True
        done = False
        try:
            from bridge.store.saving import write

            done = write(self, journal, cursors, offset)
        except (OSError, MemoryError, ImportError, ValueError):
            self.problem = _NO_CODE
        write = None
        unload("bridge.store.saving", "bridge.store.turnover", "bridge.store.meter_texts")
        return done

    def erase(self) -> tuple:
        """Forgets all; (files, bytes) that are gone."""
        from bridge.store.turnover import erase

        gone = erase(self)
        del erase
        unload("bridge.store.turnover", "bridge.store.saving")
        return gone

    def status(self) -> dict:
        """For the status document."""
        return {
            "files": len(self.firsts),
            "bytes": self.bytes + taken(max(0, self.length)),
            "capacity": self.capacity,
            "problem": self.problem,
        }


def taken(size: int) -> int:
    """Bytes of flash that a file of `size` bytes takes."""
    return (size + UNIT - 1) // UNIT * UNIT
