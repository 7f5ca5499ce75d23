"""Keeps a meter's line: settings and the owner's choices in; the settings at which telegrams decode, and what is heard in a word, out.

Finding the settings is the work of uart/finding.py, which takes memory only for as long as it searches. What it found is kept until
bytes come and telegrams no longer do (another meter), or nothing comes for long.
"""

import asyncio

from micropython import const

from bridge.core.unload import unload

_KEPT_S = const(300)  # silence where a meter was found, also before the last start, until others are looked for
_LOST_S = const(90)  # without a telegram, while bytes come
_RECENT_S = const(70)  # bytes of so long ago are still heard: AMIS calls once a minute
_MISSES = const(4)  # requests in a row without an answer, until other meters are looked for


class Detection:
    """`pipeline` decodes; `port`: the UART, with `set_line(settings)`, `at_rest()` (True, False for held, None where nobody knows), `stream`.

    `usual`: the board's line, or the owner's, who then `fixed` it; `protocol`: the owner's choice or "auto"; `interfaces` of the board
    ("p1", "ir"); `path`: the file that remembers; `poll_s`: between two requests to a meter that has to be asked.
    """

    def __init__(self, pipeline, port, usual: str, protocol: str, fixed: bool, clock, log, interfaces, path: str, poll_s: int = 30):
        self.pipeline = pipeline
        self.port = port
        self.usual = usual
        self.protocol = protocol
        self.fixed = fixed
        self.clock = clock
        self.log = log
        self.interfaces = interfaces
        self.path = path
        self.poll_s = poll_s
        self.line = usual  # settings that are listened at
        self.searching = False  # in its first round
        self.request = None  # asks the meter, where one was found that has to be asked
        self.pin = None  # a function: the state of the meter's PIN for the status, None of a meter that has none
        self._received = 0
        self._heard_at = None  # the clock's uptime when bytes came last

    async def run(self) -> None:
        """Listens, searches, keeps; never ends."""
        patience = _KEPT_S
        while True:
            if not self.fixed or self.asks():
                from bridge.uart import finding

                await finding.find(self, patience)
                del finding
                unload("bridge.uart.finding")
                if not self.request:
                    unload("bridge.uart.settings", "bridge.uart.request")
            patience = 0  # what is lost from now on was waited for here
            await (self._asking() if self.request else self._until_lost())
            if self.fixed and self.protocol == "auto":
                self.pipeline.search()

    def asks(self) -> bool:
        """Whether a meter can be asked: there is a head that sends light, and the owner's choices, if any, do not exclude it."""
        if "ir" not in self.interfaces or self.port.mute or self.protocol not in ("auto", "d0"):
            return False
        return not self.fixed or self.usual.endswith(" 7E1")

    def set_line(self, line: str) -> None:
        """Listens at other line settings from now on; the same ones change nothing."""
        if line != self.line:
            from bridge.uart.settings import parse

            self.port.set_line(parse(line))
            self.line = line

    def received(self) -> int:
        """Bytes that came until now; asked often, it knows when they came."""
        count = self.pipeline.received_bytes
        if count != self._received:
            self._received = count
            self._heard_at = self.clock.uptime_s()
        return count

    def frames(self) -> int:
        """Telegrams whose checksum was right, since the pipeline searches."""
        return sum([framer.frames for framer, _ in self.pipeline.links])

    async def _asking(self) -> None:
        """Asks until answers stay away; an answer has just come."""
        await asyncio.sleep(self.poll_s)
        await self.request.run(_MISSES)
        self.request = None

    async def _until_lost(self) -> None:
        """Returns when bytes come and telegrams do not, or nothing at all for long."""
        pipeline = self.pipeline
        received = self.received()
        frames = self.frames()
        good = heard = self.clock.uptime_s()
        while True:
            await asyncio.sleep(1)
            now = self.clock.uptime_s()
            if self.received() != received:
                received = self.received()
                heard = now
                if pipeline.problem == "s1":  # has no telegrams
                    good = now
            if self.frames() != frames:
                frames = self.frames()
                good = now
            if heard - good > _LOST_S or now - good > _KEPT_S:
                return

    def heard(self) -> str:
        """What is on the line, in a word: "telegrams", "silence", "held", "noise", "bytes", "s1", or why telegrams are refused."""
        pipeline = self.pipeline
        now = self.clock.uptime_s()
        recent = _RECENT_S
        if self.request:
            recent += 2 * self.poll_s
        if pipeline.last_reading is not None and now - pipeline.last_reading <= recent and not pipeline.problem:
            return "telegrams"
        if self._heard_at is None or now - self._heard_at > recent:
            return "held" if self.port.at_rest() is False else "silence"
        if pipeline.problem:
            return pipeline.problem
        for framer, _ in pipeline.links:
            if not pipeline.settled or framer.frames + framer.crc_errors + framer.oversize:
                return "bytes"
        return "noise"

    def status(self) -> dict:
        """For the status document: the pipeline's, the line, what is heard and what the owner can do about it."""
        found = self.pipeline.status()
        found["line"] = self.line
        found["heard"] = heard = self.heard()
        pin = self.pin and self.pin()
        if pin:
            found["pin"] = pin
        if heard != "telegrams":
            from bridge.uart import advice

            found["advice"] = advice.text("searching" if self.searching and heard in ("noise", "bytes") else heard, self.interfaces)
            unload("bridge.uart.advice")
        return found
