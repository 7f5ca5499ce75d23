"""Finds a meter's line settings by listening: settings to try in, the ones at which telegrams decode out, remembered in a file.

A setting is left as soon as a whole burst of bytes came in which there was no mark of a protocol, or when nothing came for
longer than the slowest meter of that setting takes; the round then goes on, for ever. It is kept when a telegram decodes,
or is only refused for want of a key, and the round begins anew when bytes come and telegrams no longer do: another meter.
"""

import asyncio
import json
import os

from micropython import const

from bridge.core.unload import unload
from bridge.uart.settings import parse

# Line settings, seconds to wait for a burst (the cadence of the slowest such meter, and a margin), what is there (protocols 1.8, 9).
_LINES = (
    ("115200 8N1 inverted", 11),  # P1: DSMR 4 and 5, eMUCs, Luxembourg, Styria, Carinthia, Switzerland
    ("115200 8N1", 11),  # the same behind an inverting board
    ("9600 8N1", 5),  # SML; Vienna
    ("9600 7E1 inverted", 11),  # DSMR 2 and 3
    ("9600 7E1", 11),  # the same behind an inverting board; D0 push
    ("2400 8E1", 12),  # M-Bus: Tyrol, Salzburg, Vorarlberg, Lower Austria, Burgenland, Nordic
    ("2400 8N1", 12),
    ("115200 7E1 inverted", 11),  # Slovenia
    ("115200 8E1 inverted", 11),  # Denmark
    ("38400 8N1 inverted", 11),
    ("9600 8N1 inverted", 11),  # Switzerland, E360
    ("9600 8E1", 62),  # AMIS calls once a minute
    ("2000000 8N1", 1),  # the S1 port, to say that it is the wrong one
)
_STEP_MS = const(50)
_GAP_MS = const(250)  # a pause of this length ends a burst; M-Bus meters pause up to 160 ms between two frames
_ENOUGH = const(16)  # bytes of a burst that says something
_BURSTS = const(4)  # without a good telegram, where there was a mark of a protocol
_USUAL_S = const(11)  # at the line that a board usually has
_KEPT_S = const(300)  # silence at a setting that was right before, until others are tried as well
_LOST_S = const(90)  # without a telegram, while bytes come
_RECENT_S = const(70)  # bytes of so long ago are still heard: AMIS calls once a minute
_MOST_FILE = const(200)


