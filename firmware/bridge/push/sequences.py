"""Which sequence numbers a destination has out of order: ranges in, the next missing number out.

While a backlog is caught up oldest first, the newest readings overtake it. What overtook is remembered here as a few
ranges; when there are too many, the oldest is forgotten, and its readings are delivered once more.
"""

from micropython import const

# Live readings that follow each other are one range; sixteen leave room for many pauses within one backlog.
_MOST = const(16)


class Sequences:
    """A set of sequence numbers, kept as ascending ranges that do not touch."""

    def __init__(self, other=None):
        self._ranges = [list(pair) for pair in other._ranges] if other else []

    def add(self, first: int, last: int) -> None:
        """Adds first..last, both included."""
        before = [r for r in self._ranges if r[1] < first - 1]
        after = [r for r in self._ranges if r[0] > last + 1]
        touching = self._ranges[len(before) : len(self._ranges) - len(after)]
        if touching:
            first = min(first, touching[0][0])
            last = max(last, touching[-1][1])
        self._ranges = before + [[first, last]] + after
        if len(self._ranges) > _MOST:
            self._ranges.pop(0)

    def missing(self, seq: int) -> int:
        """The first number from `seq` on that is not in the set."""
        for first, last in self._ranges:
            if first <= seq <= last:
                return last + 1
        return seq

    def next_after(self, seq: int):
        """The first number in the set that is above `seq`, None when there is none."""
        for first, last in self._ranges:
            if last > seq:
                return max(first, seq + 1)
        return None

    def forget_below(self, seq: int) -> None:
        """Removes everything below `seq`: it is settled."""
        self._ranges = [[max(first, seq), last] for first, last in self._ranges if last >= seq]
