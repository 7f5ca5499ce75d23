"""What the journal's segments on flash tell at the start: a Segments with its folder in; it knows names, places, clock offsets, the next number out.

Reads the newest file and, where that does not tell the places, older ones; writes nothing. Nothing that is there raises an error.
"""

import os

from micropython import const

from bridge.store.chunks import BLOCK, CURSORS, HEAD, RECORDS, Chunks, number, parse_tail
from bridge.store.segments import UNIT, taken

_SEGMENTS = const(32)  # of the capacity in each: what is deleted at once is a 32nd of the history
_LARGEST = const(32768)
_NUMBERS = const(0x40000000)  # of readings: 34 years of one each second


def recall(segments) -> None:
    """Sets what `segments` has beside what it was made with."""
    folder = segments.folder
    segments.size = max(UNIT, min(_LARGEST, segments.capacity // _SEGMENTS // UNIT * UNIT))
    segments.changed = segments.stale = False  # whether places, whether offsets are to be written
    segments.holes = []  # pairs of numbers from and to which nothing came here
    # Of the block that is being written: its number in RAM and what is here of it: bytes, readings, meters.
    segments.block = segments.done = segments.count = segments.metered = 0
    # Written last: how far behind the places are; a block's meters in full: they, their checksum, where. Read last: a block's meters, their checksum.
    segments.behind = segments.told = segments.heard = None
    found = _Recall(folder)
    segments.saved = found.saved
    segments.keys = found.keys
    segments.offsets = found.offsets
    segments.firsts = found.firsts
    segments.useless = found.useless
    segments.length = found.length
    segments.crc = found.crc
    others = found.useless + found.firsts[:-1]
    segments.bytes = sum([taken(_size("%s/%08x" % (folder, first))) for first in others])  # taken by all but the newest
    segments.start = segments.next = found.next


class _Recall:
    """`firsts`: numbers that name the segments, `useless`: of those in which nothing is readable; `next`: number after the newest reading; `saved`: key of
    a destination to number; `keys`: the destinations, as the newest HEAD has them; `offsets`: pairs of start and UTC offset; `length`, `crc`: of
    the newest segment, `length` 0 where nothing can be appended.
    """

    def __init__(self, folder: str):
        self._folder = folder
        self.useless = []
        self.saved = {}
        self.keys = []
        self.offsets = []
        self.next = 1
        self.length = self.crc = self._block = 0
        try:
            firsts = [_named(name) for name in os.listdir(folder)]
        except OSError:
            firsts = []
        self.firsts = firsts = sorted([first for first in firsts if first])
        begin = len(firsts) - 1
        while begin > 0 and not self._read(firsts[begin], False):
            begin -= 1
        for first in firsts[max(0, begin) :]:
            if not self._read(first, True):
                self.useless.append(first)
        for first in self.useless:
            firsts.remove(first)
        for key in self.saved:
            self.saved[key] = min(self.saved[key], self.next)

    def _read(self, first: int, whole: bool) -> bool:
        """Takes what a segment tells; False where it is nothing. When not `whole` only asks whether its beginning tells the places."""
        self.length = self._block = 0
        self.keys = self._behind = []
        path = "%s/%08x" % (self._folder, first)
        try:
            with open(path, "rb") as file:
                reader = Chunks(file)
                kind = reader.next()
                if not whole:
                    return kind == HEAD and not reader.damaged
                if not kind:
                    return False
                self.next = max(self.next, first)
                while kind:
                    self._take(kind, reader)
                    kind = reader.next()
                self.crc = reader.crc
                if reader.start == file.seek(0, 2):  # behind damage nothing is appended
                    self.length = reader.end
        except OSError:
            # It cannot be read now. No reading takes less than a byte: none of its numbers is given again.
            self.next = max(self.next, first + 1 + _size(path))
        return True

    def _take(self, kind: int, reader) -> None:
        payload = reader.payload
        numbers = ()
        if reader.damaged:
            reader.damaged = False
            self.keys = self._behind = []
        if kind == HEAD:
            numbers = self._head(payload)
        elif kind == BLOCK:
            self._block = number(payload, 8, 12)
        elif kind == RECORDS:
            at, count, cursors = parse_tail(payload)
            if count and 0 < self._block < _NUMBERS:
                self._block += count
                self.next = max(self.next, self._block)
            if not cursors:
                numbers = [self.next - behind for behind in self._behind]
            elif cursors == len(self.keys):
                numbers = [number(payload, at + 4 * n, at + 4 * n + 4) for n in range(cursors)]
        if numbers:
            self._behind = [self.next - seq for seq in numbers]
            for key, seq in zip(self.keys, numbers):
                self.saved[key] = seq

    def _head(self, payload: bytes) -> list:
        """The places' numbers; as much as can be read."""
        keys, numbers, offsets = [], [], []
        try:
            at = 1
            for _ in range(min(CURSORS, payload[0])):
                end = at + 1 + payload[at]
                keys.append(str(payload[at + 1 : end], "utf-8"))
                numbers.append(number(payload, end, end + 4))
                at = end + 4
            while at < len(payload):
                offsets.append((number(payload, at, at + 4), number(payload, at + 4, at + 8)))
                at += 8
        except (IndexError, UnicodeError):  # too short; no text
            keys = []
        self.keys = keys
        self.offsets = offsets
        return numbers


def _named(name: str) -> int:
    """The number that names a segment, 0 when it is another file's name."""
    try:
        first = int(name, 16)
    except ValueError:
        return 0
    return first if 0 < first < _NUMBERS and name == "%08x" % first else 0


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0
