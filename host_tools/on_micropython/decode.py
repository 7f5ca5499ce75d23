"""Runs on MicroPython or CPython: a captured byte stream in, the firmware's own framing and decoding over it, one JSON object per telegram out.

    micropython decode.py FILE|- [PROTOCOL [KEY [AUTH_KEY]]]     '-' is standard input; PROTOCOL is a row of the pipeline's PROTOCOLS
                                                                 or auto; keys are hex digits, "" for none

The bytes go through the firmware's own pipeline, with something that writes registers down in the place of the reading stage.
The last line is the summary.
"""

import json
import sys
from binascii import unhexlify

from bridge.core.civil import iso, seconds
from bridge.core.counters import Counters
from bridge.decoding.obis import text, unit_name
from bridge.pipeline import Pipeline
from bridge.reading.builder import Builder
from bridge.reading.quantities import QUANTITIES, TIME
from bridge.reading.reading import TIME_SOURCE_NAMES, UPTIME

TEXT_PROTOCOLS = ("p1", "d0")  # octet values are text as sent; elsewhere they are printed as hex digits
REGISTER_MEMBERS = ("obis", "value", "unit", "time")
SUMMARY_MEMBERS = ("protocol", "telegrams", "crc_errors", "oversize", "noise_bytes", "undecodable", "problem")
REFUSALS = ("key_missing", "key_wrong", "tag_wrong", "replay", "length", "cipher_unknown")
CHUNK_BYTES = 256
SEASONS = {"S": "+02:00", "W": "+01:00"}
CLOCK = (0, 1 << 16)  # ab and cde of 0-0:1.0.0


def decimal(value: int, scaler: int) -> str:
    """value * 10 ** scaler as decimal text with exactly these digits."""
    if scaler >= 0:
        return str(value) + "0" * scaler if value else "0"
    digits = str(abs(value))
    digits = "0" * (1 - scaler - len(digits)) + digits
    return ("-" if value < 0 else "") + digits[:scaler] + "." + digits[scaler:]


def latin(octets) -> str:
    """Octets as text, one character each."""
    return "".join([chr(octet) for octet in octets])


def time_text(stamp) -> str:
    """A register's own time: ISO 8601 with the offset of its season's letter, naive without one; the raw text when it is no date."""
    if isinstance(stamp, int):
        return iso(stamp)
    raw = latin(stamp)
    try:
        parts = [int(raw[i : i + 2]) for i in range(0, 12, 2)]
        seconds(2000 + parts[0], *parts[1:])
    except ValueError:
        return raw
    return "20%s-%s-%sT%s:%s:%s" % tuple(raw[i : i + 2] for i in range(0, 12, 2)) + SEASONS.get(raw[12:].upper(), "")


def register_json(register, as_text: bool) -> dict:
    """A register as it is printed."""
    value = register.value
    if not isinstance(value, int):
        value = latin(value) if as_text else "".join(["%02x" % octet for octet in value])
    elif register.implied:
        value = str(value)  # as sent: the scaler is of a table, and so is the unit
    elif (register.ab, register.cde) == CLOCK:
        value = iso(value)
    else:
        value = decimal(value, register.scaler)
    code = text(register.ab, register.cde, register.f) if register.code is None else latin(register.code)
    row = {"obis": code, "value": value}
    unit = unit_name(register.unit)
    if unit and not register.implied:
        row["unit"] = unit
    if register.time is not None:
        row["time"] = time_text(register.time)
    return row


def ordered(row: dict, names: tuple) -> str:
    """A dict as JSON with its members in this order (MicroPython's dicts have none)."""
    return "{" + ",".join([json.dumps(name) + ":" + json.dumps(row[name]) for name in names if name in row]) + "}"


