"""The status document: parts register what answers for them, the document is asked of them when somebody wants it."""


class Status:
    """Sections by name, in the order in which they were added."""

    def __init__(self):
        self._sections = []

    def add(self, name: str, make) -> None:
        """`make()` gives the JSON value of section `name`; what is no function is the value; a dict of functions a section of as many parts."""
        self._sections.append((name, make))

    def document(self) -> dict:
        """All sections, asked now."""
        found = {}
        for name, make in self._sections:
            if isinstance(make, dict):
                found[name] = {part: make[part]() for part in make}
            else:
                found[name] = make() if callable(make) else make
        return found
