"""The status document: parts register a function each, the document is asked of them when somebody wants it."""


class Status:
    """Sections by name, in the order in which they were added."""

    def __init__(self):
        self._sections = []

    def add(self, name: str, make) -> None:
        """`make()` gives a dict (or any JSON value) for section `name`."""
        self._sections.append((name, make))

    def document(self) -> dict:
        """All sections, asked now."""
        return {name: make() for name, make in self._sections}
