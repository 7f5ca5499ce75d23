"""Counts of what happened since the start, by name."""


class Counters:
    """Names to whole numbers; a name that was never counted is 0."""

    def __init__(self):
        self._counts = {}

    def add(self, name: str, n: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + n

    def get(self, name: str) -> int:
        return self._counts.get(name, 0)

    def as_dict(self) -> dict:
        """The live dict: read it, do not change it."""
        return self._counts
