"""What RAM has goes to the journal's segments: a Segments, the journal and the places of destinations in; the newest file longer by that.

Loaded for the moment: that is once in a minute, with one append.
"""

import os
from binascii import crc32
from errno import errorcode
from struct import pack

from micropython import const

from bridge.store.chunks import BLOCK, CURSORS, HEAD, MAGIC, METERS, RECORDS
from bridge.store.segments import UNIT, taken

_ROOM = const(1280)  # bytes that a block takes, mostly: it is not begun where less is left
_STARTS = const(32)  # of the device whose offset is kept: only those that had readings before the clock was set
_STEADY_S = const(1)  # an offset that differs by more is written anew
_HOLES = const(8)  # between segments, remembered
_TRIES = const(4)  # segments deleted for one write; where that does not help, no more are until it works again
_ENOSPC = const(28)  # which not each build's errno has
_NO_NAME = const(36)  # ENAMETOOLONG: what a full LittleFS says where a new file's name needs room
_FULL = "flash is full"


def write(segments, journal, cursors: dict, offset) -> bool:
    """As Segments.write says."""
    _note(segments, cursors, offset if journal.undated else None)
    tries = 0 if segments.problem == _FULL else _TRIES
    while True:
        before = (segments.next, segments.length, segments.crc, segments.block, segments.done, segments.count, segments.metered)
        try:
            if _append(segments, journal):
                segments.problem = ""
                return True
            continue
        except OSError as error:
            code = _ENOSPC if error.errno == _NO_NAME else error.errno
        except (MemoryError, ImportError, ValueError) as error:
            code = type(error).__name__
        segments.next, segments.length, segments.crc, segments.block, segments.done, segments.count, segments.metered = before
        segments.behind = segments.told = None
        if code != _ENOSPC or not tries or len(segments.firsts) < 2:
            segments.problem = _FULL if code == _ENOSPC else "flash write failed: %s" % errorcode.get(code, code)
            return False
        tries -= 1
        from bridge.store.turnover import drop

        drop(segments, journal)


def _note(segments, cursors: dict, offset) -> None:
    saved = segments.saved
    for key in cursors:
        if saved.get(key) != cursors[key]:
            saved[key] = cursors[key]
            segments.changed = True
    for key in list(saved):
        if len(saved) > CURSORS and key not in cursors:
            del saved[key]
    boot = segments.boot
    if offset is not None and abs(offset - (segments.utc_offset(boot) or 0)) > _STEADY_S:
        others = [pair for pair in segments.offsets if pair[0] != boot]
        segments.offsets = others[1 - _STARTS :] + [(boot, offset)]
        segments.stale = True


def _append(segments, journal) -> bool:
    """Writes to one segment as much as goes there; True when nothing is left."""
    block = segments.block
    if block < journal.first or block < journal.last and segments.done == journal.length(block):
        block = max(block + 1, journal.first)
        _next_block(segments, block)
    more = journal.length(block) > segments.done
    if not (more or segments.changed or segments.stale):
        return True
    anew = segments.length <= 0 or segments.length + (_ROOM if more and not segments.done else -UNIT) > segments.size
    newest = segments.firsts[-1] if segments.firsts else 0
    if anew or size_of(segments, newest) != segments.length:
        # The rest of a block is of no use without its beginning.
        _next_block(segments, block)
        first = journal.first_seq(block) if journal.length(block) else segments.next
        from bridge.store.turnover import prepare

        prepare(segments, first, journal)
        segments.length = 0
        segments.told = None
    else:
        first = newest
    with open(path(segments, first), "ab" if segments.length else "wb") as file:
        keys = list(segments.saved)[:CURSORS]
        if not segments.length or segments.stale or keys != segments.keys:
            from bridge.store.turnover import head

            _put(segments, file, HEAD, head(keys, segments.saved, segments.offsets))
            segments.behind = None
        _put_block(segments, file, journal, keys)
        while segments.block < journal.last and segments.length + _ROOM <= segments.size:
            _next_block(segments, segments.block + 1)
            _put_block(segments, file, journal, keys)
    segments.keys = keys
    segments.changed = segments.stale = False
    if first != newest:
        if segments.firsts:
            segments.bytes += taken(size_of(segments, newest))
        segments.firsts.append(first)
    return segments.block >= journal.last


def _next_block(segments, block: int) -> None:
    segments.block = block
    segments.done = segments.count = segments.metered = 0


def _put_block(segments, file, journal, keys: list) -> None:
    """What is not here yet of the present block, and the places."""
    block = segments.block
    length, first = journal.length(block), journal.first_seq(block)
    count = journal.end(block) - first
    if length:
        meters = journal.meters(block)
        if not segments.done:
            _begin(segments, file, first, meters)
        elif len(meters) != segments.metered:
            from bridge.store.meter_texts import texts

            _put(segments, file, METERS, texts(meters))
        segments.metered = len(meters)
        segments.next = max(segments.next, first + count)
    trailer = b""
    saved = segments.saved
    behind = [segments.next - saved[key] for key in keys]
    if behind != segments.behind:
        segments.behind = behind
        trailer = b"".join([pack("<I", saved[key]) for key in keys])
    trailer += pack("<H", count - segments.count | len(trailer) >> 2 << 12)
    _put(segments, file, RECORDS, journal.view(block)[segments.done : length], trailer)
    segments.done = length
    segments.count = count


def _begin(segments, file, first: int, meters: tuple) -> None:
    hole = (segments.next, first)
    if segments.firsts and first > segments.next and hole not in segments.holes:
        segments.holes = segments.holes[1 - _HOLES :] + [hole]
    told = segments.told
    words = b""
    if not told or meters != told[0] or segments.length - told[2] > UNIT:
        from bridge.store.meter_texts import texts

        words = texts(meters)
        segments.told = told = (meters, crc32(words), segments.length)
    _put(segments, file, BLOCK, pack("<IIII", MAGIC, segments.boot, first, told[1]) + words)


def _put(segments, file, kind: int, payload, trailer: bytes = b"") -> None:
    segments.crc, length = put(file, kind, payload, trailer, segments.crc if segments.length else 0)
    segments.length += length


def put(file, kind: int, payload, trailer, crc: int) -> tuple:
    """Writes a chunk; (its crc, its length)."""
    length = len(payload) + len(trailer)
    header = pack("<BH", kind, length)
    crc = crc32(payload, crc32(header, 0 if kind == BLOCK else crc))
    if trailer:
        crc = crc32(trailer, crc)
    file.write(header + pack("<I", crc))
    file.write(payload)
    if trailer:
        file.write(trailer)
    return crc, len(header) + 4 + length


def path(segments, first: int) -> str:
    """Of the segment that begins with this number."""
    return "%s/%08x" % (segments.folder, first)


def size_of(segments, first: int) -> int:
    """Bytes in it, 0 where it is not."""
    try:
        return os.stat(path(segments, first))[6]
    except OSError:
        return 0