class Detection:
    """`pipeline` decodes; `port`: the UART, with `set_line(settings)` and `at_rest()` (True, False for held, None where nobody knows).

    `line`: the board's usual one, or the owner's, who then `fixed` it; `protocol`: the owner's choice or "auto"; `path`: the file
    that remembers.
    """

    def __init__(self, pipeline, port, line: str, protocol: str, fixed: bool, clock, log, interfaces, path: str):
        self._pipeline = pipeline
        self._port = port
        self._protocol = protocol
        self._fixed = fixed
        self._clock = clock
        self._log = log
        self._interfaces = interfaces
        self._path = path
        self._first = line
        self._heard_at = None
        self.line = ""

    async def run(self) -> None:
        """Listens, searches, remembers; never ends."""
        known = self._remembered()
        while True:
            for line, wait_s, protocol in self._round(known):
                if await self._try(line, wait_s, protocol):
                    known = self._remember(known)
                    await self._until_lost()
                    break

    def _round(self, known) -> list:
        """What is tried, in this order: (line, seconds, protocol)."""
        protocol = self._protocol
        if self._fixed:
            return [(self._first, 0, protocol)]
        rows = list(_LINES)
        if "p1" not in self._interfaces:  # an optical head: what only P1 ports have comes last
            rows = [row for row in rows if row[0][:6] != "115200"] + [row for row in rows if row[0][:6] == "115200"]
        lines = [(self._first, _USUAL_S, protocol)] + [(line, wait_s, protocol) for line, wait_s in rows if line != self._first]
        if known:
            lines.insert(0, (known[0], _KEPT_S, known[1]))
        return lines

    async def _try(self, line: str, wait_s: int, protocol: str) -> bool:
        """Listens at `line`, with 0 seconds for ever; True when a telegram came that decodes, or two that lack only the right key."""
        pipeline = self._pipeline
        if line != self.line:
            self._port.set_line(parse(line))
            self.line = line
            self._log.debug("meter", "listening at " + line)
        pipeline.search(protocol)
        before = pipeline.readings
        received = pipeline.received_bytes
        quiet = bursts = size = 0
        whole = False
        left = wait_s * 1000
        while left > 0 or size or not wait_s:
            await asyncio.sleep_ms(_STEP_MS)
            left -= _STEP_MS
            if pipeline.readings != before or pipeline.problem and self._frames() > 1:
                return True
            came = pipeline.received_bytes - received
            if came:
                received += came
                size += came
                quiet = 0
                self._heard_at = self._clock.uptime_s()
                continue
            quiet += _STEP_MS
            if quiet < _GAP_MS:
                continue
            if size >= _ENOUGH and whole and wait_s:
                bursts += 1
                if bursts >= (_BURSTS if pipeline.links else 1):
                    return False
                left = max(left, wait_s * 1000)
            whole = True
            size = 0
        return False

    async def _until_lost(self) -> None:
        """Returns when bytes come and telegrams do not, or nothing at all for long."""
        pipeline = self._pipeline
        received = pipeline.received_bytes
        frames = self._frames()
        good = heard = self._clock.uptime_s()
        while True:
            await asyncio.sleep(1)
            now = self._clock.uptime_s()
            if pipeline.received_bytes != received:
                received = pipeline.received_bytes
                heard = self._heard_at = now
            if self._frames() != frames:
                frames = self._frames()
                good = now
            if heard - good > _LOST_S or now - good > _KEPT_S:
                return

    def _frames(self) -> int:
        return sum([framer.frames for framer, _ in self._pipeline.links])

    def _remembered(self):
        """(line, protocol) of the file, None when there is none or the owner fixed the line."""
        if self._fixed:
            return None
        try:
            with open(self._path) as file:
                found = json.loads(file.read(_MOST_FILE))
            line, protocol = found["line"], found["protocol"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if self._protocol not in ("auto", protocol) or line not in [row[0] for row in _LINES] + [self._first]:
            return None
        return line, protocol

    def _remember(self, known):
        """Writes down what was found, when it is news."""
        pipeline = self._pipeline
        if not pipeline.settled:
            return known
        found = self.line, pipeline.links[0][0].PROTOCOL
        if found != known:
            self._log.info("meter", "found %s at %s" % (found[1], found[0]))
            try:
                with open(self._path + ".new", "w") as file:
                    file.write(json.dumps({"line": found[0], "protocol": found[1]}))
                os.rename(self._path + ".new", self._path)
            except OSError as error:
                self._log.warning("meter", "what was found cannot be remembered: %s" % error)
        return found

    def heard(self) -> str:
        """What is on the line, in a word: "telegrams", "silence", "held", "noise", "bytes", "s1", or why telegrams are refused."""
        pipeline = self._pipeline
        if pipeline.problem:
            return pipeline.problem
        now = self._clock.uptime_s()
        if pipeline.last_reading is not None and now - pipeline.last_reading <= _RECENT_S:
            return "telegrams"
        if self._heard_at is None or now - self._heard_at > _RECENT_S:
            return "held" if self._port.at_rest() is False else "silence"
        return "bytes" if pipeline.links else "noise"

    def status(self) -> dict:
        """For the status document: the pipeline's, the line, what is heard and what the owner can do about it."""
        found = self._pipeline.status()
        found["line"] = self.line
        found["heard"] = heard = self.heard()
        if heard != "telegrams":
            from bridge.uart import advice

            found["advice"] = advice.text(heard, self._interfaces)
            unload("bridge.uart.advice")
        return found
