"""The journal's segments read back: a Segments and the number of a reading in; the block on flash that holds it out.

Loaded when a destination asks for what is no longer in RAM, and kept until no one does.
"""

from bridge.store.chunks import HEAD, METERS, RECORDS, Chunks, number, parse_tail
from bridge.store.meter_texts import meters as read_meters


def load(segments, seq: int, near):
    """As Segments.load says."""
    firsts = segments.firsts
    index = len(firsts) - 1
    while index and firsts[index] > seq:
        index -= 1
    at = near[8] if near and near[7] == firsts[index] and near[2] <= seq else 0
    while index < len(firsts):
        found = _find(segments, firsts[index], at, seq)
        if not found and at:
            found = _find(segments, firsts[index], 0, seq)
        if found:
            return found
        at = 0
        index += 1
    return None


def _find(segments, first: int, at: int, seq: int):
    try:
        with open("%s/%08x" % (segments.folder, first), "rb") as file:
            reader = Chunks(file, at)
            begin = end = 0
            while True:
                kind = reader.next()
                payload = reader.payload
                if kind == RECORDS:
                    size, count, _ = parse_tail(payload)
                    reader.used += size
                    end += count
                elif kind == METERS:
                    meters = read_meters(payload)
                elif kind != HEAD:
                    if at and reader.damaged:
                        return None
                    if first <= begin < end <= segments.next and seq < end:
                        break
                    if not kind:
                        return None
                    reader.used = 0
                    begin = end = number(payload, 8, 12)
                    boot = number(payload, 4, 8)
                    meters = _meters(segments, payload)
                    if not meters:
                        if at:
                            return None
                        begin = 0
    except OSError:
        return None
    if begin >= segments.start:
        boot = 0
    return reader.room, begin, end, reader.used, boot, segments.utc_offset(boot), meters, first, reader.start


def _meters(segments, payload: bytes) -> tuple:
    """Those of a BLOCK; empty where they were told before and that cannot be read."""
    crc = number(payload, 12, 16)
    heard = segments.heard or ((), 0)
    if len(payload) > 16:
        segments.heard = heard = (heard[0] if heard[1] == crc else read_meters(payload[16:]), crc)
    return heard[0] if heard[1] == crc else ()
