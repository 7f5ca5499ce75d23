"""Runs on MicroPython: a captured byte stream in, the firmware's own framing and decoding over it, one JSON object per telegram out.

    micropython decode.py FILE|- [PROTOCOL]        '-' is standard input; PROTOCOL is a row of PROTOCOLS or auto

With auto every framer listens until one gives a telegram that decodes; the others then go. The last line is the summary.
"""

import json
import sys

from bridge.core.civil import iso, seconds
from bridge.core.errors import DecodeError
from bridge.decoding.obis import text, unit_name

# Protocol to framer and decoder, imported when asked for; further protocols are further rows.
PROTOCOLS = {
    "p1": ("bridge.framing.p1:P1Framer", "bridge.decoding.p1:decode"),
    "sml": ("bridge.framing.sml:SmlFramer", "bridge.decoding.sml:decode"),
}
TEXT_PROTOCOLS = ("p1",)  # octet values are text as sent; elsewhere they are printed as hex digits
REGISTER_MEMBERS = ("obis", "value", "unit", "time")
SUMMARY_MEMBERS = ("telegrams", "crc_errors", "oversize", "noise_bytes", "undecodable")
CHUNK_BYTES = 256
SEASONS = {"S": "+02:00", "W": "+01:00"}
CLOCK = (0, 1 << 16)  # ab and cde of 0-0:1.0.0


def find(name: str):
    """The object that "module:name" names."""
    module, attribute = name.split(":")
    return getattr(__import__(module, None, None, (attribute,)), attribute)


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
    elif (register.ab, register.cde) == CLOCK:
        value = iso(value)
    else:
        value = decimal(value, register.scaler)
    row = {"obis": text(register.ab, register.cde, register.f), "value": value}
    unit = unit_name(register.unit)
    if unit:
        row["unit"] = unit
    if register.time is not None:
        row["time"] = time_text(register.time)
    return row


def ordered(row: dict, names: tuple) -> str:
    """A dict as JSON with its members in this order (MicroPython's dicts have none)."""
    return "{" + ",".join([json.dumps(name) + ":" + json.dumps(row[name]) for name in names if name in row]) + "}"


def reading_json(reading) -> str:
    """A reading in the names of the vocabulary, with exact decimals (put together by hand: a float would lose digits)."""
    from bridge.reading.quantities import QUANTITIES, TIME
    from bridge.reading.reading import TIME_SOURCE_NAMES, UPTIME

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


class Link:
    """A protocol's framer and decoder, and what they made of the stream."""

    def __init__(self, name: str):
        framer, decoder = PROTOCOLS[name]
        self.name = name
        self.framer = find(framer)()
        self.decode = find(decoder)
        self.telegrams = 0
        self.undecodable = 0

    def interest(self) -> tuple:
        """How much of the stream looked like this protocol, for choosing among links."""
        framer = self.framer
        return self.telegrams, framer.frames, framer.crc_errors + framer.oversize + framer.resyncs, -framer.noise_bytes

    def summary(self) -> dict:
        framer = self.framer
        return {
            "telegrams": self.telegrams,
            "crc_errors": framer.crc_errors,
            "oversize": framer.oversize,
            "noise_bytes": framer.noise_bytes,
            "undecodable": self.undecodable,
        }


class Decoding:
    """Feeds `links` and prints telegrams with `write`; settles for the first link whose telegram decodes."""

    def __init__(self, links: list, write):
        self.links = links
        self._write = write
        try:
            from bridge.reading.builder import Builder

            self._builder = Builder()
        except ImportError:
            self._builder = None

    def feed(self, chunk) -> None:
        for link in self.links:
            used = 0
            while used < len(chunk):
                used += link.framer.feed(chunk, used)
                frame = link.framer.take()
                if frame is not None and self._telegram(link, frame) and len(self.links) > 1:
                    self.links = [link]

    def _telegram(self, link: Link, frame) -> bool:
        registers = []
        builder = self._builder
        if builder:
            builder.begin(frame)

        def emit(register):
            registers.append(ordered(register_json(register, link.name in TEXT_PROTOCOLS), REGISTER_MEMBERS))
            if builder:
                builder.add(register)

        try:
            link.decode(frame, emit)
        except DecodeError:
            link.undecodable += 1
            return False
        link.telegrams += 1
        reading = builder.finish(link.telegrams - 1, 0, UPTIME_SOURCE) if builder else None
        self._write(
            '{"protocol":%s,"registers":[%s],"reading":%s}'
            % (json.dumps(link.name), ",".join(registers), reading_json(reading) if reading else "null")
        )
        return True

    def finish(self) -> None:
        """The stream ends: an end of line closes a last telegram without one."""
        self.feed(b"\n")
        best = self.links[0]
        for link in self.links[1:]:
            if link.interest() > best.interest():
                best = link
        self._write('{"summary":' + ordered(best.summary(), SUMMARY_MEMBERS) + "}")


UPTIME_SOURCE = 2  # reading.UPTIME: a capture is not dated by this machine's clock


def main(words: list) -> None:
    protocol = words[1] if len(words) > 1 else "auto"
    decoding = Decoding([Link(name) for name in (sorted(PROTOCOLS) if protocol == "auto" else [protocol])], print)
    stream = sys.stdin.buffer if words[0] == "-" else open(words[0], "rb")
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    while True:
        count = stream.readinto(buffer)
        if not count:
            break
        decoding.feed(view[:count])
    decoding.finish()


if __name__ == "__main__":
    main(sys.argv[1:])
