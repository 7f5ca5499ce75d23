"""The journal on flash: blocks of RAM in, appended piecewise to files ("segments"), the oldest deleted first; blocks out by number of a reading.

A segment is named by the number of its first reading, eight hexadecimal digits, and holds chunks (see `chunks`). It begins with the places of the
destinations and the UTC offsets of the device's starts, so that the newest one alone tells them. A block that does not fit begins the next one.
"""

import os
from binascii import crc32
from errno import errorcode
from struct import pack

from micropython import const

from bridge.core.unload import unload
from bridge.store import chunks

UNIT = 4096  # bytes that a file takes are a multiple of this: a block of the flash
_SEGMENTS = const(32)  # of the capacity in each: what is deleted at once is a 32nd of the history
_LARGEST = const(32768)
_ROOM = const(1280)  # bytes that a block takes, mostly: it is not begun where less is left
_STARTS = const(32)  # of the device whose offset is kept: only those that had readings before the clock was set
_RARE = "bridge.store.turnover"  # in memory only while it is used
_STEADY_S = const(1)  # an offset that differs by more is written anew
_HOLES = const(8)  # between segments, remembered
_TRIES = const(4)  # segments deleted for one write; where that does not help, no more are until it works again
_NOTHING = ((), 0, 0)
_FULL = const(28)  # ENOSPC, which not each build's errno has
_NO_NAME = const(36)  # ENAMETOOLONG: what a full LittleFS says where a new file's name needs room


