"""Runs on MicroPython and on CPython: captures in; what the firmware's own pipeline finds in them out, one JSON line per capture.

    stream.py SAMPLES < LIST      each line: file, encryption key, authentication key, tabs between (hex digits, "" for none)

The protocol is found by the pipeline, as for an owner who set none. Each capture goes in whole, byte by byte, and in chunks of
pseudo-random length; then it is damaged at SAMPLES places in several ways, with itself, whole, behind it (damage.py).
{"file", "protocol", "security", "telegrams": [[[code, value, unit, time], ..], ..], "readings", "refused", "differs": [..], "damage": [..], "tried"}
"""

import json
import sys
from binascii import unhexlify

from bridge.core.counters import Counters
from bridge.pipeline import Pipeline
from damage import damaged
from decode import REFUSALS, TEXT_PROTOCOLS, NoClock, NoLog, NoStore, Recorder, register_json

WAYS = ("whole", "bytes", "random")
CHECKSUMS = ("crc16", "bcc", "sum8")
LONG = 1 << 16  # a capture from this size on is not fed byte by byte: it takes long, and shorter ones have all that it has
DAMAGE_BYTES = 2600  # of a capture's beginning that are damaged: two telegrams or more of most meters


class Light(Recorder):
    """Notes telegrams alone, without readings: for the many runs over damaged captures. `proved`: a checksum or a tag covers every one."""

    def __init__(self):
        super().__init__(None)
        self.found = []
        self.proved = True

    def begin(self, frame) -> None:
        self._frame = frame
        self._registers = []

    def add(self, register) -> None:
        value = register.value
        if not isinstance(value, int):
            value = bytes(value)
        time = register.time
        if time is not None and not isinstance(time, int):
            time = bytes(time)
        self._registers.append((register.ab, register.cde, register.f, value, register.scaler, register.unit, time))

    def finish(self, seq: int, now: int, now_source: int):
        self.found.append(self._registers)
        frame = self._frame
        inner = frame.security and frame.protocol == "p1"  # text with a CRC of its own was inside
        if frame.checksum not in CHECKSUMS and frame.security != "authenticated" and not inner:
            self.proved = False
        return Nothing


class Full(Light):
    """Notes telegrams as `meterbridge decode` prints them, with their readings."""

    def __init__(self):
        Recorder.__init__(self, self._line)
        self.found = []
        self.readings = []
        self.securities = []
        self._rows = []

    def begin(self, frame) -> None:
        Recorder.begin(self, frame)
        self._rows = []

    def add(self, register) -> None:
        row = register_json(register, self._frame.protocol in TEXT_PROTOCOLS)
        self._rows.append((row["obis"], row["value"], row.get("unit"), row.get("time")))
        self._builder.add(register)

    def finish(self, seq: int, now: int, now_source: int):
        self.securities.append(self._frame.security)
        return Recorder.finish(self, seq, now, now_source)

    def _line(self, line: str) -> None:
        self.found.append(self._rows)
        self.readings.append(line[line.find('"reading":') + 10 : -1])


class Nothing:
    """The reading of one that makes none: without a time of its own."""

    time_source = 2


def chunks(data, way: str):
    """Views of `data` in a row."""
    view = memoryview(data)
    at, state = 0, 20250330
    while at < len(data):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = len(data) if way == "whole" else 1 if way == "bytes" else 1 + (state >> 16) % 200
        yield view[at : at + size]
        at += size


def run(data, keys: list, way: str, recorder):
    """The pipeline that a capture went through, and its counters."""
    counters = Counters()
    pipeline = Pipeline("auto", recorder, NoStore(), NoClock(), counters, NoLog(), keys, replay=False)
    for chunk in chunks(data, way):
        pipeline.feed(chunk, 0)
    pipeline.feed(memoryview(b"\n"), 0)
    return pipeline, counters


def whole(data, keys: list) -> dict:
    """Protocol, telegrams and readings of a capture, and in which ways of feeding it there were others."""
    result = {"differs": []}
    first = None
    for way in WAYS:
        if way == "bytes" and len(data) > LONG:
            continue
        recorder = Full()
        pipeline, counters = run(data, keys, way, recorder)
        protocol = pipeline.links[0][0].PROTOCOL if pipeline.settled else "searching"
        refused = [name for name in REFUSALS if counters.get(name)]
        found = (protocol, recorder.found, recorder.readings, recorder.securities, refused, pipeline.problem)
        if first is None:
            first = found
            result.update(protocol=protocol, telegrams=recorder.found, readings=recorder.readings)
            result.update(security=recorder.securities, refused=refused)
        elif found != first:
            result["differs"].append(way)
    return result


def endure(data, keys: list, samples: int) -> tuple:
    """(what went wrong, number of tries) of damaged copies with a whole one behind; ([], 0) where nothing proves a telegram."""
    data = data[:DAMAGE_BYTES]
    good = Light()
    run(data, keys, "random", good)
    if not good.found or not good.proved:
        return [], 0
    wrong = []
    tried = 0
    for name, bad, most in damaged(data, samples):
        tried += 1
        recorder = Light()
        run(bad + data, keys, "random", recorder)
        fault = judge(good.found, recorder.found, most)
        if fault:
            wrong.append(name + ": " + fault)
    return wrong, tried


def judge(good: list, found: list, most: int) -> str:
    """What is wrong with the telegrams of a damaged stream and a good one behind it, "" when nothing; `most` may be lost."""
    for registers in found:
        if not any(within(registers, one) for one in good):
            return "a telegram that nobody sent: %s" % [row for row in registers if row not in good[0]][:3]
    if found[-len(good) :] != good:
        return "the good telegrams behind did not all come, %d of %d in sum" % (len(found), 2 * len(good))
    lost = 2 * len(good) - len(found)
    return "%d telegrams lost" % lost if lost > most else ""


def within(registers: list, one: list) -> bool:
    """Whether `registers` are of telegram `one`: all of them, but where its beginning, which no checksum covers, was lost."""
    return all(row in one for row in registers)


def main() -> None:
    samples = int(sys.argv[1])
    for line in sys.stdin:
        path, *keys = line.rstrip("\n").split("\t")
        keys = [unhexlify(key) if key else None for key in keys]
        with open(path, "rb") as file:
            data = file.read()
        result = whole(data, keys)
        result["file"] = path
        result["damage"], result["tried"] = endure(data, keys, samples)
        print(json.dumps(result))


main()
