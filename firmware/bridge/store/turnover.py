"""What seldom happens to the journal's segments: one begins, the oldest goes, all are forgotten; a Segments in, the same changed out.

Loaded for the moment: that is once in some hours.
"""

import os
from struct import pack

from bridge.core.unload import unload
from bridge.store.saving import path, size_of
from bridge.store.segments import UNIT, taken


def head(keys: list, places: dict, offsets: list) -> bytes:
    """The payload of a HEAD; `places`: key to number; `offsets`: pairs."""
    pieces = [bytes([len(keys)])]
    for key in keys:
        pieces.append(bytes([len(key)]) + key.encode() + pack("<I", places[key]))
    for boot, offset in offsets:
        pieces.append(pack("<II", boot, offset))
    return b"".join(pieces)


def prepare(segments, first: int, journal) -> None:
    """Makes room for a segment named `first`."""
    from bridge.store.folder import make

    make(segments.folder)
    unload("bridge.store.folder")
    while segments.useless:
        name = segments.useless.pop()
        segments.bytes -= taken(size_of(segments, name))
        _remove(path(segments, name))
    firsts = segments.firsts
    newest = firsts[-1] if firsts else first
    needed = segments.bytes + (taken(size_of(segments, newest)) if newest != first else 0) + segments.size + UNIT
    while firsts and firsts[0] != first and needed > segments.capacity:
        needed -= drop(segments, journal)


def drop(segments, journal) -> int:
    """Deletes the oldest segment; how many bytes it took."""
    firsts = segments.firsts
    first = firsts[0]
    size = taken(size_of(segments, first))
    _remove(path(segments, first))
    firsts.pop(0)
    end = segments.next
    if firsts:
        end = firsts[0]
        segments.bytes -= size
    count = min(end, journal.first_seq(journal.first)) - first
    for hole in segments.holes:
        if first <= hole[0] < end:
            count -= hole[1] - hole[0]  # counted when they went from RAM
    journal.overwritten += max(0, count)
    return size


def erase(segments) -> tuple:
    """Forgets all; (files, bytes) that are gone. What cannot be deleted is tried again when the next segment begins."""
    from bridge.store import folder

    gone = folder.erase(segments.folder)
    unload("bridge.store.folder")
    segments.useless = [first for first in segments.useless + segments.firsts if size_of(segments, first)]
    segments.bytes = sum([taken(size_of(segments, first)) for first in segments.useless])
    segments.firsts, segments.holes, segments.offsets, segments.saved = [], [], [], {}
    segments.length = 0
    return gone


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:  # it has gone already; or it stays, and no number leads to it
        pass