class Segments:
    """`next`: number after the newest reading on flash, 1 when none; `saved`: a destination's key to the first number that it has not acknowledged;
    `start`: `next` when the device started; `problem`: "" or words for the owner.
    """

    def __init__(self, folder: str, capacity: int, boot: int):
        self.folder = folder
        self.capacity = capacity
        self.size = max(UNIT, min(_LARGEST, capacity // _SEGMENTS // UNIT * UNIT))
        self._boot = boot
        self.problem = ""
        self._changed = self._stale = False  # whether places, whether offsets are to be written
        self.holes = []  # pairs of numbers from and to which nothing came here
        # Of the block that is being written: its number in RAM and what is here of it: bytes, readings, meters.
        self._block = self._done = self._count = self._metered = 0
        # Written last: how far behind the places are, and a block's meters in full: they, their checksum, where. Read last: checksum, meters.
        self._behind = None
        self._told = _NOTHING
        self._heard = _NOTHING
        from bridge.store.recall import Recall

        found = Recall(folder)
        unload("bridge.store.recall")
        self.saved = found.saved
        self._keys = found.keys  # of the places, as the newest HEAD has them
        self._offsets = found.offsets  # pairs of start and offset
        self.firsts = found.firsts  # numbers of the segments
        self.useless = found.useless  # numbers of those in which nothing is readable
        # Of the newest segment: bytes (0: nothing can be appended), checksum.
        self._length = found.length
        self._crc = found.crc
        self.bytes = sum([taken(self.size_of(first)) for first in found.useless + found.firsts[:-1]])  # taken by all but the newest
        self.start = self.next = found.next

    @property
    def oldest(self) -> int:
        """Number of the oldest reading on flash, `next` when none."""
        return min(self.firsts[0], self.next) if self.firsts else self.next

    def path(self, first: int) -> str:
        return "%s/%08x" % (self.folder, first)

    def size_of(self, first: int) -> int:
        try:
            return os.stat(self.path(first))[6]
        except OSError:
            return 0

    def utc_offset(self, boot: int):
        """Seconds to add to that start's uptime, None when never known."""
        for start, offset in self._offsets:
            if start == boot:
                return offset
        return None

    def load(self, seq: int, near=None):
        """The block that holds `seq`, or the next later one, as (bytes, number of its first reading, number after its last, how many bytes are
        records, start of the device or 0 for the present one, that one's UTC offset, meters, segment, position); None when there is none.

        `near`: the one before, from where it goes on without a search.
        """
        firsts = self.firsts
        index = len(firsts) - 1
        if seq >= self.next or index < 0:
            return None
        while index and firsts[index] > seq:
            index -= 1
        at = near[8] if near and near[7] == firsts[index] and near[2] <= seq else 0
        while index < len(firsts):
            found = self._find(firsts[index], at, seq)
            if not found and at:
                found = self._find(firsts[index], 0, seq)
            if found:
                return found
            at = 0
            index += 1
        return None

    def _find(self, first: int, at: int, seq: int):
        try:
            with open(self.path(first), "rb") as file:
                reader = chunks.Chunks(file, at)
                begin = end = 0
                while True:
                    kind = reader.next()
                    payload = reader.payload
                    if kind == chunks.RECORDS:
                        size, count, _ = chunks.parse_tail(payload)
                        reader.used += size
                        end += count
                    elif kind == chunks.METERS:
                        meters = chunks.meters(payload)
                    elif kind != chunks.HEAD:
                        if at and reader.damaged:
                            return None
                        if first <= begin < end <= self.next and seq < end:
                            break
                        if not kind:
                            return None
                        reader.used = 0
                        begin = end = chunks.number(payload, 8, 12)
                        boot = chunks.number(payload, 4, 8)
                        meters = self._meters(payload)
                        if not meters:
                            if at:
                                return None
                            begin = 0
        except OSError:
            return None
        if begin >= self.start:
            boot = 0
        return reader.room, begin, end, reader.used, boot, self.utc_offset(boot), meters, first, reader.start

    def _meters(self, payload: bytes) -> tuple:
        """Those of a BLOCK; empty where they were told before and that cannot be read."""
        crc = chunks.number(payload, 12, 16)
        if len(payload) > 16:
            self._heard = (self._heard[0] if self._heard[1] == crc else chunks.meters(payload[16:]), crc)
        return self._heard[0] if self._heard[1] == crc else ()

    def write(self, journal, cursors: dict, offset) -> bool:
        """Appends what `journal` has beyond the flash, places of destinations (`cursors`: key to number) and this start's UTC offset (None while
        unknown) where they changed. True when all is on flash; otherwise `problem` says why, and the rest is written another time.
        """
        self._note(cursors, offset if journal.undated else None)
        tries = 0 if self.problem else _TRIES
        while True:
            before = (self.next, self._length, self._crc, self._block, self._done, self._count, self._metered)
            try:
                if self._append(journal):
                    self.problem = ""
                    return True
                continue
            except OSError as error:
                code = _FULL if error.errno == _NO_NAME else error.errno
            except MemoryError:
                code = "ENOMEM"
            self.next, self._length, self._crc, self._block, self._done, self._count, self._metered = before
            self._behind = None
            self._told = _NOTHING
            if code != _FULL or not tries or len(self.firsts) < 2:
                self.problem = "flash is full" if code == _FULL else "flash write failed: %s" % errorcode.get(code, code)
                return False
            tries -= 1
            from bridge.store.turnover import drop

            unload(_RARE)
            drop(self, journal)

    def _note(self, cursors: dict, offset) -> None:
        saved = self.saved
        for key in cursors:
            if saved.get(key) != cursors[key]:
                saved[key] = cursors[key]
                self._changed = True
        for key in list(saved):
            if len(saved) > chunks.CURSORS and key not in cursors:
                del saved[key]
        if offset is not None and abs(offset - (self.utc_offset(self._boot) or 0)) > _STEADY_S:
            others = [pair for pair in self._offsets if pair[0] != self._boot]
            self._offsets = others[1 - _STARTS :] + [(self._boot, offset)]
            self._stale = True

    def _append(self, journal) -> bool:
        """Writes to one segment as much as goes there; True when nothing is left."""
        if self._block < journal.first or self._block < journal.last and self._done == journal.length(self._block):
            self._next_block(max(self._block + 1, journal.first))
        more = journal.length(self._block) > self._done
        if not (more or self._changed or self._stale):
            return True
        anew = self._length <= 0 or self._length + (_ROOM if more and not self._done else -UNIT) > self.size
        newest = self.firsts[-1] if self.firsts else 0
        if anew or self.size_of(newest) != self._length:
            # The rest of a block is of no use without its beginning.
            self._next_block(self._block)
            first = journal.first_seq(self._block) if journal.length(self._block) else self.next
            from bridge.store.turnover import prepare

            unload(_RARE)
            prepare(self, first, journal)
            self._length = 0
            self._told = _NOTHING
        else:
            first = newest
        with open(self.path(first), "ab" if self._length else "wb") as file:
            keys = list(self.saved)[: chunks.CURSORS]
            if not self._length or self._stale or keys != self._keys:
                from bridge.store.turnover import head

                unload(_RARE)
                self._put(file, chunks.HEAD, head(keys, self.saved, self._offsets))
                self._behind = None
            self._put_block(file, journal, keys)
            while self._block < journal.last and self._length + _ROOM <= self.size:
                self._next_block(self._block + 1)
                self._put_block(file, journal, keys)
        self._keys = keys
        self._changed = self._stale = False
        if first != newest:
            if self.firsts:
                self.bytes += taken(self.size_of(self.firsts[-1]))
            self.firsts.append(first)
        return self._block >= journal.last

    def _next_block(self, block: int) -> None:
        self._block = block
        self._done = self._count = self._metered = 0

    def _put_block(self, file, journal, keys: list) -> None:
        """What is not here yet of the present block, and the places."""
        block = self._block
        length, first = journal.length(block), journal.first_seq(block)
        count = journal.end(block) - first
        if length:
            meters = journal.meters(block)
            if not self._done:
                if self.firsts and first > self.next and (self.next, first) not in self.holes:
                    self.holes = self.holes[1 - _HOLES :] + [(self.next, first)]
                self._put_begin(file, first, meters)
            elif len(meters) != self._metered:
                self._put(file, chunks.METERS, chunks.texts(meters))
            self._metered = len(meters)
            self.next = max(self.next, first + count)
        trailer = b""
        behind = [self.next - self.saved[key] for key in keys]
        if behind != self._behind:
            self._behind = behind
            trailer = b"".join([pack("<I", self.saved[key]) for key in keys])
        trailer += pack("<H", count - self._count | len(trailer) >> 2 << 12)
        self._put(file, chunks.RECORDS, journal.view(block)[self._done : length], trailer)
        self._done = length
        self._count = count

    def _put_begin(self, file, first: int, meters: tuple) -> None:
        told = self._told
        texts = b""
        if meters != told[0] or self._length - told[2] > UNIT:
            texts = chunks.texts(meters)
            self._told = told = (meters, crc32(texts), self._length)
        self._put(file, chunks.BLOCK, chunks.MAGIC + pack("<III", self._boot, first, told[1]) + texts)

    def _put(self, file, kind: int, payload, trailer: bytes = b"") -> None:
        self._crc, length = chunks.put(file, kind, payload, trailer, self._crc if self._length else 0)
        self._length += length

    def erase(self) -> tuple:
        """Forgets all; (files, bytes) that are gone."""
        from bridge.store.turnover import erase

        unload(_RARE)
        gone = erase(self)
        self.saved = {}
        self._offsets = []
        self._length = 0
        return gone

    def status(self) -> dict:
        """For the status document."""
        return {
            "files": len(self.firsts),
            "bytes": self.bytes + taken(max(0, self._length)),
            "capacity": self.capacity,
            "problem": self.problem,
        }


def taken(size: int) -> int:
    """Bytes of flash that a file of `size` bytes takes."""
    return (size + UNIT - 1) // UNIT * UNIT
