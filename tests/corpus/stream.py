"""Runs on MicroPython and on CPython: captures in, what the firmware's framing and decoding make of them out, one JSON line per capture.

    stream.py < LIST      each line: a protocol, a tab, a file

Each capture goes in whole, byte by byte, and in chunks of pseudo-random length; a way that gives anything else than the
first is named in the line. {"file", "telegrams": [[[code, value, unit, time], ..], ..], "summary", "differs": [..]}
"""

import json
import sys

from bridge.core.errors import DecodeError
from decode import Link, register_json

WAYS = ("whole", "bytes", "random")


def chunks(data, way: str):
    """Views of `data` in a row."""
    view = memoryview(data)
    at, state = 0, 20250330
    while at < len(data):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = len(data) if way == "whole" else 1 if way == "bytes" else 1 + (state >> 16) % 200
        yield view[at : at + size]
        at += size


def telegram(link: Link, frame):
    """The registers of a frame; None when it is no good."""
    rows = []

    def emit(register):
        row = register_json(register, link.name == "p1")
        rows.append([row["obis"], row["value"], row.get("unit"), row.get("time")])

    try:
        link.decode(frame, emit)
    except DecodeError:
        link.undecodable += 1
        return None
    link.telegrams += 1
    return rows


def run(protocol: str, data, way: str) -> str:
    """Telegrams and counters of a capture, as JSON text."""
    link = Link(protocol)
    found = []
    for chunk in chunks(data, way):
        used = 0
        while used < len(chunk):
            used += link.framer.feed(chunk, used)
            frame = link.framer.take()
            if frame is not None:
                rows = telegram(link, frame)
                if rows is not None:
                    found.append(json.dumps(rows))
    return '"telegrams":[' + ",".join(found) + '],"summary":' + json.dumps(sorted(link.summary().items()))


def main() -> None:
    for line in sys.stdin:
        protocol, path = line.rstrip("\n").split("\t")
        with open(path, "rb") as file:
            data = file.read()
        first = run(protocol, data, WAYS[0])
        differs = [way for way in WAYS[1:] if run(protocol, data, way) != first]
        print('{"file":%s,%s,"differs":%s}' % (json.dumps(path), first, json.dumps(differs)))


main()
