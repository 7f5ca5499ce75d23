"""Which readings a destination has or is being sent, out of order: ranges in, the next gap out; what is acknowledged moves the start.

While a backlog is caught up oldest first, the newest readings overtake it. What overtook is remembered here as a few
ranges; when there are too many, the oldest is forgotten, and its readings are delivered once more.
"""

from micropython import const

# Live readings that follow each other are one range; this leaves room for many pauses within one backlog.
_MOST = const(16)


class Sequences:
    """`next`: the first reading that the destination may lack; beyond it ranges [first, last, packet id or 0 once acknowledged]."""

    def __init__(self, first: int):
        self.next = first
        self.ranges = []

    def add(self, first: int, last: int, packet_id: int) -> None:
        """first..last is on its way as `packet_id`, or there (0). An empty range (last < first) only waits for its answer."""
        at = 0
        while at < len(self.ranges) and self.ranges[at][0] <= first:
            at += 1
        self.ranges.insert(at, [first, last, packet_id])

    def gap(self, end: int) -> tuple:
        """(first, stop): the first numbers from `next` on that are neither there nor on their way; none below `end` when first >= stop."""
        first = self.next
        for low, last, _ in self.ranges:
            if low > first:
                return first, min(low, end)
            first = max(first, last + 1)
        return first, end

    def settle(self, waiting) -> int:
        """Notes as acknowledged what is not in `waiting` (packet ids) any more; returns the highest number among it, -1 for nothing."""
        newest = -1
        ranges = self.ranges
        for entry in ranges:
            if entry[2] and entry[2] not in waiting:
                entry[2] = 0
                newest = max(newest, entry[0], entry[1])
        if newest >= 0:
            self.join()
        return newest

    def join(self) -> None:
        """Puts together what is there: `next` moves over all that is complete."""
        at = 0
        ranges = self.ranges
        while at < len(ranges):
            first, last, packet_id = ranges[at]
            if packet_id:
                at += 1
            elif last < first:
                ranges.pop(at)
            elif first <= self.next:
                self.next = max(self.next, last + 1)
                ranges.pop(at)
            elif at and not ranges[at - 1][2] and ranges[at - 1][1] >= first - 1:
                ranges[at - 1][1] = max(ranges[at - 1][1], last)
                ranges.pop(at)
            else:
                at += 1
        if len(ranges) > _MOST:
            for entry in ranges:
                if not entry[2]:
                    ranges.remove(entry)
                    break

    def forget(self) -> None:
        """The connection is over: what is on its way may never arrive."""
        self.ranges = [entry for entry in self.ranges if not entry[2]]
