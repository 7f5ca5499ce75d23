"""What few DLMS lists have: a value of a rare type in, its length out; a register in, where its scaler and unit stand as an entry of their own out.

Imported when first needed.
"""

from micropython import const

from bridge.core.errors import DecodeError
from bridge.decoding.dlms_walk import KINDS

_ARRAY, _STRUCTURE, _UNSIGNED_16, _COMPACT, _ANYTHING = const(1), const(2), const(18), const(19), const(255)
_LENGTH, _CONTAINER, _UNKNOWN = const(0x40), const(0x80), const(0x4F)  # as in dlms_walk
_OBJECT, _CODE = const(18), const(7)  # octets of a push object; where in it the code is
_PUSH_SETUP = const(40)  # class, as in dlms_walk


def size_of(walk, buffer, at: int, end: int) -> int:
    """Octets behind `at`, where the tag of a don't-care or a compact array was read: type of its elements, length, contents."""
    tag = buffer[at - 1]
    if tag == _ANYTHING:
        return 0
    if tag != _COMPACT:
        raise DecodeError("DLMS: value of an unknown type")
    start = at
    left = 1
    while left:
        if at + 1 >= end:
            raise DecodeError("DLMS: length of a value is none")
        left -= 1
        tag = buffer[at]
        at += 1
        if tag == _STRUCTURE:
            left += buffer[at]
            at += 1
        elif tag == _ARRAY:
            left += 1
            at += 2
    at = walk._length(_LENGTH, 0, at)
    return at + walk._size - start


def scaler_at(walk, buffer, first: int, end: int, values: int) -> int:
    """Where attribute 3 of the register's object stands, `end` when nowhere; `values`: behind the list of push objects at `first`, 0: there is none."""
    register = walk._register
    cde = register.cde
    at = buffer.find(bytes((register.ab >> 8, register.ab & 255, cde >> 16, cde >> 8 & 255, cde & 255, register.f, 15, 3)), first, end)
    if at < 0:
        return end
    if not values:  # class, code, attribute, perhaps an index, and the value
        at += 8
        return at + 3 if buffer[at] == _UNSIGNED_16 else at
    row = (at - first) // _OBJECT
    at -= _CODE + row * _OBJECT  # the first object
    if buffer[at + 4] == _PUSH_SETUP and buffer[at + 14] == 2:  # whose value was the list
        row -= 1
    for _ in range(row):
        values = _behind(walk, buffer, values, end)
    return values


def _behind(walk, buffer, at: int, end: int) -> int:
    """The place behind the value at `at`."""
    left = 1
    while left:
        if at >= end:
            raise DecodeError("DLMS: notification ends within a value")
        left -= 1
        tag = buffer[at]
        kind = KINDS[tag] if tag < len(KINDS) else _UNKNOWN
        at += 1
        size = kind & 15
        if kind & (_LENGTH | _CONTAINER):
            at = walk._length(kind, tag, at)
            size = walk._size
            if kind & _CONTAINER:
                left += size
                size = 0
        at += size
    return at
