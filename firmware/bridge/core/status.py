"""The status document: parts register what answers for them, the document is asked of them when somebody wants it: small pieces of JSON out."""

import json


def _pieces(key: str, value):
    """`value` as bytes, a member or an element at a time; `key`: what goes before it."""
    if isinstance(value, dict) and any([isinstance(part, dict) or callable(part) for part in value.values()]):
        key += "{"
        for name, part in value.items():
            yield from _pieces(key + json.dumps(name) + ":", part() if callable(part) else part)
            key = ","
        yield b"}" if key == "," else (key + "}").encode()
    elif isinstance(value, list):
        key += "["
        for part in value:
            yield (key + json.dumps(part)).encode()
            key = ","
        yield b"]" if key == "," else (key + "]").encode()
    else:
        yield (key + json.dumps(value)).encode()


class Status:
    """Sections by name, in the order in which they were added."""

    def __init__(self):
        self._sections = []

    def add(self, name: str, make) -> None:
        """`make()` gives the JSON value of section `name`; what is no function is the value; a dict of functions a section of as many parts."""
        self._sections.append((name, make))

    def document(self):
        """All sections, asked one by one: an iterator of JSON in UTF-8, in pieces of a line or a part's numbers."""
        before = '{"'
        for name, make in self._sections:
            yield from _pieces(before + name + '":', make() if callable(make) else make)
            before = ',"'
        yield b"}"
