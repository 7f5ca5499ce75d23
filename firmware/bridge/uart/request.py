"""Asks a meter that does not speak of itself (IEC 62056-21, modes A to C): requests and choices of speed out, line settings with them.

    300 baud: /?! CR LF   meter: /XXXZ.. CR LF   ACK 0 Z 0 CR LF   speed Z: STX data ! CR LF ETX BCC

What the meter says goes the usual way, through the reader and a D0Framer; this task only looks at what became of it. A meter
whose choice of speed is not heard sends its data at 300 baud, which is waited for too.
"""

import asyncio

from micropython import const

_REQUEST = b"/?!\r\n"
_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)  # Z = 0 to 6 of mode C; A to F, from 600, of mode B, which asks for no choice
_STEP_MS = const(20)
_ANSWER_MS = const(3500)  # until the identification is whole: request, reaction of up to 1.5 s, 23 characters at 300 baud
_REACTION_MS = const(200)  # a meter needs it before it listens again, but one whose third letter is small
_QUICK_MS = const(20)
_QUICK_TURN_MS = const(10)
_ACK_BITS = const(60)
_TURN_MS = const(80)  # after the choice was sent: the meter's own pause is longer, unless it is quick
_SILENCE_MS = const(3000)  # ends a data block without an end; the meter's longest pause before it is 2 s
_LONGEST_MS = const(150000)  # 4 KB at 300 baud
_REST_MS = const(1000)  # before the next request: the meter has to notice that it is done


class Request:
    """`write(bytes)` sends to the meter, `set_line(text)` takes "9600 7E1", `framer` is the D0Framer that hears it, `heard()` the bytes
    received so far. Every `poll_s` seconds; `baud` and `form`: of the line at which the meter waits for a request.

    Counts `requests` and `answers` (identifications).
    """

    def __init__(self, write, set_line, framer, heard, poll_s: int = 30, baud: int = 300, form: str = "7E1"):
        self._write = write
        self._set_line = set_line
        self._framer = framer
        self._heard = heard
        self._poll_ms = poll_s * 1000
        self._baud = baud
        self._form = form
        self._spent = 0  # ms since the request
        self.requests = 0
        self.answers = 0

    async def run(self, patience: int = 0) -> None:
        """Asks again and again, with a `patience` until so many requests in a row brought no telegram; always leaves the line as for requests."""
        missed = 0
        while not patience or missed < patience:
            missed = 0 if await self.ask() else missed + 1
            await asyncio.sleep_ms(max(self._poll_ms - self._spent, _REST_MS))

    async def ask(self) -> bool:
        """One request and what follows from it; whether a telegram came."""
        framer = self._framer
        before = framer.frames
        self._spent = 0
        try:
            self._line(self._baud)
            framer.identified = 0
            self._write(_REQUEST)
            self.requests += 1
            while self._spent < _ANSWER_MS and not framer.identified and framer.frames == before:
                await self._sleep(_STEP_MS)
            if framer.identified:
                self.answers += 1
                await self._choose(framer.identified & 255, framer.identified >> 8 > 96)
            await self._receive(before)
        finally:
            self._line(self._baud)
        return framer.frames != before

    async def _choose(self, speed: int, quick: bool) -> None:
        """Answers an identification with the speed that the meter proposes, and goes there with it."""
        if 65 <= speed <= 70:
            self._line(_SPEEDS[speed - 64])
        elif 48 <= speed <= 54:
            await self._sleep(_QUICK_MS if quick else _REACTION_MS)
            self._write(b"\x060%c0\r\n" % speed)
            baud = _SPEEDS[speed - 48]
            if baud != self._baud:
                await self._sleep(_ACK_BITS * 1000 // self._baud + (_QUICK_TURN_MS if quick else _TURN_MS))
                self._line(baud)

    async def _receive(self, before: int) -> None:
        """Until a telegram is whole or refused, or the line is silent."""
        framer = self._framer
        refused = framer.crc_errors + framer.oversize
        heard = self._heard()
        quiet = 0
        while framer.frames == before and framer.crc_errors + framer.oversize == refused and quiet < _SILENCE_MS and self._spent < _LONGEST_MS:
            await self._sleep(_STEP_MS)
            now = self._heard()
            quiet = quiet + _STEP_MS if now == heard else 0
            heard = now

    async def _sleep(self, ms: int) -> None:
        self._spent += ms
        await asyncio.sleep_ms(ms)

    def _line(self, baud: int) -> None:
        self._set_line("%d %s" % (baud, self._form))
