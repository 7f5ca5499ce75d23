"""What the meters' bytes are compared with: the names of published vectors and captures in, bytes out; and a reader of SML files."""

import json
import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared"


def shared(*parts):
    """A file of the published vectors and captures; the test is left out where they are not on this machine."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: the meters' bytes cannot be checked"
        pytest.skip(f"{path} is not on this machine")
    return path


def vector(name):
    """A published vector: the dictionary of its fields."""
    return next(v for v in json.loads(shared("vectors.json").read_text()) if v["name"] == name)


def octets(name):
    """The bytes of a vector; of an encrypted text what it says."""
    found = vector(name)
    text = found.get("ascii", found.get("plaintext"))
    return bytes.fromhex(found["hex"]) if text is None else text.encode()


def element(data, at):
    """One SML element: (list, octets in hex, (number, signed, octets) or None for the end mark), next position."""
    kind, length, size = data[at] >> 4 & 7, data[at] & 15, 1
    while data[at + size - 1] & 0x80:
        length, size = length << 4 | data[at + size] & 15, size + 1
    if data[at] == 0:
        return None, at + 1
    if kind == 7:
        items, at = [], at + size
        for _ in range(length):
            item, at = element(data, at)
            items.append(item)
        return items, at
    raw = data[at + size:at + length]
    return raw.hex() if kind == 0 else (int.from_bytes(raw, "big", signed=kind == 5), kind == 5, len(raw)), at + length


def listed(data):
    """(sensor time, {code: (status, time, unit, scaler, value)}) of an SML file, whose frame is checked."""
    assert data.startswith(b"\x1b" * 4 + b"\x01" * 4) and data[-8:-3] == b"\x1b" * 4 + b"\x1a" and len(data) % 4 == 0
    body, at, messages = data[8:-8].replace(b"\x1b" * 8, b"\x1b" * 4), 0, []
    while at < len(body) - 3:
        message, at = element(body, at)
        messages.append(message)
    answer = messages[1][3][1]
    return answer[3], {row[0]: row[1:6] for row in answer[4]}