def reading_json(reading) -> str:
    """A reading in the names of the vocabulary, with exact decimals (put together by hand: a float would lose digits)."""
    known = reading.time_source != UPTIME
    parts = ['"time":' + (json.dumps(iso(reading.time)) if known else "null")]
    parts.append('"time_source":' + json.dumps(TIME_SOURCE_NAMES[reading.time_source] if known else "none"))
    meter = reading.meter
    ids = (("meter_id", meter.id), ("gas_meter_id", meter.gas_id), ("water_meter_id", meter.water_id), ("heat_meter_id", meter.heat_id))
    for name, value in ids:
        if value:
            parts.append('"%s":%s' % (name, json.dumps(value)))
    if meter.month_peaks:
        parts.append('"month_peaks":' + month_peaks_json(meter.month_peaks))
    for quantity in reading.items():
        name, kind = QUANTITIES[quantity][:2]
        value = json.dumps(iso(reading.get(quantity))) if kind == TIME else reading.text(quantity)
        parts.append('"%s":%s' % (name, value))
    return "{" + ",".join(parts) + "}"


def month_peaks_json(months: tuple) -> str:
    """Month peaks as the state that the dongle pushes has them: the month, when the peak was, W."""
    rows = []
    for month, peak, watts in months:
        rows.append('{"month":%s,"time":%s,"power_w":%d}' % (json.dumps(month), "null" if peak is None else json.dumps(iso(peak)), watts))
    return "[" + ",".join(rows) + "]"


class Recorder:
    """Stands where the pipeline has its builder: notes each register, makes the reading, prints the telegram with `write`."""

    values = None  # every register is wanted, so the decoder keeps no places

    def __init__(self, write):
        self._write = write
        self._builder = Builder()
        self._registers = []
        self._frame = None
        self.telegrams = 0

    def begin(self, frame) -> None:
        self._frame = frame
        self._registers = []
        self._builder.begin(frame)

    def add(self, register) -> None:
        row = register_json(register, self._frame.protocol in TEXT_PROTOCOLS)
        self._registers.append(ordered(row, REGISTER_MEMBERS))
        self._builder.add(register)

    def finish(self, seq: int, now: int, now_source: int):
        reading = self._builder.finish(self.telegrams, now, now_source)
        self.telegrams += 1
        frame = self._frame
        secured = "" if frame.security in ("", "plain") else ',"security":"%s"' % frame.security
        self._write(
            '{"protocol":%s%s,"registers":[%s],"reading":%s}'
            % (json.dumps(frame.protocol), secured, ",".join(self._registers), reading_json(reading) if reading else "null")
        )
        return reading or Nothing


class Nothing:
    """What a telegram without a quantity gives: it counts as decoded all the same."""

    time_source = UPTIME


class NoStore:
    """Keeps nothing."""

    next = 0

    def append(self, reading) -> None:
        pass


class NoClock:
    """A capture is not dated by this machine's clock."""

    synced = False

    def now(self) -> int:
        return 0

    uptime_s = now

    def set(self, utc: int, source: str) -> None:
        pass


class NoLog:
    def info(self, area: str, text: str) -> None:
        pass

    debug = warning = info


def summary(pipeline, recorder, counters) -> dict:
    """What became of the stream, of the link that made most of it."""
    status = pipeline.status()
    refused = [name for name in REFUSALS if counters.get(name)]
    return {
        "protocol": pipeline.links[0][0].PROTOCOL if pipeline.links else "",
        "telegrams": recorder.telegrams,
        "crc_errors": status.get("crc_errors", 0),
        "oversize": status.get("oversize", 0),
        "noise_bytes": status.get("noise_bytes", 0),
        "undecodable": status["undecodable"],
        "problem": refused[0] if refused else status["problem"],
    }


def main(words: list) -> None:
    words = words + [""] * 3
    keys = [unhexlify(word) if word else None for word in words[2:4]]
    counters = Counters()
    recorder = Recorder(print)
    pipeline = Pipeline(words[1] or "auto", recorder, NoStore(), NoClock(), counters, NoLog(), keys, replay=False)
    stream = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer) if words[0] == "-" else open(words[0], "rb")  # raw: CPython's, which gives what is there
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    while True:
        count = stream.readinto(buffer)
        if not count:
            break
        pipeline.feed(view[:count], 0)
    pipeline.feed(memoryview(b"\n"), 0)  # the stream ends: an end of line closes a last telegram without one
    print('{"summary":' + ordered(summary(pipeline, recorder, counters), SUMMARY_MEMBERS) + "}")


if __name__ == "__main__":
    main(sys.argv[1:])
