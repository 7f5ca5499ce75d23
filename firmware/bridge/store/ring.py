"""Blocks of bytes in one preallocated buffer, the oldest overwritten: where the journal's records lie in RAM.

Blocks are numbered for ever; block b lies in place b % places. Each knows the sequence number of its first reading.
"""

from micropython import const

BLOCK_BYTES = const(1024)  # a first record takes 60 to 130 bytes, and overwriting drops a block whole: between the two
_SMALLEST = const(256)


class Ring:
    """`first`..`last`: the numbers of the blocks there are; `data`: the buffer; `block_bytes`: the size of one."""

    def __init__(self, capacity: int):
        self.block_bytes = BLOCK_BYTES if capacity >= 4 * BLOCK_BYTES else max(_SMALLEST, capacity // 4)
        self._places = max(2, capacity // self.block_bytes)
        self.data = bytearray(self._places * self.block_bytes)
        self._first_seq = [0] * self._places
        self._count = [0] * self._places
        self._used = [0] * self._places
        self._meters = [0] * self._places
        self.first = 0
        self.last = -1

    def open(self, seq: int) -> int:
        """Starts a block whose first reading will be `seq`; how many readings were overwritten for it."""
        self.last += 1
        place = self.last % self._places
        lost = 0
        if self.last - self.first == self._places:
            lost = self._count[place]
            self.first += 1
        self._first_seq[place] = seq
        self._count[place] = self._used[place] = self._meters[place] = 0
        return lost

    def drop_first(self) -> int:
        """Gives up the oldest block; how many readings that were."""
        place = self.first % self._places
        count = self._count[place]
        self._count[place] = self._used[place] = self._meters[place] = 0
        self.first += 1
        return count

    def restart(self, seq: int) -> None:
        """Nothing was written to the last block: its first reading will be `seq`."""
        self._first_seq[self.last % self._places] = seq

    def write(self, record: bytearray, length: int, meter: int) -> bool:
        """Adds a record of a reading of meter number `meter` to the last block; False when it does not fit there."""
        place = self.last % self._places
        used = self._used[place]
        if used + length > self.block_bytes:
            return False
        at = place * self.block_bytes + used
        data = self.data
        for index in range(length):
            data[at + index] = record[index]
        self._used[place] = used + length
        self._count[place] += 1
        self._meters[place] |= 1 << meter
        return True

    def start(self, block: int) -> int:
        """Offset in `data` of a block's first record."""
        return block % self._places * self.block_bytes

    def end(self, block: int) -> int:
        """Offset behind a block's last record."""
        place = block % self._places
        return place * self.block_bytes + self._used[place]

    def first_seq(self, block: int) -> int:
        """Sequence number of a block's first reading."""
        return self._first_seq[block % self._places]

    def end_seq(self, block: int) -> int:
        """Sequence number behind a block's last reading."""
        place = block % self._places
        return self._first_seq[place] + self._count[place]

    def find(self, seq: int) -> int:
        """The block that holds `seq`, or the next one that holds anything later, or the last one."""
        for block in range(self.first, self.last):
            if self.end_seq(block) > seq:
                return block
        return self.last

    def meters(self) -> int:
        """Bit m: some reading in the ring is of meter number m."""
        found = 0
        for place in range(self._places):
            found |= self._meters[place]
        return found

    def bytes_used(self) -> int:
        return sum(self._used)
